from celery import shared_task

from cps_portal.core.limits.store import store


@shared_task(name="limits.delete_expired")
def delete_expired() -> None:
    """Delete counters that have expired."""
    store.delete_expired()
