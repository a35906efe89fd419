"""The same fault again: covered, first in the queue, without a place (R63)."""

import re
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from cps_portal.core.lib.errors import Refusal
from kitbag.models import Hold, Registration
from members.enums import Level
from members.models import Member, Notice
from servicing.actions.estimates import record_no_charge
from servicing.actions.events import Actor, record_event
from servicing.actions.follow_ups import decide_other_fault, open_follow_up
from servicing.actions.parts import order_part
from servicing.actions.tickets import book_in, cancel
from servicing.enums import (
    IN_WORKSHOP,
    CentreStatus,
    Charge,
    EventKind,
    TicketState,
    Track,
    WhyNoCharge,
    WhyOtherFault,
    WhyStandard,
)
from servicing.models import ServiceCentre, Ticket
from servicing.queries.targets import repeat_rates
from servicing.rules.cover import covered_until, was_repaired
from servicing.rules.entitlement import STANDARD_TARGET_DAYS
from servicing.rules.timeline import Event, Step, replay
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre, without_charge
from tests.world import World

E, S = EventKind, TicketState
DAY = timedelta(days=1)
COVERED_FOR = timedelta(days=90)


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre(street="12 Long Street")


def finished(
    world: World, centre: ServiceCentre, *, serial: str = "012345678901", state: TicketState = S.CLOSED
) -> Ticket:
    """Repaired within the day, and on the way back or with the member."""
    desk = Actor(user=world.staff)
    ticket = without_charge(at_the_centre(world, centre, serial))
    for hours, kind in enumerate([E.REPAIR_STARTED, E.READY, E.SHIPPED, E.CLOSED], start=2):
        if kind == E.CLOSED and state == S.SHIPPED:
            break
        record_event(ticket=ticket, kind=kind, actor=desk, at=MONDAY + hours * HOUR)
    ticket.refresh_from_db()
    return ticket


def again(ticket: Ticket, at: datetime = MONDAY + DAY, by: Member | None = None) -> Ticket:
    member = by or ticket.member
    assert member
    return open_follow_up(ticket=ticket, actor=Actor(user=member.user), at=at)


def test_what_is_covered_and_until_when() -> None:
    """Over every state and every answer to who pays: only finished jobs in which something was repaired (R63)."""
    day, wrong = date(2026, 3, 2), []
    for state, charge, ended_on, repaired in product(S, Charge, (day, None), (True, False)):
        is_settled = charge in (Charge.WARRANTY, Charge.NO_CHARGE, Charge.APPROVED)
        is_covered = ended_on and repaired and is_settled and state in (S.SHIPPED, S.CLOSED)
        expected = day + COVERED_FOR if is_covered else None
        if covered_until(state, charge, ended_on, COVERED_FOR, repaired=repaired) != expected:
            wrong.append((state, charge, ended_on, repaired))
    assert not wrong


FREE = f"{E.NO_CHARGE}:{WhyNoCharge.GOODWILL}"
NOTHING_DONE = f"{E.NO_CHARGE}:{WhyNoCharge.NOTHING_DONE}"
STORIES: list[tuple[str, bool]] = [  # what happens between the assessment and the way back, and whether it is a repair
    (f"{FREE} repair_started ready", True),
    (f"{E.NO_CHARGE}:{WhyNoCharge.PROGRAMME} repair_started ready", True),
    (f"{E.NO_CHARGE}:{WhyNoCharge.COVERED} repair_started ready", True),
    ("warranty_decided:in_warranty repair_started ready", True),
    ("estimate_sent estimate_approved repair_started ready", True),
    ("estimate_sent estimate_approved part_ordered:1 part_arrived:1 repair_started ready", True),
    ("estimate_sent estimate_approved part_ordered:1 part_arrived:1 ready", True),  # nobody reported that it started
    ("estimate_sent estimate_approved part_ordered:1 repair_started ready", True),  # nobody reported that it arrived
    ("estimate_sent estimate_approved repair_started part_ordered:1 part_arrived:1 ready", True),
    (f"{NOTHING_DONE} estimate_sent estimate_approved repair_started ready", True),  # then something was found
    (f"{NOTHING_DONE} ready", False),
    (f"{NOTHING_DONE} repair_started ready", False),
    (f"{FREE} repair_started {NOTHING_DONE} ready", False),
    (f"{FREE} ready", False),
    ("warranty_decided:in_warranty ready", False),
    ("estimate_sent estimate_approved part_ordered:1 ready", False),  # the part could not be had
    ("estimate_sent estimate_approved part_ordered:1 part_ordered:2 part_arrived:1 ready", False),
    ("estimate_sent estimate_approved repair_started part_ordered:1 ready", False),
    ("warranty_decided:in_warranty part_ordered:1 ready", False),
    ("estimate_sent estimate_declined ready", False),
    ("ready", False),
    (f"{FREE} repair_started other_fault ready", False),
    (f"{FREE} repair_started other_fault estimate_sent estimate_approved repair_started ready", True),
    (f"{FREE} repair_started", False),  # not ready yet
]


