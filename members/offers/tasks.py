from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import run_in_slices
from members.offers.actions import offers, packs


@shared_task(name="offers.send_pending_requests")
def send_pending_requests() -> None:
    """Post the requests for packs that no house could be told of when they were made (R38)."""
    packs.send_pending_requests(at=timezone.now())


@shared_task(name="offers.open_late_cases")
def open_late_cases() -> None:
    """A case for staff for each request that no house has acknowledged for days (R38)."""
    packs.open_late_cases(at=timezone.now())


@shared_task(name="offers.delete_old_addresses")
def delete_old_addresses() -> None:
    """Delete the addresses of packs that are done with."""
    packs.delete_old_addresses(at=timezone.now())


@shared_task(name="offers.send_news")
def send_news() -> None:
    """Tell those who want news of the offers that are open to them, batch after batch (R56)."""
    run_in_slices("offers.send_news", step=lambda: offers.send_news(at=timezone.now()))
