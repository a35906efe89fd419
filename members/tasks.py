from celery import shared_task
from django.utils import timezone

from cps_portal.core.lib.background import queue_task, run_in_slices
from members import actions
from members.models import CountryPlan, ThresholdPlan

BATCH = 500


@shared_task(name="members.notify_level_changes")
def notify_level_changes() -> None:
    """Notify members whose level has changed, when their burst of changes is over."""

    def step() -> bool:
        return actions.notify_level_changes(limit=BATCH, at=timezone.now())

    run_in_slices("members.notify_level_changes", step=step)


@shared_task(name="members.announce_thresholds")
def announce_thresholds() -> None:
    """Announce planned threshold changes, and cancellations of announced ones (R22)."""
    for plan in actions.plans_to_announce(ThresholdPlan, at=timezone.now()):
        queue_task("members.announce_threshold_plan", plan)


@shared_task(name="members.announce_threshold_plan")
def announce_threshold_plan(plan: int) -> None:
    def step() -> bool:
        return actions.announce_thresholds_step(plan=plan, limit=BATCH, at=timezone.now())

    run_in_slices("members.announce_threshold_plan", plan, step=step)


@shared_task(name="members.apply_thresholds")
def apply_thresholds() -> None:
    """Begin threshold changes that are due, and resume runs that have lost their worker."""
    for plan in actions.begin_due_thresholds(at=timezone.now()):
        queue_task("members.apply_threshold_plan", plan)


@shared_task(name="members.apply_threshold_plan")
def apply_threshold_plan(plan: int) -> None:
    """Update levels for a threshold change in batches, then notify members whose level changed."""

    def step() -> bool:
        return actions.apply_thresholds_step(plan=plan, limit=BATCH, at=timezone.now())

    if run_in_slices("members.apply_threshold_plan", plan, step=step):
        queue_task("members.notify_level_changes")


@shared_task(name="members.announce_countries")
def announce_countries() -> None:
    """Announce planned changes of countries, and cancellations of announced ones (R1, R22)."""
    for plan in actions.plans_to_announce(CountryPlan, at=timezone.now()):
        queue_task("members.announce_country_plan", plan)


@shared_task(name="members.announce_country_plan")
def announce_country_plan(plan: int) -> None:
    def step() -> bool:
        return actions.announce_country_step(plan=plan, limit=BATCH, at=timezone.now())

    run_in_slices("members.announce_country_plan", plan, step=step)


@shared_task(name="members.apply_countries")
def apply_countries() -> None:
    """Begin changes of countries that are due, and resume runs that have lost their worker."""
    for plan in actions.begin_due_country_plans(at=timezone.now()):
        queue_task("members.apply_country_plan", plan)


@shared_task(name="members.apply_country_plan")
def apply_country_plan(plan: int) -> None:
    """Tell the members of a country that its programme has changed, in batches."""

    def step() -> bool:
        return actions.apply_country_step(plan=plan, limit=BATCH, at=timezone.now())

    run_in_slices("members.apply_country_plan", plan, step=step)
