from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from cps_portal.core.partners import actions


@shared_task(name="partners.delete_old_attempts")
def delete_old_attempts() -> None:
    """Delete what receivers answered long ago."""
    actions.delete_old_attempts(at=timezone.now())


@shared_task(name="partners.write_calls")
def write_calls() -> None:
    """Write down what partners did since the last time."""
    actions.write_calls()


@shared_task(name="partners.delete_old_calls")
def delete_old_calls() -> None:
    """Delete what partners did long ago, kept answers and tokens that have run out."""
    actions.delete_old_calls(at=timezone.now())
    clear_expired()
