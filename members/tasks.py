from functools import partial

from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import by_turns, publish
from members import actions

BATCH = 500


@shared_task(name="members.tell_levels")
def tell_levels() -> None:
    """Tell the members whose level moved in a run."""
    by_turns("members.tell_levels", step=partial(actions.tell_levels, limit=BATCH))


@shared_task(name="members.announce_thresholds")
def announce_thresholds() -> None:
    """Tell the members whose level a planned change of the levels moves, or no longer moves (R22)."""
    for plan in actions.thresholds_to_tell(at=timezone.now()):
        publish("members.announce_threshold_plan", plan)


@shared_task(name="members.announce_threshold_plan")
def announce_threshold_plan(plan: int) -> None:
    def step() -> bool:
        return actions.announce_thresholds_step(plan=plan, limit=BATCH, at=timezone.now())

    by_turns("members.announce_threshold_plan", plan, step=step)


@shared_task(name="members.apply_thresholds")
def apply_thresholds() -> None:
    """Let due changes of the levels take effect, and get runs going again that lost their worker."""
    for plan in actions.begin_due_thresholds(at=timezone.now()):
        publish("members.apply_threshold_plan", plan)


@shared_task(name="members.apply_threshold_plan")
def apply_threshold_plan(plan: int) -> None:
    """Settle the levels under a plan batch by batch, then tell whose level moved."""

    def step() -> bool:
        return actions.apply_thresholds_step(plan=plan, limit=BATCH, at=timezone.now())

    if by_turns("members.apply_threshold_plan", plan, step=step):
        publish("members.tell_levels")
