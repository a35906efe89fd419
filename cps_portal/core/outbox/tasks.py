from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import queue_task
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import Kind


@shared_task(name="outbox.deliver", soft_time_limit=90, time_limit=110)  # both below the lease
def deliver(message_id: int) -> None:
    """Send one message."""
    actions.deliver(message_id)


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Send the mails that are due, going on in another task if there are more; the other lanes have their own."""
    for lane in actions.due_ordering_keys(at=timezone.now()):
        queue_task("outbox.drain", lane)
    if actions.sweep(lane=Kind.MAIL):
        queue_task("outbox.sweep")


@shared_task(name="outbox.drain")  # settings.CELERY_TASK_ROUTES: its own workers, for it waits for strangers
def drain(lane: str) -> None:
    """Send what is due in one lane, for a while; then others have a turn."""
    if actions.sweep(lane=lane, seconds=actions.LANE_SECONDS):
        queue_task("outbox.drain", lane)


@shared_task(name="outbox.blank_old")
def blank_old() -> None:
    """Delete the content of old messages."""
    actions.blank_old(at=timezone.now())
