from celery import shared_task
from django.utils import timezone

from cps_portal.partners import actions


@shared_task(name="partners.delete_old_attempts")
def delete_old_attempts() -> None:
    """Delete what receivers answered long ago."""
    actions.delete_old_attempts(at=timezone.now())
