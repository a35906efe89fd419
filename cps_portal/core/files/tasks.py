from celery import shared_task
from django.utils import timezone

from cps_portal.core.files import actions


@shared_task(name="files.sweep_orphans")
def sweep_orphans() -> None:
    """Erase uploads that were never attached."""
    actions.sweep_orphans(at=timezone.now())
