"""The test clock: late, four weeks and lapsing, in one second (R38, R40, R47 to R49, R53)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models import DateField, ForeignKey
from django.utils import timezone
from pytest_django import Settings

from cps_portal import celery
from cps_portal.core.lib.errors import Refusal
from cps_portal.sandbox import actions
from cps_portal.sandbox.actions.clock import AGED, SWEEPS, moments_of
from cps_portal.sandbox.queries import sample_members
from kitbag.models import Product, Registration
from members.offers.actions import packs
from members.offers.models import WelcomePack
from servicing.enums import EventKind
from servicing.models import Estimate, Loan, Part, Shipment, Ticket, TicketEvent
from servicing.queries.clock import get_clock
from tests.api.machines import Machine, machine
from tests.rows import each_row
from tests.sandbox.conftest import make
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

DAY = timedelta(days=1)


def age(found: Machine, days: int) -> dict[str, Any]:
    answer = found.post("sandbox/age", {"days": days})
    assert answer.status_code == 200, answer.content
    aged: dict[str, Any] = answer.json()
    return aged


def jobs(found: Machine) -> dict[str, Ticket]:
    """The sample jobs by what they are about."""
    rows = {ticket.fault: ticket for ticket in Ticket.objects.filter(centre__partner=found.partner, missed_at=None)}
    return {"bench": rows["The shutter sticks"], "asked": rows["Dropped; the screen stays dark"]} | {
        "requested": rows["The mode dial is loose"]
    }


def four_weeks_pass_in_one_second(made: Machine) -> None:
    """A centre's jobs: what is on time today is late, expired, lapsed and overdue four weeks later."""
    before = jobs(made)
    assert before["bench"].due_at and before["bench"].due_at > timezone.now()
    assert before["requested"].place, "a place is held from the request"
    assert Loan.objects.get(state="reserved")

    aged = age(made, 28)

    assert (aged["tickets"], aged["loans"], aged["sweeps"]) == (5, 2, list(SWEEPS))
    bench, asked, requested = (Ticket.objects.get(pk=before[name].pk) for name in ("bench", "asked", "requested"))
    kinds = set(bench.events.values_list("kind", flat=True))
    assert bench.missed_at, "late"
    assert {EventKind.TARGET_MISSED, EventKind.LOAN_OFFERED} <= kinds
    assert Estimate.objects.get(ticket=asked).state == "expired"
    assert (requested.place, requested.opened_at) == (None, before["requested"].opened_at - 28 * DAY)
    assert requested.events.filter(kind=EventKind.PLACE_LAPSED).exists()
    assert set(Loan.objects.values_list("state", flat=True)) == {"out", "cancelled"}, "nobody collected the other one"
    seen = made.get(f"tickets/{bench.reference}").json()
    assert seen["missed_at"]


def test_a_pack_that_left_can_be_reported_as_missing_after_four_weeks(house: Machine) -> None:
    make(house)
    pack = WelcomePack.objects.get(partner=house.partner, state="dispatched")
    with pytest.raises(Refusal) as refused:
        packs.report_missing(pack=pack, by=pack.member.user, at=timezone.now())
    assert refused.value.code == "early"
    assert age(house, 28)["packs"] == 3
    missing = packs.report_missing(pack=pack, by=pack.member.user, at=timezone.now())
    assert missing.missing_case
    late = WelcomePack.objects.filter(partner=house.partner, state="requested")
    assert all(row.late_case_id for row in late), "nobody has accepted them in time"


def test_the_moments_of_others_stay(workshop: Machine, house: Machine, world: World) -> None:
    make(house)
    elsewhere = at_the_centre(world, a_centre("elsewhere", partner=machine("other").partner), at=timezone.now())
    moments = list(TicketEvent.objects.filter(ticket=elsewhere).values())
    pack_moments = list(WelcomePack.objects.order_by("pk").values())
    make(workshop)
    age(workshop, 28)
    assert list(TicketEvent.objects.filter(ticket=elsewhere).values()) == moments
    assert list(WelcomePack.objects.order_by("pk").values()) == pack_moments


def a_ticket_stays_what_its_events_say(made: Machine) -> None:
    """Also if a working day has become a Sunday: the columns are computed anew, not only moved."""
    for days in (1, 2, 3, 4):
        age(made, days)
        for ticket in Ticket.objects.filter(centre__partner=made.partner).select_related("centre"):
            clock = get_clock(ticket, timezone.now())
            assert (ticket.due_at, ticket.booked_in_at) == (clock.due_at, clock.started_at), f"{days}: {ticket.fault}"


