from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import run_in_slices
from members.offers.actions import offers, pack_requests, packs


@shared_task(name="offers.send_pending_requests")
def send_pending_requests() -> None:
    """Send requests for Welcome Packs that could not be sent when they were made; cancel those that rest (R38, R65)."""
    packs.cancel_resting_packs(at=timezone.now())
    pack_requests.send_pending_requests(at=timezone.now())


@shared_task(name="offers.open_late_cases")
def open_late_cases() -> None:
    """Open cases for requests that no fulfilment partner has accepted in time (R38)."""
    pack_requests.open_late_cases(at=timezone.now())


@shared_task(name="offers.delete_old_addresses")
def delete_old_addresses() -> None:
    """Delete addresses of Welcome Packs that are no longer needed."""
    packs.delete_old_addresses(at=timezone.now())


@shared_task(name="offers.send_news")
def send_news() -> None:
    """Mail members who want news about offers that are open to them (R56)."""
    run_in_slices("offers.send_news", step=lambda: offers.send_news(at=timezone.now()))
