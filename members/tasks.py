from celery import shared_task
from django.utils import timezone

from cps_portal.lib.background import publish
from members import actions

BATCH = 100  # a batch in which every level moves also words as many mails while it holds its members


@shared_task(name="members.apply_thresholds")
def apply_thresholds(after: int = 0) -> None:
    """Settle the next batch of members under the thresholds in force, then queue the one after it."""
    last = actions.apply_thresholds(after=after, limit=BATCH, at=timezone.now())
    if last is not None:
        publish("members.apply_thresholds", last)
