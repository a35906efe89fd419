"""Note that something has happened."""

from datetime import datetime

from cps_portal.core.system.models import Tick

QUEUE_PREFIX = "queue:"
BACKUP = "backup"  # written by deploy/backup/portal-backup


def note_queue(*, queue: str, at: datetime) -> None:
    """Note that a worker of this queue has run a task."""
    Tick.objects.bulk_create(
        [Tick(name=f"{QUEUE_PREFIX}{queue}", at=at)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"],
    )
