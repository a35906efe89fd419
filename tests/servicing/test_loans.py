"""Courtesy loans (R48, R53)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.enums import Shelf
from kitbag.models import Hold
from members.models import Notice
from servicing.actions import loans, targets
from servicing.actions.events import Actor, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, LoanState, ServiceKind
from servicing.models import Loan, LoanUnit, ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.factories import validated
from tests.world import World

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)


def make_centre() -> ServiceCentre:
    return ServiceCentre.objects.create(
        slug="joburg",
        name="Johannesburg",
        kind="PSC",
        country="ZA",
        city="Johannesburg",
        latitude="-26",
        longitude="28",
        zone="Africa/Johannesburg",
        services=ServiceKind.values,
        shelves=Shelf.values,
        programme="free",
    )


def late_job(world: World, centre: ServiceCentre, serial: str = "012345678701") -> Ticket:
    """A Gold member's repair whose target of three days has passed, with a loan offered."""
    row = validated(world.ana, world.pro_body, serial)
    wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="The shutter sticks")
    asked = open_parcel(member=world.ana, centre=centre, items=[wanted], by=world.ana.user, at=MONDAY)
    book_in(ticket=asked.tickets[0], actor=Actor(user=world.staff), at=MONDAY + timedelta(hours=1))
    assert targets.flag_overdue(at=FRIDAY) == 1
    return Ticket.objects.get(pk=asked.tickets[0].pk)


@pytest.fixture
def centre() -> ServiceCentre:
    return make_centre()


@pytest.fixture
def job(world: World, centre: ServiceCentre) -> Ticket:
    return late_job(world, centre)


@pytest.fixture
def unit(world: World, centre: ServiceCentre) -> LoanUnit:
    return LoanUnit.objects.create(centre=centre, product=world.pro_body, serial="900000000001")


def test_a_missed_target_is_recorded_once_and_a_loan_offered(world: World, job: Ticket) -> None:
    assert targets.flag_overdue(at=FRIDAY) == 0
    kinds = list(job.events.values_list("kind", flat=True))
    assert kinds.count(EventKind.TARGET_MISSED) == kinds.count(EventKind.LOAN_OFFERED) == 1
    told = {row.params["kind"] for row in Notice.objects.filter(member=world.ana, code="ticket")}
    assert {"target_missed", "loan_offered"} <= told


def test_a_loan_from_the_offer_until_it_is_back(world: World, job: Ticket, unit: LoanUnit) -> None:
    loan = loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    assert list(loans.free_units(job)) == []
    with pytest.raises(Refusal, match="agreement"):
        loans.hand_out(loan=loan, condition="As new", actor=Actor(user=world.staff), at=FRIDAY)
    with pytest.raises(Refusal, match="has changed"):
        loans.accept_agreement(loan=loan, version="2020-01", at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    out = loans.hand_out(loan=loan, condition="As new, two batteries", actor=Actor(user=world.staff), at=FRIDAY)
    assert (out.state, out.due_back) == (LoanState.OUT, date(2026, 3, 20))
    for kind in (EventKind.ASSESSED, EventKind.READY, EventKind.CLOSED):
        record_event(ticket=job, kind=kind, actor=Actor(user=world.staff), at=FRIDAY + timedelta(hours=1))
    assert Hold.objects.filter(registration=job.registration, why="loan").exists()
    back = loans.take_back(
        loan=loan, condition="One scratch", actor=Actor(user=world.staff), at=FRIDAY + timedelta(days=3)
    )
    assert (back.state, back.condition_in) == (LoanState.RETURNED, "One scratch")
    assert not Hold.objects.filter(registration=job.registration).exists()


def test_the_history_names_who_extended_a_loan_outside_a_request(world: World, job: Ticket, unit: LoanUnit) -> None:
    loan = loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    desk = Actor(user=world.staff)
    loans.hand_out(loan=loan, condition="As new", actor=desk, at=FRIDAY)
    loans.extend(loan=loan, due_back=date(2026, 4, 1), actor=desk, at=FRIDAY)
    latest = Loan.pgh_event_model.objects.filter(pgh_obj=loan).latest("pgh_id")  # type: ignore[attr-defined]
    assert (latest.due_back, latest.pgh_context.metadata["user"]) == (date(2026, 4, 1), world.staff.pk)


def test_a_unit_is_lent_to_one_member_only_and_the_other_reads_why(world: World, job: Ticket, unit: LoanUnit) -> None:
    other = late_job(world, job.centre, "012345678702")
    loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    with pytest.raises(Refusal) as refusal:
        loans.reserve(ticket=other, unit=unit, by=world.ana.user, at=FRIDAY)
    assert (refusal.value.code, refusal.value.field) == ("taken", "unit")
    with pytest.raises(Refusal, match="already"):
        loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)


def test_a_loan_that_was_not_offered_is_refused(world: World, centre: ServiceCentre, unit: LoanUnit) -> None:
    row = validated(world.ana, world.pro_body, "012345678703")
    wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Dropped")
    asked = open_parcel(member=world.ana, centre=centre, items=[wanted], by=world.ana.user, at=MONDAY)
    with pytest.raises(Refusal, match="longer than its target"):
        loans.reserve(ticket=asked.tickets[0], unit=unit, by=world.ana.user, at=MONDAY)


def test_reminders_before_the_due_date_once_overdue_and_then_weekly(world: World, job: Ticket, unit: LoanUnit) -> None:
    loan = loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    loans.hand_out(loan=loan, condition="As new", actor=Actor(), at=FRIDAY, due_back=date(2026, 3, 16))
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(30)]
    told = [day.day for day in days if loans.remind(at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))]
    assert told == [14, 17, 24, 31]
    assert Message.objects.filter(key__startswith=f"loan-{loan.pk}-overdue").count() == 3


def test_a_reservation_that_is_never_collected_is_cancelled(world: World, job: Ticket, unit: LoanUnit) -> None:
    loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    assert loans.lapse_reservations(at=FRIDAY + timedelta(days=6)) == 0
    assert loans.lapse_reservations(at=FRIDAY + timedelta(days=8)) == 1
    assert list(loans.free_units(job)) == [unit]


def test_the_member_borrows_and_accepts_on_the_page(world: World, job: Ticket, unit: LoanUnit) -> None:
    client = Client()
    client.force_login(world.ana.user)
    page = f"/service/{job.reference}/loan/"
    assert unit.product.name in client.get(page).content.decode()
    assert client.post(page, {"do": "reserve", "unit": "nonsense"}).status_code == 422
    assert client.post(page, {"do": "reserve", "unit": unit.pk})["location"] == page
    assert "Tick the box" in client.post(page, {"do": "agree", "version": loans.AGREEMENT}).content.decode()
    client.post(page, {"do": "agree", "version": loans.AGREEMENT, "agreed": "on"})
    assert Loan.objects.get().agreed_at
    client.post(page, {"do": "cancel"})
    assert Loan.objects.get().state == LoanState.CANCELLED
    assert client.post(page, {"do": "agree"}).status_code == 422
    stranger = Client()
    stranger.force_login(world.ben.user)
    assert stranger.get(page).status_code == 404


def test_a_member_who_declined_can_still_reserve(world: World, job: Ticket, unit: LoanUnit) -> None:
    loans.decline_offer(ticket=job, by=world.ana.user, at=FRIDAY)
    assert loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY).state == LoanState.RESERVED
