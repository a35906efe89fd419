from celery import shared_task
from django.utils import timezone

from cps_portal.lib.background import publish
from cps_portal.outbox import actions


@shared_task(name="outbox.deliver", soft_time_limit=90, time_limit=110)  # both below the lease
def deliver(message_id: int) -> None:
    """Send one message."""
    actions.deliver(message_id)


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Send what is due, and go on in another task if there is more."""
    if actions.sweep():
        publish("outbox.sweep")


@shared_task(name="outbox.blank_old")
def blank_old() -> None:
    """Delete the content of old messages."""
    actions.blank_old(at=timezone.now())
