"""Record what staff open, and let them look at the portal as a member (R54, R68)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history import erasing_trail
from cps_portal.core.lib.text import clean_name
from members.enums import AccessKind, Door
from members.models import Member, MemberView, StaffAccess, User
from members.models.staff_access import MAX_REASON_LENGTH


def record_access(
    *,
    by: User,
    at: datetime,
    kind: AccessKind,
    door: Door,
    page: str,
    members: Iterable[int] = (),
    model: str = "",
    key: int | None = None,
    rows: int | None = None,
    filters: str = "",
) -> None:
    """Record that somebody of the staff opened a page, a file or an export: a row for each member it is about.

    `members` are keys, `page` is the name of a view, `model` a label such as "kitbag.registration". `rows` and
    `filters` are those of a list that was downloaded. One insert.
    """
    about: list[int] | list[None] = sorted(set(members)) or [None]
    StaffAccess.objects.bulk_create(
        StaffAccess(
            by=by,
            at=at,
            kind=kind,
            door=door,
            page=page,
            member_id=member,
            model=model,
            key=key,
            rows=rows,
            filters=filters,
        )
        for member in about
    )


@transaction.atomic
def start_view(*, member: Member, reason: str, by: User, at: datetime) -> MemberView:
    """Let somebody of the staff look at the portal as this member for VIEW_AS_MINUTES; ends their earlier one.

    Raises Refusal: `staff`, `closed`, `empty` and `long` (beside `reason`).
    """
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.user.is_staff or locked.user.is_superuser or locked.user_id == by.pk:
        raise Refusal("staff", _("This is an account of staff: nobody looks at the portal as a colleague."))
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed: there is nothing to look at."))
    text = clean_name(reason)
    if not text:
        raise Refusal("empty", _("Say why you look. The member can read it."), "reason")
    if len(text) > MAX_REASON_LENGTH:
        raise Refusal("long", _("Please say it shorter."), "reason")
    end_view(member=locked, by=by, at=at)
    until = at + timedelta(minutes=settings.VIEW_AS_MINUTES)
    return MemberView.objects.create(member=locked, by=by, reason=text, at=at, until=until)


def end_view(*, member: Member, by: User, at: datetime) -> int:
    """End what is still running of this person's views as the member; returns how many."""
    return MemberView.objects.filter(member=member, by=by, until__gt=at, ended_at=None).update(ended_at=at)


def erase_view_reasons(*, member: Member) -> None:
    """Blank why staff looked: it may name the person. That they looked, and when, stays (R14)."""
    with erasing_trail():
        MemberView.objects.filter(member=member).update(reason="")
