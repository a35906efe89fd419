"""What service centres have of a member's kit (R18, R47). `servicing`, which kitbag must not import, answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from members.models import Member


@dataclass(frozen=True)
class InService:
    """A product that is at a centre, or on its way there or back. `path` is the page of its job."""

    path: str
    where: str | Promise
    sentence: str
    is_late: bool
    is_moving: bool


Source = Callable[[Member, datetime], dict[int, InService]]
_sources: list[Source] = []


def answer_in_service(source: Source) -> None:
    """Register the function that knows, by the key of each registration, what is in service."""
    if source not in _sources:
        _sources.append(source)


def kit_in_service(member: Member, now: datetime) -> dict[int, InService]:
    """What is in service, by the key of the registration."""
    return {key: entry for source in _sources for key, entry in source(member, now).items()}
