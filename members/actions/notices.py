"""What the dashboard tells of its own accord (R56)."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from members.enums import NoticeCode
from members.models import Member, Notice


@transaction.atomic
def read_notice(*, member: Member, notice: int, at: datetime) -> None:
    """Put a notice of the dashboard away."""
    Notice.objects.filter(pk=notice, member=member, read_at=None).update(read_at=at)


def notify_member(
    *, member: Member, key: str, code: NoticeCode, params: dict[str, str | int], path: str, at: datetime
) -> None:
    """Put a notice on the member's dashboard; the same key twice says it once (R56)."""
    Notice.objects.bulk_create(
        [Notice(key=key, member=member, code=code, params=params, path=path, at=at)], ignore_conflicts=True
    )


def dismiss_notices(*, keys: Iterable[str], at: datetime) -> None:
    """What these notices asked for was done: they go by themselves."""
    Notice.objects.filter(key__in=list(keys), read_at=None).update(read_at=at)


def notify_members(notices: Iterable[Notice]) -> None:
    """As `tell`, for many in one statement."""
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
