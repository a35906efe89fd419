from celery import shared_task

from cps_portal.core.partners import actions


@shared_task(name="partners.write_calls")
def write_calls() -> None:
    """Write the buffered API calls to the database."""
    actions.write_buffered_calls()
