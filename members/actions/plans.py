"""What planning has in common for all changes that members are told of in advance: thresholds, countries (R22)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from members.enums import ChangeState
from members.models import AnnouncedPlan, User

P = TypeVar("P", bound=AnnouncedPlan)

STALLED_AFTER = timedelta(minutes=1)  # a run without a step for this long has lost its worker
MAX_TIME_AHEAD = timedelta(days=5 * 366)


def check_day(effective_on: date, *, today: date) -> None:
    """Raises Refusal beside `effective_on` if it is not in the future, or too far in it."""
    if effective_on <= today:
        raise Refusal("past", _("This date is not in the future. Choose a later one."), "effective_on")
    if effective_on > today + MAX_TIME_AHEAD:
        raise Refusal("far", _("This date is too far ahead. Check the year."), "effective_on")


def check_notice(plan: AnnouncedPlan, *, today: date) -> None:
    """Raises Refusal beside `effective_on` if members would get less than their notice, and no reason is given."""
    earliest = today + timedelta(days=settings.NOTICE_DAYS + 1)  # one day more, to notify everybody
    if plan.effective_on < earliest and not plan.short_notice_reason:
        raise Refusal(
            "notice",
            _("Members get %(days)s days of notice. Choose %(day)s or later, or enter a reason for short notice.")
            % {"days": settings.NOTICE_DAYS, "day": write_day(earliest)},
            "effective_on",
        )


@transaction.atomic
def cancel_plan(*, plan: P, by: User | None, at: datetime) -> P:
    """Cancel it; members who were notified of it get a second message. Raises Refusal `state` if it has begun."""
    row = _rows(type(plan)).select_for_update(of=("self",), no_key=True).get(pk=plan.pk)
    if row.state != ChangeState.PLANNED:
        raise Refusal("state", _("This change has taken effect or has been cancelled already."))
    row.state, row.cancelled_at = ChangeState.CANCELLED, at
    row.cursor, row.stepped_at = 0, None
    with attributed_to(by):
        row.save(update_fields=["state", "cancelled_at", "cursor", "stepped_at"])
    return row  # type: ignore[no-any-return]


def plans_to_announce(kind: type[AnnouncedPlan], *, at: datetime) -> list[int]:
    """Keys of the plans with members left to notify, of the plan or of its cancellation.

    A new plan is announced after ANNOUNCE_AFTER_MINUTES, so that staff can still correct a mistake unnoticed.
    """
    planned_before = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    plans = _rows(kind).exclude(stepped_at__gt=at - STALLED_AFTER)
    new = plans.filter(state=ChangeState.PLANNED, announced_at=None, planned_at__lte=planned_before)
    cancelled = plans.filter(state=ChangeState.CANCELLED, recalled_at=None)
    return sorted(new.values_list("pk", flat=True)) + sorted(cancelled.values_list("pk", flat=True))


def begin_due_plans(kind: type[P], begin: Callable[..., bool], *, at: datetime) -> list[int]:
    """`begin` all plans whose day has come and whose members were notified in time.

    Returns the keys of all plans that need a worker: those that begin now, and runs that have lost their worker.
    """
    due = _rows(kind).planned().filter(effective_on__lte=timezone.localdate(at), announced_at__isnull=False)
    for plan in due:
        if plan.told_in_time:
            begin(plan=plan, at=at)
    stalled = _rows(kind).filter(state=ChangeState.RUNNING).exclude(stepped_at__gt=at - STALLED_AFTER)
    return list(stalled.order_by("effective_on", "pk").values_list("pk", flat=True))


def lock_to_begin(plan: P) -> P | None:
    """The plan, locked; None if it has begun, was not told in time, or another worker has it."""
    planned = _rows(type(plan)).planned().select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = planned.filter(pk=plan.pk).first()
    return row if row and row.told_in_time else None


def lock_for_step(kind: type[P], plan: int) -> P | None:
    """The plan, locked; None while another worker is at it."""
    rows = _rows(kind).select_for_update(of=("self",), no_key=True, skip_locked=True)
    return rows.filter(pk=plan).first()  # type: ignore[no-any-return]


def mark_begun(row: AnnouncedPlan, *, at: datetime) -> None:
    row.state, row.begun_at = ChangeState.RUNNING, at
    row.cursor, row.stepped_at = 0, None
    row.save(update_fields=["state", "begun_at", "cursor", "stepped_at"])


def mark_finished(row: AnnouncedPlan, *, at: datetime) -> None:
    row.state, row.finished_at = ChangeState.DONE, at
    row.save(update_fields=["state", "finished_at"])


def _rows(kind: type[AnnouncedPlan]) -> Any:
    """The manager of the kind: an abstract model has none of its own."""
    return kind._default_manager