def steps_of(story: str) -> tuple[Step, ...]:
    """The events of a story, one every hour: `kind` or `kind:detail`."""
    names = ["requested", "booked_in", "assessed", *story.split()]
    events = []
    for hours, name in enumerate(names):
        kind, _, detail = name.partition(":")
        at = MONDAY + hours * HOUR
        events.append(Event(kind, at, at, part=detail, warranty=detail, why=detail))
    return replay(events)


def test_only_what_was_repaired_is_covered() -> None:
    """What was sent back as it came gives no repair for nothing (R63)."""
    stories = [(story, expected, steps_of(story)) for story, expected in STORIES]
    assert all(step.applied for _story, _expected, steps in stories for step in steps)
    assert [(story, expected) for story, expected, steps in stories if was_repaired(steps) != expected] == []


@pytest.mark.django_db
def test_one_press_opens_a_job_that_is_covered_and_takes_no_place(world: World, centre: ServiceCentre) -> None:
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    earlier = finished(world, centre)
    for number in range(3):
        a_request(world, centre, f"01234567899{number}", MONDAY + HOUR)
    ticket = again(earlier)
    assert (ticket.follows, ticket.centre, ticket.fault) == (earlier, centre, earlier.fault)
    assert (ticket.place, ticket.charge, ticket.state) == (None, Charge.NO_CHARGE, S.REQUESTED)
    assert ticket.track == Track.FAST
    assert ticket.parcel.travel == earlier.parcel.travel and ticket.parcel_id != earlier.parcel_id
    (event,) = ticket.events.filter(kind=E.NO_CHARGE)
    assert (event.data, event.by, event.partner) == ({"why": WhyNoCharge.COVERED}, None, None)
    assert Hold.objects.filter(registration=earlier.registration).count() == 1
    book_in(ticket=ticket, actor=Actor(user=world.staff), at=MONDAY + 2 * DAY)
    ticket.refresh_from_db()
    assert (ticket.place, ticket.track) == (None, Track.FAST)
    record_event(ticket=ticket, kind=E.ASSESSED, actor=Actor(user=world.staff), at=MONDAY + 2 * DAY)
    order_part(ticket=ticket, name="Shutter", actor=Actor(user=world.staff), at=MONDAY + 2 * DAY)


@pytest.mark.django_db
def test_who_cannot_report_the_same_fault(world: World, centre: ServiceCentre) -> None:
    earlier = finished(world, centre)
    ends = MONDAY + COVERED_FOR
    table: list[tuple[str, dict[str, object], datetime, str]] = [
        ("on the last day", {}, ends, ""),
        ("on the day after", {}, ends + DAY, "over"),
        ("declined", {"charge": Charge.DECLINED}, MONDAY + DAY, "not_repaired"),
        ("nobody paid", {"charge": Charge.OPEN}, MONDAY + DAY, "not_repaired"),
        ("ready", {"state": S.READY, "ended_at": None}, MONDAY + DAY, "not_finished"),
        ("at work", {"state": S.IN_REPAIR, "ended_at": None}, MONDAY + DAY, "not_finished"),
        ("cancelled", {"state": S.CANCELLED}, MONDAY + DAY, "not_finished"),
        ("paid for", {"charge": Charge.APPROVED}, MONDAY + DAY, ""),
        ("in warranty", {"charge": Charge.WARRANTY}, MONDAY + DAY, ""),
        ("sent back as it came", {"repaired": False}, MONDAY + DAY, "not_repaired"),
    ]
    wrong = []
    for name, changes, at, expected in table:
        with transaction.atomic():
            Ticket.objects.filter(pk=earlier.pk).update(**changes)
            try:
                with transaction.atomic():
                    again(earlier, at)
                code = ""
            except Refusal as refusal:
                code = refusal.code
            if code != expected:
                wrong.append((name, code))
            transaction.set_rollback(True)
    assert not wrong


