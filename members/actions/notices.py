"""Notices on the dashboard (R56)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from members.actions.push import push_notices
from members.enums import NoticeCode
from members.models import Member, Notice, PendingLevelNotice


def notify_member(
    *, member: Member, key: str, code: NoticeCode, params: Mapping[str, int | str], path: str, at: datetime
) -> None:
    """Put a notice on the member's dashboard. Idempotent by key (R56). Of two accounts, on that in use (R69).

    `params` holds keys of rows, not what they say: a notice is worded from the rows when it is shown (R70).
    """
    notify_members([Notice(key=key, member=member.account_in_use, code=code, params=dict(params), path=path, at=at)])


def dismiss_notices(*, keys: Iterable[str], at: datetime) -> None:
    """Mark notices as read because what they asked for has been done."""
    Notice.objects.filter(key__in=list(keys), read_at=None).update(read_at=at)


def notify_members(notices: Iterable[Notice]) -> None:
    """As `notify_member`, for many members in one statement. Browsers that want to know are told as well."""
    rows = list(notices)
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        push_notices(rows, at=rows[0].at)


@transaction.atomic
def delete_notices(*, member: Member) -> None:
    """Delete all notices of a member, shown or pending, when the person is erased (R14)."""
    PendingLevelNotice.objects.filter(member=member).delete()
    Notice.objects.filter(member=member).delete()
