from celery import shared_task
from django.utils import timezone

from cps_portal.core.submissions import actions


@shared_task(name="submissions.delete_old")
def delete_old() -> None:
    """Delete kept forms and answers whose time is over."""
    actions.delete_old(at=timezone.now())