@pytest.mark.django_db
def test_the_same_fault_of_a_product_on_its_way_back_closes_that_job(world: World, centre: ServiceCentre) -> None:
    earlier = finished(world, centre, state=S.SHIPPED)
    ticket = again(earlier)
    earlier.refresh_from_db()
    assert (earlier.state, ticket.state) == (S.CLOSED, S.REQUESTED)


@pytest.mark.django_db
def test_one_follow_up_is_open_and_the_next_after_it(world: World, centre: ServiceCentre) -> None:
    """Also in the database."""
    earlier = finished(world, centre)
    first = again(earlier)
    with pytest.raises(Refusal) as refusal:
        again(earlier)
    assert refusal.value.code == "open"
    other = finished(world, centre, serial="012345678902")
    with pytest.raises(IntegrityError, match="ticket_one_open_follow_up"), transaction.atomic():
        Ticket.objects.filter(pk=other.pk).update(follows=earlier, ended_at=None, state=S.SHIPPED)
    with pytest.raises(IntegrityError, match="ticket_follows_another"), transaction.atomic():
        Ticket.objects.filter(pk=other.pk).update(follows=other)
    cancel(ticket=first, actor=Actor(user=world.ana.user), at=MONDAY + 2 * DAY)
    assert again(earlier, MONDAY + 3 * DAY).follows == earlier


@pytest.mark.django_db
def test_members_without_account_or_product_cannot_report_it(world: World, centre: ServiceCentre) -> None:
    earlier = finished(world, centre)
    Member.objects.filter(pk=world.ana.pk).update(closed_at=MONDAY)
    with pytest.raises(Refusal) as refusal:
        again(earlier)
    assert refusal.value.code == "closed"
    Member.objects.filter(pk=world.ana.pk).update(closed_at=None)
    Registration.objects.filter(pk=earlier.registration_id).update(state="transferred", ended_at=MONDAY)
    with pytest.raises(Refusal) as refusal:
        again(earlier)
    assert refusal.value.code == "yours"


@pytest.mark.django_db
def test_another_centre_takes_it_only_while_the_first_is_suspended(world: World, centre: ServiceCentre) -> None:
    earlier, other = finished(world, centre), a_centre("durban", street="1 Beach Road")
    actor = Actor(user=world.ana.user)
    with pytest.raises(Refusal) as refusal:
        open_follow_up(ticket=earlier, centre=other, actor=actor, at=MONDAY + DAY)
    assert (refusal.value.code, refusal.value.field) == ("same_centre", "centre")
    ServiceCentre.objects.filter(pk=centre.pk).update(status=CentreStatus.SUSPENDED)
    with pytest.raises(Refusal) as refusal:
        again(earlier)
    assert (refusal.value.code, refusal.value.field) == ("suspended", "centre")
    assert open_follow_up(ticket=earlier, centre=other, actor=actor, at=MONDAY + DAY).centre == other


@pytest.mark.django_db
def test_another_fault_opens_the_charge_again_and_the_member_reads_why(world: World, centre: ServiceCentre) -> None:
    """Work that has begun stops until the estimate is approved (R62)."""
    ticket = again(finished(world, centre))
    desk, at = Actor(user=world.staff), MONDAY + 2 * DAY
    book_in(ticket=ticket, actor=desk, at=at)
    for kind in (E.ASSESSED, E.REPAIR_STARTED):
        record_event(ticket=ticket, kind=kind, actor=desk, at=at)
    with pytest.raises(Refusal) as refusal:
        decide_other_fault(ticket=ticket, why="", actor=desk, at=at + HOUR)
    assert refusal.value.field == "why_other_fault"
    decide_other_fault(ticket=ticket, why=WhyOtherFault.DAMAGE, actor=desk, at=at + HOUR, external_id="1")
    decide_other_fault(ticket=ticket, why="", actor=desk, at=at + HOUR, external_id="1")
    ticket.refresh_from_db()
    assert (ticket.state, ticket.charge) == (S.ASSESSED, Charge.OPEN)
    with pytest.raises(Refusal) as refusal:
        record_event(ticket=ticket, kind=E.REPAIR_STARTED, actor=desk, at=at + 2 * HOUR)
    assert refusal.value.code == "charge"
    notice = Notice.objects.filter(member=world.ana, code="ticket").latest("pk")
    assert notice.params["kind"] == "other_fault"


