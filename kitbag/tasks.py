import logging
from contextlib import suppress
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import queue_task, run_in_slices
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import (
    adjustments,
    held_decisions,
    ledger_checks,
    missed_searches,
    owner_details,
    planning,
    registrations,
    sales,
    serial_changes,
    stage_change_notices,
    stage_changes,
)
from kitbag.models import Adjustment, HeldDecision, Registration, Sale, SerialChange

logger = logging.getLogger(__name__)

BATCH = 500
HOLDERS = 700  # of a changed product at once, so that no member waits long for it (docs/performance.md)
SWEEP_LIMIT = 1000


@shared_task(name="kitbag.check_registration")
def check_registration(registration: int) -> None:
    row = Registration.objects.filter(pk=registration).first()
    if row:
        registrations.check_registration(registration=row, at=timezone.now())


@shared_task(name="kitbag.sweep_undecided")
def sweep_undecided() -> None:
    """Check registrations whose task was lost: submitted more than a minute ago and not checked yet.

    The same for new serial numbers that somebody else holds.
    """
    now = timezone.now()
    waiting = Registration.objects.undecided(since=now - timedelta(minutes=1)).order_by("submitted_at")
    for row in waiting[:SWEEP_LIMIT]:
        registrations.check_registration(registration=row, at=now)
    for change in SerialChange.objects.waiting().order_by("pk")[:SWEEP_LIMIT]:
        serial_changes.claim_serial(change=change, at=now)


@shared_task(name="kitbag.apply_due_decisions")
def apply_due_decisions() -> None:
    """Queue a task for every held decision whose time is over, so that one that fails stops no other (R54)."""
    for key in HeldDecision.objects.due(timezone.now()).values_list("pk", flat=True)[:SWEEP_LIMIT]:
        queue_task("kitbag.apply_decision", key)


@shared_task(name="kitbag.apply_decision")
def apply_decision(decision: int) -> None:
    row = HeldDecision.objects.filter(pk=decision).first()
    if row:
        held_decisions.apply_decision(decision=row, at=timezone.now())


@shared_task(name="kitbag.claim_serial")
def claim_serial(change: int) -> None:
    """Open the claim about a new serial number that another member holds (R32, R64)."""
    row = SerialChange.objects.filter(pk=change).first()
    if row:
        serial_changes.claim_serial(change=row, at=timezone.now())


@shared_task(name="kitbag.match_sale")
def match_sale(sale: int) -> None:
    row = Sale.objects.active().filter(pk=sale).select_related("partner").first()
    if row:
        registrations.match_sale(sale=row, at=timezone.now())


@shared_task(name="kitbag.match_sales")
def match_sales() -> None:
    """Match sales whose task was lost."""
    for key in sales.unmatched_sales():
        match_sale(key)


@shared_task(name="kitbag.apply_due_changes")
def apply_due_changes() -> None:
    """Begin the changes that are due and continue runs that stalled (R22)."""
    for change in stage_changes.begin_due(at=timezone.now()):
        queue_task("kitbag.reconcile_change", change)


@shared_task(name="kitbag.reconcile_change")
def reconcile_change(change: int) -> None:
    """Reconcile the holders of a running change in batches, then queue the rest, so that other tasks get a turn."""

    def step() -> bool:
        return stage_changes.reconcile_step(change=change, limit=HOLDERS, at=timezone.now())

    if run_in_slices("kitbag.reconcile_change", change, step=step):
        queue_task("members.notify_level_changes")


@shared_task(name="kitbag.announce_changes")
def announce_changes() -> None:
    """Queue a task for every change that has holders to notify (R22)."""
    for change in stage_change_notices.changes_to_announce(at=timezone.now()):
        queue_task("kitbag.announce_change", change)


@shared_task(name="kitbag.announce_change")
def announce_change(change: int) -> None:
    def step() -> bool:
        return stage_change_notices.notify_holders_step(change=change, limit=BATCH, at=timezone.now())

    run_in_slices("kitbag.announce_change", change, step=step)


@shared_task(name="kitbag.plan_service_ends")
def plan_service_ends() -> None:
    """Plan the ends of service in the catalogue that are close enough (R20)."""
    planning.plan_service_ends(at=timezone.now())


@shared_task(name="kitbag.check_ledger")
def check_ledger() -> None:
    """Compare the whole ledger with the rules, and log an error if it differs (R11, R21)."""
    check = ledger_checks.check_ledger(by=None, at=timezone.now())
    if not check.is_clean:
        logger.error("the ledger differs from the rules: see check %s in the admin, manage.py check_ledger", check.pk)


@shared_task(name="kitbag.write_missed_searches")
def write_missed_searches() -> None:
    missed_searches.write_missed_searches()


@shared_task(name="kitbag.end_adjustments")
def end_adjustments() -> None:
    """End the adjustments whose last day has passed."""
    now = timezone.now()
    for row in Adjustment.objects.expired(timezone.localdate(now))[:SWEEP_LIMIT]:
        with suppress(Refusal):  # ended by hand meanwhile
            adjustments.end_adjustment(adjustment=row, by=None, at=now)


@shared_task(name="kitbag.forget_owner_details")
def forget_owner_details() -> None:
    """Delete what members kept about products that have left the Kitbag, in batches."""
    if owner_details.forget_ended(at=timezone.now(), limit=BATCH) == BATCH:
        queue_task("kitbag.forget_owner_details")


@shared_task(name="kitbag.remind")
def remind(after: int = 0) -> None:
    """Remind the next batch of members of unfinished products, then queue the batch after it."""
    last = registrations.remind_unfinished(after=after, limit=BATCH, at=timezone.now())
    if last is not None:
        queue_task("kitbag.remind", last)
