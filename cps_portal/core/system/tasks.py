from celery import shared_task
from django.utils import timezone

from cps_portal.core.system import actions


@shared_task(name="system.tick")
def tick(queue: str) -> None:
    """Note that the workers of this queue run tasks. The clock queues it into each queue."""
    actions.note_queue(queue=queue, at=timezone.now())
