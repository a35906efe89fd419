from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import run_in_slices
from members.offers.actions import offers, packs


@shared_task(name="offers.send_unsent")
def send_unsent() -> None:
    """Post the requests for packs that no house could be told of when they were made (R38)."""
    packs.send_unsent(at=timezone.now())


@shared_task(name="offers.open_late_cases")
def open_late_cases() -> None:
    """A case for staff for each request that no house has acknowledged for days (R38)."""
    packs.open_late_cases(at=timezone.now())


@shared_task(name="offers.blank_addresses")
def blank_addresses() -> None:
    """Delete the addresses of packs that are done with."""
    packs.blank_old_addresses(at=timezone.now())


@shared_task(name="offers.tell_news")
def tell_news() -> None:
    """Tell those who want news of the offers that are open to them, batch after batch (R56)."""
    run_in_slices("offers.tell_news", step=lambda: offers.tell_news(at=timezone.now()))
