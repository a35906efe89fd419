"""Who did it is kept with the row, also for actions called outside a request (R54)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Model
from django.utils import timezone

from kitbag.actions import handovers, planning, removals, stolen_reports
from kitbag.enums import RemovalReason, Stage
from kitbag.models import CatalogueProposal, Handover, Registration
from tests.factories import plan
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def last_event_user(row: Model) -> int:
    """The key of the user named by the newest history row."""
    event = row.events.select_related("pgh_context").latest("pgh_id")  # type: ignore[attr-defined]
    return int(event.pgh_context.metadata["user"])


def owned(world: World) -> Registration:
    return Registration.objects.get(member=world.ana, product=world.pro_body)


def release(world: World) -> Model:
    return handovers.release(registration=owned(world), by=world.staff, at=NOW).handover


def revoke(world: World) -> Model:
    handovers.release(registration=owned(world), by=world.ana.user, at=NOW)
    handovers.revoke(registration=owned(world), by=world.staff, at=NOW)
    return Handover.objects.get()


def report_own(world: World) -> Model:
    return stolen_reports.report_own(
        registration=owned(world), police_reference="CR 1", stolen_on=None, note="", by=world.staff, at=NOW
    )


def report_by_staff(world: World) -> Model:
    return stolen_reports.report_by_staff(
        product=world.body, serial="123456", police_reference="CR 1", stolen_on=None, note="", by=world.staff, at=NOW
    )


def remove(world: World) -> Model:
    return removals.remove_registration(registration=owned(world), reason=RemovalReason.SOLD, by=world.staff, at=NOW)


def undo_removal(world: World) -> Model:
    row = removals.remove_registration(registration=owned(world), reason=RemovalReason.SOLD, by=world.ana.user, at=NOW)
    return removals.undo_removal(registration=row, by=world.staff, at=NOW)


def cancel_change(world: World) -> Model:
    (change,) = planning.plan_changes(plans=[plan(world.pro_body, Stage.SUPERSEDED, NOW)], by=None, at=NOW)
    return planning.cancel_change(change=change, by=world.staff, at=NOW)


@each_row("action", [release, revoke, report_own, report_by_staff, remove, undo_removal, cancel_change])
def test_the_history_names_the_person(world: World, action: Callable[[World], Model]) -> None:
    assert last_event_user(action(world)) == world.staff.pk


def test_a_closed_proposal_names_the_person(world: World) -> None:
    row = CatalogueProposal.objects.create(
        product=world.pro_body, changes={"registrable": [True, False]}, proposed_at=NOW - timedelta(days=1)
    )
    planning.decline_proposal(proposal=row, by=world.staff, at=NOW)
    row.refresh_from_db()
    assert (row.closed_by, row.closed_at) == (world.staff, NOW)