@pytest.mark.django_db
def test_a_job_in_which_nothing_was_done_covers_nothing(world: World, centre: ServiceCentre, as_ana: Client) -> None:
    """Its page offers no job for the same fault either (R63)."""
    desk = Actor(user=world.staff)
    ticket = at_the_centre(world, centre)
    record_no_charge(ticket=ticket, why=WhyNoCharge.NOTHING_DONE, actor=desk, at=MONDAY + 2 * HOUR)
    for kind in (E.READY, E.SHIPPED, E.CLOSED):
        record_event(ticket=ticket, kind=kind, actor=desk, at=MONDAY + 3 * HOUR)
    ticket.refresh_from_db()
    with pytest.raises(Refusal) as refusal:
        again(ticket)
    assert refusal.value.code == "not_repaired"
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert reverse("servicing:same_fault", args=[ticket.reference]) not in page


def _other_fault(ticket: Ticket, at: datetime, world: World) -> Ticket:
    decide_other_fault(ticket=ticket, why=WhyOtherFault.DAMAGE, actor=Actor(user=world.staff), at=at)
    ticket.refresh_from_db()
    return ticket


@pytest.mark.django_db
def test_another_fault_takes_a_place_or_goes_at_standard_speed(world: World, centre: ServiceCentre) -> None:
    """Over the number of other jobs in service (R49): the limit of three holds for it as for any other job."""
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    earlier = finished(world, centre)
    opened_on, desk = MONDAY + DAY, Actor(user=world.staff)
    wrong = []
    for others in range(4):
        with transaction.atomic():
            for number in range(others):
                a_request(world, centre, f"01234567899{number}", opened_on)
            ticket = again(earlier, opened_on)
            book_in(ticket=ticket, actor=desk, at=opened_on)
            ticket.refresh_from_db()
            fast_due = ticket.due_at
            _other_fault(ticket, opened_on + HOUR, world)
            is_slower = bool(fast_due and ticket.due_at and ticket.due_at > fast_due)
            result = (ticket.place, ticket.track, ticket.same_fault, ticket.loan_possible, is_slower)
            fast = (others + 1, Track.FAST, False, True, False)
            standard = (None, Track.STANDARD, False, False, True)
            if result != (standard if others == 3 else fast):
                wrong.append((others, result))
            transaction.set_rollback(True)
    assert not wrong


@pytest.mark.django_db
def test_a_member_reads_that_another_fault_goes_at_standard_speed(
    world: World, centre: ServiceCentre, as_ana: Client
) -> None:
    """And why; a place that becomes free later is given to what waits for one (R49, R63)."""
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    earlier, desk = finished(world, centre), Actor(user=world.staff)
    others = [a_request(world, centre, f"01234567899{number}", MONDAY + DAY) for number in range(3)]
    ticket = again(earlier)
    book_in(ticket=ticket, actor=desk, at=MONDAY + DAY)
    _other_fault(ticket, MONDAY + DAY + HOUR, world)
    assert (ticket.target_days, ticket.why_standard) == (STANDARD_TARGET_DAYS, [WhyStandard.PLACES])
    assert Notice.objects.filter(member=world.ana).latest("pk").params["kind"] == "other_fault_standard"
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert "All your places in servicing are taken." in page and "Another fault, standard speed" in page
    cancel(ticket=others[0], actor=Actor(user=world.ana.user), at=MONDAY + 2 * DAY)
    ticket.refresh_from_db()
    assert ticket.place is None


@pytest.mark.django_db
def test_the_place_of_another_fault_is_free_again_when_it_is_ready(world: World, centre: ServiceCentre) -> None:
    """And no second decision takes a second place (R49)."""
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    desk, at = Actor(user=world.staff), MONDAY + 2 * DAY
    ticket = again(finished(world, centre))
    book_in(ticket=ticket, actor=desk, at=at)
    record_event(ticket=ticket, kind=E.ASSESSED, actor=desk, at=at)
    _other_fault(ticket, at + HOUR, world)
    assert ticket.place == 1
    without_charge(ticket, at + 2 * HOUR)
    _other_fault(ticket, at + 3 * HOUR, world)
    assert (ticket.place, ticket.charge) == (1, Charge.OPEN)
    record_event(ticket=ticket, kind=E.READY, actor=desk, at=at + 4 * HOUR)
    ticket.refresh_from_db()
    assert ticket.place is None


