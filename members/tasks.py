import time

from celery import shared_task
from django.utils import timezone

from cps_portal.lib.background import publish
from members import actions

BATCH = 500
TURN_SECONDS = 5  # then it queues itself again, so that other tasks have their turn


@shared_task(name="members.tell_levels")
def tell_levels() -> None:
    """Tell the members whose level moved in a run."""
    end = time.monotonic() + TURN_SECONDS
    while actions.tell_levels(limit=BATCH):
        if time.monotonic() > end:
            publish("members.tell_levels")
            return


@shared_task(name="members.apply_thresholds")
def apply_thresholds(after: int = 0) -> None:
    """Settle the next batch of members under the thresholds in force, then queue the one after it."""
    last = actions.apply_thresholds(after=after, limit=BATCH, at=timezone.now())
    if last is None:
        publish("members.tell_levels")
    else:
        publish("members.apply_thresholds", last)
