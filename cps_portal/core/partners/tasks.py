from celery import shared_task
from django.utils import timezone

from cps_portal.core.partners import actions


@shared_task(name="partners.write_calls")
def write_calls() -> None:
    """Write the buffered API calls to the database."""
    actions.write_buffered_calls()


@shared_task(name="partners.watch_endpoints")
def watch_endpoints() -> None:
    """Tell partners of webhook endpoints that do not answer, and suspend those that go on like that."""
    actions.watch_endpoints(at=timezone.now())
