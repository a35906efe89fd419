import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from cps_portal.core.lib.background import SLICE_SECONDS, queue_task
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import Kind


@shared_task(name="outbox.deliver", soft_time_limit=90, time_limit=110)  # seconds, both less than the lease
def deliver(message_id: int) -> None:
    """Send one message."""
    actions.deliver(message_id)


@shared_task(name="outbox.sweep")
def sweep() -> None:
    """Send the e-mails that are due. Webhooks have tasks of their own."""
    for ordering_key in actions.due_ordering_keys(at=timezone.now()):
        queue_task("outbox.send_in_order", ordering_key)
    send_mails(int(time.time() + 2 * settings.OUTBOX_SWEEP_SECONDS))


@shared_task(name="outbox.send_mails")
def send_mails(until: int) -> None:
    """Send e-mails for SLICE_SECONDS, then queue this task for the rest, so that other tasks get a turn.

    Ends at `until`, seconds since the epoch, also if there are more: later sweeps go on with them. Without it a mail to
    everybody would have a new series of these tasks at every sweep, and everything else would wait for all of them.
    """
    if actions.sweep(ordering_key=Kind.MAIL, seconds=SLICE_SECONDS) and time.time() < until:
        queue_task("outbox.send_mails", until)


@shared_task(name="outbox.send_in_order")  # has its own workers (CELERY_TASK_ROUTES): it waits for foreign servers
def send_in_order(ordering_key: str) -> None:
    """Send what is due with one ordering key; after MAX_SECONDS_PER_KEY go on in a new task."""
    if actions.sweep(ordering_key=ordering_key, seconds=actions.MAX_SECONDS_PER_KEY):
        queue_task("outbox.send_in_order", ordering_key)


@shared_task(name="outbox.blank_old")
def blank_old() -> None:
    """Delete the content of old messages."""
    actions.blank_old(at=timezone.now())