@pytest.mark.django_db
def test_another_fault_that_is_reported_too_late_changes_nothing(world: World, centre: ServiceCentre) -> None:
    """Dated before the product was booked in, it stays on the timeline only (R52)."""
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    ticket, desk = again(finished(world, centre)), Actor(user=world.staff)
    book_in(ticket=ticket, actor=desk, at=MONDAY + 2 * DAY)
    decide_other_fault(
        ticket=ticket,
        why=WhyOtherFault.DAMAGE,
        actor=desk,
        at=MONDAY + 3 * DAY,
        occurred_at=MONDAY + DAY + HOUR,
    )
    ticket.refresh_from_db()
    assert (ticket.same_fault, ticket.charge, ticket.place, ticket.track) == (True, Charge.NO_CHARGE, None, Track.FAST)


@pytest.mark.django_db
def test_a_job_s_page_says_where_the_product_is(world: World, centre: ServiceCentre, as_ana: Client) -> None:
    """The centre has it only from booking in until it is shipped or handed back (R47)."""
    ticket = at_the_centre(world, centre)
    Ticket.objects.filter(pk=ticket.pk).update(place=None, place_since=None)
    wrong = []
    changes = {S.CLOSED: {"ended_at": MONDAY + DAY}, S.CANCELLED: {"ended_at": MONDAY + DAY}}
    for state in set(S) - {S.WAITING, S.IN_REPAIR, S.WAITING_PARTS}:
        Ticket.objects.filter(pk=ticket.pk).update(state=state, **changes.get(state, {"ended_at": None}))
        page = as_ana.get(ticket.get_absolute_url()).content.decode()
        expected = "Who has it" if state in (*IN_WORKSHOP, S.READY) else "Where it goes"
        if state in (S.SHIPPED, S.CLOSED, S.CANCELLED):
            expected = "Service centre"
        if re.findall(r'id="with-title">\s*(.*?)\s*</h2>', page) != [expected]:
            wrong.append(state)
    assert not wrong


@pytest.mark.django_db
def test_only_a_follow_up_can_have_another_fault(world: World, centre: ServiceCentre) -> None:
    ticket = without_charge(at_the_centre(world, centre))
    with pytest.raises(Refusal) as refusal:
        decide_other_fault(ticket=ticket, why=WhyOtherFault.DAMAGE, actor=Actor(user=world.staff), at=MONDAY + 2 * HOUR)
    assert refusal.value.code == "no_follow_up"


@pytest.mark.django_db
def test_repeat_rates_count_what_came_back(world: World, centre: ServiceCentre) -> None:
    """Neither what never arrived nor what had another fault."""
    desk, at = Actor(user=world.staff), MONDAY + DAY
    jobs = [finished(world, centre, serial=f"01234567890{number}") for number in range(4)]
    came_back, other_fault, never_arrived = (again(job) for job in jobs[:3])
    for ticket in (came_back, other_fault):
        book_in(ticket=ticket, actor=desk, at=at)
    decide_other_fault(ticket=other_fault, why=WhyOtherFault.OTHER_PART, actor=desk, at=at)
    assert never_arrived.booked_in_at is None
    (rate,) = repeat_rates(Ticket.objects.all(), MONDAY.date())
    assert (rate.centre, rate.jobs, rate.repeats, rate.percent) == (centre.name, 4, 1, 25)


@pytest.mark.django_db
def test_the_member_presses_once_and_a_second_press_leads_to_the_job(
    world: World, centre: ServiceCentre, as_ana: Client
) -> None:
    earlier = finished(world, centre)
    Ticket.objects.filter(pk=earlier.pk).update(ended_at=datetime.now(tz=MONDAY.tzinfo))
    page = as_ana.get(earlier.get_absolute_url()).content.decode()
    url = reverse("servicing:same_fault", args=[earlier.reference])
    assert url in page
    answer = as_ana.post(url)
    ticket = Ticket.objects.get(follows=earlier)
    assert answer["Location"] == ticket.parcel.get_absolute_url()
    assert as_ana.post(url)["Location"] == ticket.get_absolute_url()
    page = as_ana.get(earlier.get_absolute_url()).content.decode()
    assert ticket.get_absolute_url() in page and url not in page
