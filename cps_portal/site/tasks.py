from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import queue_task, run_in_slices
from cps_portal.site import actions, retention
from cps_portal.site.queries.programme import count_totals

BATCH = 100


@shared_task(name="portal.erase_closed")
def erase_closed(after: int = 0) -> None:
    """Erase the people whose closed accounts can no longer be reopened (R14), a batch at a time."""
    if last := actions.erase_due(at=timezone.now(), limit=BATCH, after=after):
        queue_task("portal.erase_closed", last)


@shared_task(name="portal.delete_expired")
def delete_expired(*, hourly: bool) -> None:
    """Queue a task for every table with rows whose time may be over."""
    for label in retention.expiring_tables(hourly=hourly):
        queue_task("portal.delete_expired_rows", label)


@shared_task(name="portal.delete_expired_rows")
def delete_expired_rows(label: str) -> None:
    """Delete the rows of one table whose time is over, in batches."""

    def step() -> bool:
        return retention.delete_batch(label=label, at=timezone.now()) > 0

    run_in_slices("portal.delete_expired_rows", label, step=step)


@shared_task(name="portal.count_programme")
def count_programme() -> None:
    """Count members and kit for the overview of the programme (R54), so that no page has to."""
    count_totals(timezone.now())
