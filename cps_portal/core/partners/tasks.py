from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from cps_portal.core.partners import actions


@shared_task(name="partners.delete_old_attempts")
def delete_old_attempts() -> None:
    """Delete old delivery attempts."""
    actions.delete_old_attempts(at=timezone.now())


@shared_task(name="partners.write_calls")
def write_calls() -> None:
    """Write the buffered API calls to the database."""
    actions.write_buffered_calls()


@shared_task(name="partners.delete_old_calls")
def delete_old_calls() -> None:
    """Delete old API calls, idempotency records and expired tokens."""
    actions.delete_old_calls(at=timezone.now())
    clear_expired()