def days_in_the_details_of_events_move_too(made: Machine) -> None:
    job = Ticket.objects.filter(centre__partner=made.partner, state="in_repair").first()
    assert job
    expected = timezone.localdate() + 3 * DAY
    step = {"external_id": "p", "occurred_at": timezone.now().isoformat()}
    body = {**step, "name": "Shutter unit", "expected_on": str(expected)}
    assert made.post(f"tickets/{job.reference}/parts", body).status_code == 201
    age(made, 10)
    part = Part.objects.get(ticket=job)
    event = job.events.get(kind=EventKind.PART_ORDERED)
    assert (part.expected_on, event.data["expected"]) == (expected - 10 * DAY, str(expected - 10 * DAY))
    job.refresh_from_db()
    assert job.expected_on == expected - 10 * DAY


def the_logs_are_append_only_again_afterwards(made: Machine) -> None:
    age(made, 1)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        TicketEvent.objects.update(occurred_at=timezone.now())


def the_history_says_that_the_clock_was_moved(made: Machine) -> None:
    """The trail is not moved: it goes on saying when something was written here."""
    loan = Loan.objects.get(state="out")
    due_back = datetime.now().date() + 9 * DAY  # noqa: DTZ005 (any day)
    Loan.objects.filter(pk=loan.pk).update(due_back=due_back)
    history = apps.get_model("servicing", "LoanHistoryEvent")
    written = list(history._default_manager.filter(pgh_obj=loan.pk).order_by("pk").values())
    age(made, 5)
    after = list(history._default_manager.filter(pgh_obj=loan.pk).order_by("pk").values())
    assert after[: len(written)] == written
    assert after[-1]["due_back"] == due_back - 5 * DAY


def test_the_periodic_tasks_are_the_ones_that_the_clock_runs() -> None:
    scheduled = {entry["task"] for entry in celery.app.conf.beat_schedule.values()}
    assert set(SWEEPS) <= scheduled


def test_every_moment_of_a_job_a_loan_and_a_pack_moves() -> None:
    """A new table, or a new column with a moment, is moved as well, or left out for a reason."""
    roots = {Ticket, Loan, WelcomePack, Estimate}
    elsewhere = {
        "Announcement",
        Shipment.__name__,  # hangs on several tickets, and is moved with them
        Registration.__name__,
    }
    tables = {
        model
        for model in apps.get_models()
        if not hasattr(model, "pgh_tracked_model") and model._meta.managed
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and field.related_model in roots
    }
    with_moments = {
        model
        for model in tables
        if any(isinstance(field, DateField) for field in model._meta.local_concrete_fields)
        and model.__name__ not in elsewhere
    }
    assert {model.__name__ for model in with_moments - set(AGED)} == set()
    assert {"occurred_at", "received_at"} == set(moments_of(TicketEvent))
    assert "warranty_until" not in moments_of(Ticket)


def test_bad_numbers_of_days_are_refused(workshop: Machine) -> None:
    for days in (-1, 401, "28", None, 1.5):
        answer = workshop.post("sandbox/age", {"days": days})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/days")


def test_the_command_does_the_same(
    workshop: Machine, settings: Settings, sandbox: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "cps_portal.sandbox"]
    call_command("sandbox", "data", "joburg")
    assert sample_members(workshop.partner).count() == 3
    call_command("sandbox", "age", "28", "joburg")
    assert "5 tickets, 2 loans and 0 packs are older now." in capsys.readouterr().out
    for wrong, sentence in ((("data", "nobody"), "no partner"), (("age", "401", "joburg"), "400 days")):
        with pytest.raises(CommandError, match=sentence):
            call_command("sandbox", *wrong)


def nothing_is_aged_twice_by_the_same_request(made: Machine) -> None:
    opened = Ticket.objects.order_by("pk").values_list("opened_at", flat=True)
    before = list(opened)
    for _time in range(2):
        assert made.post("sandbox/age", {"days": 2}, key="once").status_code == 200
    assert list(opened.all()) == [at - 2 * DAY for at in before]
    assert actions.MAX_DAYS >= 28


@each_row(
    "promise",
    [
        four_weeks_pass_in_one_second,
        a_ticket_stays_what_its_events_say,
        days_in_the_details_of_events_move_too,
        the_logs_are_append_only_again_afterwards,
        the_history_says_that_the_clock_was_moved,
        nothing_is_aged_twice_by_the_same_request,
    ],
)
def test_the_jobs_of_a_centre_grow_older(made: Machine, promise: Callable[[Machine], None]) -> None:
    """One set of sample data for all of them."""
    promise(made)
