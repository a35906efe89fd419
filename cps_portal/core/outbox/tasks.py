from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import queue_task
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import Kind


@shared_task(name="outbox.deliver", soft_time_limit=90, time_limit=110)  # seconds, both less than the lease
def deliver(message_id: int) -> None:
    """Send one message."""
    actions.deliver(message_id)


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Send the e-mails that are due, and start another task if there are more. Webhooks have tasks of their own."""
    for ordering_key in actions.due_ordering_keys(at=timezone.now()):
        queue_task("outbox.send_in_order", ordering_key)
    if actions.sweep(ordering_key=Kind.MAIL):
        queue_task("outbox.sweep")


@shared_task(name="outbox.send_in_order")  # has its own workers (CELERY_TASK_ROUTES): it waits for foreign servers
def send_in_order(ordering_key: str) -> None:
    """Send what is due with one ordering key; after MAX_SECONDS_PER_KEY go on in a new task."""
    if actions.sweep(ordering_key=ordering_key, seconds=actions.MAX_SECONDS_PER_KEY):
        queue_task("outbox.send_in_order", ordering_key)


@shared_task(name="outbox.blank_old")
def blank_old() -> None:
    """Delete the content of old messages."""
    actions.blank_old(at=timezone.now())
