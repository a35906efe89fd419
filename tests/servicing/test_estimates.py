"""Estimates, questions, warranty decisions and shipping (R47, R52, R60)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from members.models import Member, Notice
from servicing.actions import estimates, shipping, tickets
from servicing.actions.estimates import Line, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.warranty import decide_warranty
from servicing.enums import EstimateState, EventKind, TicketState, Warranty
from servicing.models import Estimate, ServiceCentre, Ticket, TicketEvent
from servicing.presenters.estimate_paper import estimate_paper
from servicing.queries.clock import get_clock
from tests.paper import assert_accessible, pages_of, text_of
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre, without_charge
from tests.world import World

pytestmark = pytest.mark.django_db
SHUTTER = Line("Shutter unit", Decimal(1), Decimal("3200.00"), Decimal(15))
LABOUR = Line("Labour", Decimal("1.5"), Decimal("680.50"), Decimal(15))
FRIDAY = date(2026, 3, 6)
AT = MONDAY + 2 * HOUR


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return at_the_centre(world, centre)


def sent(ticket: Ticket, actor: Actor, at: datetime = AT, **changes: Any) -> Estimate:
    facts: dict[str, Any] = {"lines": [SHUTTER, LABOUR], "currency": "ZAR", "valid_until": FRIDAY, **changes}
    return send_estimate(ticket=ticket, actor=actor, at=at, **facts)


def test_an_estimate_pauses_the_clock_until_the_answer(world: World, ticket: Ticket, desk: Actor) -> None:
    before = ticket.due_at
    row = sent(ticket, desk)
    assert (row.net, row.tax, row.total) == (Decimal("4220.75"), Decimal("633.11"), Decimal("4853.86"))
    ticket.refresh_from_db()
    assert (ticket.state, ticket.paused) == (TicketState.ESTIMATE_SENT, True)
    done = estimates.approve_estimate(estimate=row, actor=Actor(user=world.ana.user), at=AT + 3 * HOUR).ticket
    assert (done.state, done.paused) == (TicketState.APPROVED, False)
    assert before and done.due_at == before + 3 * HOUR
    (notice,) = Notice.objects.filter(member=world.ana, params__kind="estimate_sent")
    assert notice.read_at  # it asked for an answer, and has it
    assert not Notice.objects.filter(params__kind="estimate_approved").exists()  # her own doing


def test_a_new_estimate_withdraws_the_last_which_can_no_longer_be_answered(
    world: World, ticket: Ticket, desk: Actor
) -> None:
    first = sent(ticket, desk)
    second = sent(ticket, desk, AT + HOUR, lines=[LABOUR])
    first.refresh_from_db()
    assert (first.state, second.number) == (EstimateState.WITHDRAWN, 2)
    with pytest.raises(Refusal, match="newest"):
        estimates.approve_estimate(estimate=first, actor=Actor(user=world.ana.user), at=AT + 2 * HOUR)
    done = estimates.decline_estimate(estimate=second, actor=Actor(user=world.ana.user), at=AT + 2 * HOUR).ticket
    assert done.state == TicketState.DECLINED
    with pytest.raises(Refusal, match="declined already"):
        estimates.approve_estimate(estimate=second, actor=Actor(user=world.ana.user), at=AT + 3 * HOUR)


def test_an_estimate_expires_after_its_last_day_at_the_centre(world: World, ticket: Ticket, desk: Actor) -> None:
    row = sent(ticket, desk)
    before_midnight = datetime(2026, 3, 6, 21, 59, tzinfo=UTC)  # 23:59 in Johannesburg
    assert estimates.expire_estimates(at=before_midnight) == 0
    after = before_midnight + timedelta(minutes=2)
    with pytest.raises(Refusal, match="no longer valid"):
        estimates.approve_estimate(estimate=row, actor=Actor(user=world.ana.user), at=after)
    assert estimates.expire_estimates(at=after) == 1
    assert estimates.expire_estimates(at=after) == 0
    row.refresh_from_db()
    ticket.refresh_from_db()
    assert (row.state, ticket.state, ticket.paused) == (EstimateState.EXPIRED, TicketState.DECLINED, False)  # R62
    assert Notice.objects.filter(member=world.ana, params__kind="estimate_expired").count() == 1


@each_row(
    ("changes", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [SHUTTER, Line("", Decimal(1), Decimal(1))]}, "lines.1.text"),
        ({"lines": [Line("x", Decimal(0), Decimal(1))]}, "lines.0.quantity"),
        ({"lines": [Line("x", Decimal("0.001"), Decimal(1))]}, "lines.0.quantity"),
        ({"lines": [Line("x", Decimal(1), Decimal("NaN"))]}, "lines.0.price"),
        ({"lines": [Line("x", Decimal(1), Decimal("1e9"))]}, "lines.0.price"),
        ({"lines": [Line("x", Decimal(1), Decimal(1), Decimal(100))]}, "lines.0.tax_percent"),
        ({"lines": [Line("Discount", Decimal(1), Decimal(-1))]}, "lines.0.price"),
        ({"lines": [Line("x", Decimal(1), Decimal(1), kind="discount")]}, "lines.0.kind"),
        ({"lines": [Line("x", Decimal(1), Decimal(1), kind="magic")]}, "lines.0.kind"),
        ({"currency": "EUR"}, "currency"),
        ({"currency": "rand"}, "currency"),
        ({"currency": "zar"}, "currency"),
        ({"valid_until": date(2026, 3, 1)}, "valid_until"),
        ({"valid_until": date(2027, 3, 1)}, "valid_until"),
        ({"note": "x" * 2001}, "note"),
    ],
)
def test_an_invalid_estimate_is_refused_beside_its_field_and_nothing_is_saved(
    ticket: Ticket, desk: Actor, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        sent(ticket, desk, **changes)
    assert refusal.value.field == field
    assert not Estimate.objects.exists()


def test_an_estimate_reported_twice_is_sent_once(ticket: Ticket, desk: Actor) -> None:
    first = sent(ticket, desk, external_id="e-1")
    assert sent(ticket, desk, AT + HOUR, external_id="e-1") == first
    assert Estimate.objects.count() == TicketEvent.objects.filter(kind=EventKind.ESTIMATE_SENT).count() == 1


def test_an_estimate_reported_after_the_work_went_on_needs_no_answer(ticket: Ticket, desk: Actor) -> None:
    without_charge(ticket, AT)
    record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, actor=desk, at=AT + HOUR)
    row = sent(ticket, desk, AT + 2 * HOUR, occurred_at=AT)
    ticket.refresh_from_db()
    assert (row.state, ticket.state) == (EstimateState.WITHDRAWN, TicketState.IN_REPAIR)


def test_a_question_pauses_the_clock_until_the_answer_and_a_message_does_not(
    world: World, ticket: Ticket, desk: Actor
) -> None:
    write_message(ticket=ticket, text="We have it.", actor=desk, at=AT)
    assert not get_clock(ticket, AT).paused_since
    write_message(ticket=ticket, text="Which lens was on it?", actor=desk, at=AT, asks=True)
    assert get_clock(ticket, AT + HOUR).paused_since == AT
    answer = write_message(ticket=ticket, text="The 50 mm.", actor=Actor(user=world.ana.user), at=AT + HOUR)
    clock = get_clock(ticket, AT + 2 * HOUR)
    assert answer.from_member and clock.is_running
    assert [(pause.since, pause.until) for pause in clock.pauses] == [(AT, AT + HOUR)]
    write_message(ticket=ticket, text="And a filter.", actor=Actor(user=world.ana.user), at=AT + 2 * HOUR)
    assert TicketEvent.objects.filter(kind=EventKind.QUESTION_ANSWERED).count() == 1
    told = Message.objects.filter(key__startswith="ticket-message-").count()
    assert told == 1  # the word; the question is told as an event
    with pytest.raises(Refusal) as refusal:
        write_message(ticket=ticket, text=" ", actor=desk, at=AT)
    assert refusal.value.field == "text"


def test_free_return_follows_from_the_warranty_decision(ticket: Ticket, desk: Actor) -> None:
    assert ticket.free_return
    with pytest.raises(Refusal) as refusal:
        decide_warranty(ticket=ticket, in_warranty=True, actor=desk, at=AT)
    assert refusal.value.code == "proof_missing"
    free = decide_warranty(ticket=ticket, in_warranty=True, actor=desk, at=AT, proof_seen=True).ticket
    assert (free.warranty, free.free_return) == (Warranty.IN_WARRANTY, False)
    with pytest.raises(Refusal) as refusal:
        decide_warranty(ticket=ticket, in_warranty=False, actor=desk, at=AT + HOUR)
    assert refusal.value.field == "why"
    paid = decide_warranty(ticket=ticket, in_warranty=False, why="not_covered", actor=desk, at=AT + HOUR).ticket
    assert (paid.warranty, paid.why_no_warranty, paid.free_return) == (Warranty.REFUSED, "not_covered", True)


def test_a_member_can_cancel_until_the_product_is_booked_in(world: World, centre: ServiceCentre, desk: Actor) -> None:
    own = Actor(user=world.ana.user)
    early = a_request(world, centre, "012345678902")
    assert tickets.cancel(ticket=early, actor=own, at=AT).ticket.state == TicketState.CANCELLED
    there = at_the_centre(world, centre, "012345678903")
    with pytest.raises(Refusal, match="at the centre already"):
        tickets.cancel(ticket=there, actor=own, at=AT)


def test_shipping_keeps_carrier_and_tracking_and_refuses_an_invalid_address(ticket: Ticket, desk: Actor) -> None:
    record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=AT)
    with pytest.raises(Refusal) as refusal:
        shipping.ship(ticket=ticket, actor=desk, at=AT, tracking=shipping.Tracking(url="javascript:alert(1)"))
    assert refusal.value.field == "tracking_url"
    page = "https://post.example/t/AB1"
    done = shipping.ship(
        ticket=ticket, actor=desk, at=AT + HOUR, tracking=shipping.Tracking("Post", "AB1", page)
    ).ticket
    box = done.shipments.get()
    assert (done.state, box.carrier_text, box.number, box.tracking_url) == (TicketState.SHIPPED, "Post", "AB1", page)


def test_the_discount_by_level_service_and_centre_is_a_line_of_its_own(world: World, desk: Actor) -> None:
    """R51, R62: on maintenance only, at centres of our own, by the level at intake, whatever comes later."""
    clean = Line("Clean and check", Decimal(2), Decimal("100.00"), Decimal(15), kind="maintenance")
    shutter = Line("Shutter unit", Decimal(1), Decimal("300.00"), Decimal(15), kind="part")
    percents = {"red": 0, "silver": 10, "gold": 15, "platinum": 20}
    wrong = []
    for number, (kind, service) in enumerate(product(("PSC", "CEC", "ASP"), ("repair", "maintenance"))):
        centre = a_centre(f"centre-{number}", kind=kind)
        ticket = a_request(world, centre, f"0123456788{number:02}", service=service, wish="standard")
        for level in list(percents)[number % 2 :: 2]:  # the two services of a kind have all levels between them
            with transaction.atomic():
                Member.objects.filter(pk=world.ana.pk).update(level=level)
                tickets.book_in(ticket=ticket, actor=desk, at=MONDAY)
                record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=desk, at=MONDAY + HOUR)
                Member.objects.filter(pk=world.ana.pk).update(level="platinum" if level != "platinum" else "red")
                ticket.refresh_from_db()
                bill = sent(ticket, desk, lines=[clean, shutter])
                percent = 0 if kind == "ASP" else percents[level]
                expected = [Decimal(-2 * percent)] if percent else []
                if [line.net for line in bill.lines.filter(kind="discount")] != expected:
                    wrong.append((level, kind, service, expected, list(bill.lines.values_list("kind", "price"))))
                transaction.set_rollback(True)
            ticket.refresh_from_db()
    assert not wrong


def test_each_rate_of_tax_has_its_own_discount_and_cents_are_rounded(world: World, desk: Actor) -> None:
    ticket = at_the_centre(world, a_centre())
    lines = [
        Line("Clean", Decimal(1), Decimal("99.99"), Decimal(15), kind="maintenance"),
        Line("Check", Decimal(1), Decimal("33.33"), Decimal(0), kind="maintenance"),
    ]
    bill = sent(ticket, desk, lines=lines)
    discounts = [(line.price, line.tax_percent, line.label) for line in bill.lines.filter(kind="discount")]
    label = "15 percent off maintenance"
    assert discounts == [(Decimal("-15.00"), Decimal(15), label), (Decimal("-5.00"), Decimal(0), label)]
    assert bill.total == Decimal("99.99") + Decimal("33.33") - 20 + Decimal("15.00") - Decimal("2.25")


def test_the_member_opens_the_estimate_as_a_pdf(world: World, ticket: Ticket, desk: Actor, client: Client) -> None:
    bill = sent(ticket, desk, note="The shutter is worn.")
    client.force_login(world.ana.user)
    answer = client.get(f"/service/{ticket.reference}/estimate/{bill.number}.pdf")
    text = text_of(answer.content)
    for words in ("Shutter unit", "ZAR\u00a04,853.86", "The shutter is worn.", ticket.reference_in_groups):
        assert words.replace("\u00a0", " ") in text.replace("\u00a0", " "), text
    client.force_login(world.ben.user)
    assert client.get(f"/service/{ticket.reference}/estimate/{bill.number}.pdf").status_code == 404


def test_a_long_estimate_goes_on_on_the_next_page(ticket: Ticket, desk: Actor) -> None:
    bill = sent(ticket, desk, note="\n".join(f"Finding {n}" for n in range(90)))
    pdf = estimate_paper(ticket, bill).render()
    assert_accessible(pdf, title=f"Estimate {ticket.reference_in_groups}/{bill.number}")
    pages = pages_of(pdf)
    assert "Finding 0" in pages[0] and "Finding 89" not in pages[0]
    assert "Finding 89" in "".join(pages[1:]) and "Net" in pages[-1] and "Total" in pages[-1]
