from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from cps_portal.core.lib.background import queue_task
from cps_portal.site import actions

BATCH = 100


@shared_task(name="portal.erase_closed")
def erase_closed(after: int = 0) -> None:
    """Erase the people whose closed accounts can no longer be reopened (R14), a batch at a time."""
    if last := actions.erase_due(at=timezone.now(), limit=BATCH, after=after):
        queue_task("portal.erase_closed", last)


@shared_task(name="portal.clear_sessions")
def clear_sessions() -> None:
    """Delete sessions that have run out: they keep the address that was typed."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
