from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import run_in_slices
from members.support import actions

SLICE = 100  # cases closed in one go


@shared_task(name="cases.close_quiet")
def close_quiet() -> None:
    """Close cases whose customers have been silent for long enough (R58)."""
    run_in_slices("cases.close_quiet", step=lambda: actions.close_quiet_cases(at=timezone.now(), limit=SLICE))
