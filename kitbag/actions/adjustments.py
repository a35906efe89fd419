"""Points that staff give a member, with a reason, forever or until a day (R21, R54)."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag.actions.ledger import reconcile_adjustments
from kitbag.models import Adjustment
from members import actions as members
from members.emails import POINTS_PATH
from members.enums import NoticeCode, PointsCause
from members.models import Member, User

MAX_POINTS = 100_000  # more is a typing mistake
MAX_DURATION = timedelta(days=10 * 366)


@transaction.atomic
def adjust_points(
    *, member: Member, points: int, reason: str, expires_on: date | None, by: User, at: datetime
) -> Adjustment:
    """Give a member points, until a day if `expires_on` is set, and notify them of the reason.

    Raises Refusal: `points`, `reason`, `past`, `far` (beside their fields), `closed`.
    """
    if not 0 < points <= MAX_POINTS:
        raise Refusal(
            "points",
            _("Type a number of points from %(least)s to %(most)s.") % {"least": 1, "most": MAX_POINTS},
            "points",
        )
    if not reason.strip():
        raise Refusal("reason", _("Give a reason. The member reads it."), "reason")
    today = timezone.localdate(at)
    if expires_on and expires_on <= today:
        raise Refusal("past", _("This day is not in the future. Choose a later day or leave it empty."), "expires_on")
    if expires_on and expires_on > today + MAX_DURATION:
        raise Refusal("far", _("This day is too far away. Check the year."), "expires_on")
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    row = Adjustment.objects.create(
        member=locked, points=points, reason=reason.strip(), expires_on=expires_on, made_at=at, made_by=by
    )
    reconcile_adjustments(adjustments=[row.pk], cause=PointsCause.ADJUSTED, by=by, at=at)
    _tell(row, at)
    return row


@transaction.atomic
def end_adjustment(*, adjustment: Adjustment, by: User | None, at: datetime) -> Adjustment:
    """Stop counting an adjustment (R21), because its last day has come or staff end it. Raises Refusal `ended`."""
    Member.objects.locked().get(pk=adjustment.member_id)
    rows = Adjustment.objects.select_for_update(of=("self",), no_key=True).select_related("member__user")
    row = rows.get(pk=adjustment.pk)
    if row.ended_at:
        raise Refusal("ended", _("This adjustment has already ended."))
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    reconcile_adjustments(adjustments=[row.pk], cause=PointsCause.ADJUSTMENT_ENDED, by=by, at=at)
    _tell(row, at)
    return row


def _tell(row: Adjustment, at: datetime) -> None:
    ended = row.ended_at is not None
    key = f"adjustment-{row.pk}-{'ended' if ended else 'made'}"
    params = {"adjustment": row.pk, "ended": int(ended)}
    members.notify_member(
        member=row.member, key=key, code=NoticeCode.POINTS_ADJUSTED, params=params, path=POINTS_PATH, at=at
    )
    payload = outbox.rendered_later("kitbag.points_adjusted", adjustment=row.pk, ended=ended)
    outbox.enqueue(key=key, kind="mail", to=row.member.user.email, payload=payload)
