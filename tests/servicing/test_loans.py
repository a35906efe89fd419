"""Courtesy loans (R48, R53)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.enums import Shelf
from kitbag.models import Hold
from members.models import Notice
from servicing import emails
from servicing.actions import loans, targets
from servicing.actions.events import Actor, EventDetails, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.shipping import Tracking, correct_shipment, record_delivery, ship
from servicing.actions.tickets import book_in, cancel, close
from servicing.enums import EventKind, LoanState, ServiceKind, TicketState
from servicing.models import Loan, LoanUnit, ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.admin.conftest import signed_in
from tests.factories import validated
from tests.rows import each_row
from tests.servicing.test_desk import works_at
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
    assert (out.state, out.due_back) == (LoanState.OUT, None), "it follows the repair"
    for kind in (EventKind.ASSESSED, EventKind.READY, EventKind.CLOSED):
        record_event(ticket=job, kind=kind, actor=Actor(user=world.staff), at=FRIDAY + timedelta(hours=1))
    assert Loan.objects.get().due_back == date(2026, 3, 13), "never earlier than the day told when it was ready"
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
    for kind in (EventKind.ASSESSED, EventKind.READY, EventKind.CLOSED):
        record_event(ticket=job, kind=kind, actor=Actor(user=world.staff), at=FRIDAY)
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


def lent(world: World, job: Ticket, unit: LoanUnit) -> Loan:
    """The loan of the job, handed out on Friday."""
    loan = loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    return loans.hand_out(loan=loan, condition="As new", actor=Actor(user=world.staff), at=FRIDAY)


def step(world: World, job: Ticket, kind: EventKind, at: datetime) -> Ticket:
    return record_event(ticket=job, kind=kind, actor=Actor(user=world.staff), at=at).ticket


def days_told(loan: Loan) -> list[date]:
    """The days of the mails that are sent now: those that no longer hold are not (R70)."""
    sent = Message.objects.filter(key__startswith=f"loan-{loan.pk}-dated").order_by("pk")
    contexts = [row.payload["context"] for row in sent]
    return [date.fromordinal(context["due"]) for context in contexts if emails.loan(**context)]


def test_the_day_moves_with_the_parcel_and_a_burst_is_told_as_one_message(
    world: World, job: Ticket, unit: LoanUnit
) -> None:
    # R53, R70
    loan = lent(world, job, unit)
    assert loan.due_back is None
    step(world, job, EventKind.ASSESSED, FRIDAY)
    step(world, job, EventKind.READY, FRIDAY)
    loan.refresh_from_db()
    assert loan.due_back == date(2026, 3, 13)
    tracking = Tracking(carrier="Sample Post", number="SP 1", expected_on=date(2026, 3, 16))
    ship(ticket=job, tracking=tracking, actor=Actor(user=world.staff), at=FRIDAY)
    loan.refresh_from_db()
    assert loan.due_back == date(2026, 3, 18)
    late = Tracking(carrier="Sample Post", number="SP 1", expected_on=date(2026, 3, 18))
    correct_shipment(ticket=job, shipment=job.shipments.get(), tracking=late, actor=Actor(user=world.staff), at=FRIDAY)
    loan.refresh_from_db()
    assert loan.due_back == date(2026, 3, 20)
    record_delivery(ticket=job, actor=Actor(user=world.staff), at=FRIDAY + timedelta(days=3))
    loan.refresh_from_db()
    assert (loan.due_back, loan.is_day_final) == (date(2026, 3, 20), True), "not earlier than the day told"
    assert days_told(loan) == [date(2026, 3, 20)]


def test_nobody_asks_for_a_loan_while_the_own_product_is_with_the_centre(
    world: World, job: Ticket, unit: LoanUnit
) -> None:
    loan = loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    loans.hand_out(loan=loan, condition="As new", actor=Actor(), at=FRIDAY, due_back=date(2026, 3, 16))
    assert loans.remind(at=FRIDAY + timedelta(days=30)) == 0
    loan.refresh_from_db()
    assert (loan.due_back, loan.is_overdue(date(2026, 4, 5))) == (date(2026, 3, 16), False)


def test_an_extension_is_never_to_an_earlier_day(world: World, job: Ticket, unit: LoanUnit) -> None:
    loan = lent(world, job, unit)
    desk = Actor(user=world.staff)
    loans.extend(loan=loan, due_back=date(2026, 3, 20), actor=desk, at=FRIDAY)
    for day in (date(2026, 3, 20), date(2026, 3, 19), date(2026, 3, 5)):
        with pytest.raises(Refusal) as refusal:
            loans.extend(loan=loan, due_back=day, actor=desk, at=FRIDAY)
        assert refusal.value.field == "due_back"


def test_a_job_is_not_closed_silently_while_its_loan_is_out(world: World, job: Ticket, unit: LoanUnit) -> None:
    # R53
    lent(world, job, unit)
    step(world, job, EventKind.ASSESSED, FRIDAY)
    step(world, job, EventKind.READY, FRIDAY)
    details: EventDetails = {"actor": Actor(user=world.staff), "at": FRIDAY, "external_id": "WS-9"}
    with pytest.raises(Refusal) as refusal:
        close(ticket=job, loan_stays_out=False, **details)
    assert (refusal.value.code, refusal.value.field) == ("loan_out", "loan_stays_out")
    event = close(ticket=job, loan_stays_out=True, **details)
    again = close(ticket=job, loan_stays_out=False, **details)
    assert (event.pk, event.ticket.loan_out, event.ticket.state) == (again.pk, True, TicketState.CLOSED)


def test_a_job_that_is_cancelled_at_the_counter_still_gets_its_loan_back(
    world: World, job: Ticket, unit: LoanUnit
) -> None:
    loan, desk = lent(world, job, unit), Actor(user=world.staff)
    with pytest.raises(Refusal, match="still has the loan"):
        cancel(ticket=job, actor=desk, at=FRIDAY)
    cancel(ticket=job, loan_stays_out=True, actor=desk, at=FRIDAY)
    loan.refresh_from_db()
    assert loan.due_back == date(2026, 3, 10)
    assert loans.take_back(loan=loan, condition="As new", actor=desk, at=FRIDAY).state == LoanState.RETURNED
    assert Ticket.objects.get(pk=job.pk).loan_out is False


def test_the_desk_asks_before_it_closes_a_job_whose_loan_is_out(
    world: World, job: Ticket, unit: LoanUnit, groups: dict[str, Group]
) -> None:
    # R53
    lent(world, job, unit)
    step(world, job, EventKind.ASSESSED, FRIDAY)
    step(world, job, EventKind.READY, FRIDAY)
    client = signed_in(works_at(job.centre, groups))
    page = f"/admin/servicing/ticket/{job.pk}/change/"
    assert "The loan for this job is still out." in client.get(page).content.decode()
    answer = client.post(page, {"do": "close"})
    assert "confirm that it comes back later" in answer.content.decode()
    assert client.post(page, {"do": "close", "close-loan_stays_out": "on"}).status_code == 302
    assert Ticket.objects.get(pk=job.pk).state == TicketState.CLOSED


def test_the_page_of_the_job_says_that_the_loan_follows_the_repair(world: World, job: Ticket, unit: LoanUnit) -> None:
    Ticket.objects.filter(pk=job.pk).update(loan_wanted=True)
    client = Client()
    client.force_login(world.ana.user)
    assert "You asked us to keep one ready." in client.get(job.get_absolute_url()).content.decode()
    loan = lent(world, job, unit)
    assert "Back by: 2 working days after yours is back." in client.get(job.get_absolute_url()).content.decode()
    loans.extend(loan=loan, due_back=date(2026, 3, 20), actor=Actor(), at=FRIDAY)
    assert "You can keep it until 20 March 2026 at least." in client.get(job.get_absolute_url()).content.decode()


@each_row("asked", [True, False])
def test_who_asked_for_a_loan_gets_no_less_than_others(world: World, job: Ticket, unit: LoanUnit, asked: bool) -> None:
    Ticket.objects.filter(pk=job.pk).update(loan_wanted=asked)
    job.refresh_from_db()
    assert list(loans.free_units(job)) == [unit]
    assert loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=FRIDAY).state == LoanState.RESERVED


def test_the_offer_shows_the_unit_and_what_it_costs_where_and_until_when(
    world: World, job: Ticket, unit: LoanUnit
) -> None:
    client = Client()
    client.force_login(world.ana.user)
    page = f"/service/{job.reference}/loan/"
    offered = client.get(page).content.decode()
    for words in ("Nothing. You pay for loss and damage.", f"<bdi>{job.centre}</bdi>, ", "after yours is back"):
        assert words in offered, words
    assert offered.count('class="art"') == 1
    assert client.post(page, {"do": "decline"})["location"] == job.get_absolute_url()
    again = client.get(page).content.decode()
    assert "You can still change your mind." in again and "No, thanks" not in again
    assert client.post(page, {"do": "reserve", "unit": unit.pk})["location"] == page
