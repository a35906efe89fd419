"""When each product was serviced last, for the kit list (R64). `servicing`, which kitbag must not import, answers."""

from collections.abc import Callable
from datetime import date

from members.models import Member

Source = Callable[[Member], dict[int, date]]
_sources: list[Source] = []


def answer_last_service(source: Source) -> None:
    """Register the function that knows the last day of service by the key of each registration."""
    if source not in _sources:
        _sources.append(source)


def last_service_days(member: Member) -> dict[int, date]:
    """The last day of service of the member's products, by the key of their registrations."""
    return {key: day for source in _sources for key, day in source(member).items()}
