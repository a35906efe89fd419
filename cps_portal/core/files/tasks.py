from celery import shared_task
from django.utils import timezone

from cps_portal.core.files import actions


@shared_task(name="files.sweep_orphans")
def sweep_orphans() -> None:
    """Erase what was uploaded and never used."""
    actions.sweep_orphans(at=timezone.now())
