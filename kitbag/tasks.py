import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from celery import shared_task
from django.utils import timezone

from cps_portal.lib.background import publish
from cps_portal.lib.errors import Refusal
from kitbag.actions import adjustments, announcing, applying, planning, registrations
from kitbag.models import Adjustment, Registration

BATCH = 500  # members are locked for about 50 ms then; larger batches are hardly faster
TURN_SECONDS = 5
SWEEP_LIMIT = 1000


@shared_task(name="kitbag.check_registration")
def check_registration(registration: int) -> None:
    row = Registration.objects.filter(pk=registration).first()
    if row:
        registrations.check_registration(registration=row, at=timezone.now())


@shared_task(name="kitbag.sweep_undecided")
def sweep_undecided() -> None:
    """Check what was submitted a minute ago and never checked: its task was lost with the broker."""
    now = timezone.now()
    waiting = Registration.objects.undecided(since=now - timedelta(minutes=1)).order_by("submitted_at")
    for row in waiting[:SWEEP_LIMIT]:
        registrations.check_registration(registration=row, at=now)


@shared_task(name="kitbag.apply_due_changes")
def apply_due_changes() -> None:
    """Let what is due take effect, and get runs going again that lost their worker (R22)."""
    for change in applying.begin_due(at=timezone.now()):
        publish("kitbag.settle_change", change)


@shared_task(name="kitbag.settle_change")
def settle_change(change: int) -> None:
    """Settle the holders of a running change batch by batch, then queue the rest, so that other tasks have a turn."""
    if _by_turns("kitbag.settle_change", change, partial(applying.settle_step, change=change, limit=BATCH)):
        publish("members.tell_levels")


@shared_task(name="kitbag.announce_changes")
def announce_changes() -> None:
    """Tell the holders of what was planned or dropped (R22)."""
    for change in announcing.waiting_to_tell(at=timezone.now()):
        publish("kitbag.announce_change", change)


@shared_task(name="kitbag.announce_change")
def announce_change(change: int) -> None:
    _by_turns("kitbag.announce_change", change, partial(announcing.announce_step, change=change, limit=BATCH))


@shared_task(name="kitbag.plan_service_ends")
def plan_service_ends() -> None:
    """Plan the ends of service that come into sight in the catalogue (R20)."""
    planning.plan_service_ends(at=timezone.now())


@shared_task(name="kitbag.end_adjustments")
def end_adjustments() -> None:
    """End the adjustments whose last day has passed."""
    now = timezone.now()
    for row in Adjustment.objects.expired(timezone.localdate(now))[:SWEEP_LIMIT]:
        with suppress(Refusal):  # ended by hand meanwhile
            adjustments.end_adjustment(adjustment=row, by=None, at=now)


def _by_turns(name: str, change: int, step: Callable[..., bool]) -> bool:
    """Take steps for a few seconds, then queue the task again. Returns whether it came to the end."""
    end = time.monotonic() + TURN_SECONDS
    while step(at=timezone.now()):
        if time.monotonic() > end:
            publish(name, change)
            return False
    return True
