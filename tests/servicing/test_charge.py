"""Chargeable work does not start before it is settled who pays (R62)."""

from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.db import IntegrityError, transaction

from cps_portal.core.lib.errors import Refusal
from servicing.actions import estimates
from servicing.actions.estimates import Line
from servicing.actions.events import Actor, record_event
from servicing.actions.parts import order_part
from servicing.actions.warranty import decide_warranty
from servicing.enums import Charge, EventKind, TicketState, WhyNoCharge
from servicing.models import ServiceCentre, Ticket
from servicing.rules.charge import GATED, SETTLED, charge_after, is_allowed
from servicing.rules.moves import TRANSITIONS, next_moves, next_state
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre
from tests.world import World

E = EventKind
AT = MONDAY + 2 * HOUR
LINE = Line("Shutter unit", Decimal(1), Decimal(100))


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


def test_the_gate_over_every_state_charge_and_event() -> None:
    """Only what costs something is held up, and only while nobody pays."""
    wrong = []
    for state, charge, kind in product([None, *TicketState], Charge, EventKind):
        is_open = charge == Charge.NO_CHARGE if kind == E.OTHER_FAULT else kind not in GATED or charge in SETTLED
        possible = (state, kind) in TRANSITIONS and is_open
        moves = next_moves(state, charge, follows=True)
        if (next_state(state, kind, charge) is not None) != possible or (kind in moves) != possible:
            wrong.append((state, charge, kind))
    assert not wrong


@pytest.mark.parametrize(
    ("story", "charge"),
    [
        ([], Charge.OPEN),
        ([(E.WARRANTY_DECIDED, "in_warranty")], Charge.WARRANTY),
        ([(E.WARRANTY_DECIDED, "in_warranty"), (E.WARRANTY_DECIDED, "refused")], Charge.OPEN),
        ([(E.WARRANTY_DECIDED, "refused")], Charge.OPEN),
        ([(E.ESTIMATE_SENT, "")], Charge.OPEN),
        ([(E.ESTIMATE_SENT, ""), (E.ESTIMATE_APPROVED, "")], Charge.APPROVED),
        ([(E.ESTIMATE_SENT, ""), (E.ESTIMATE_DECLINED, "")], Charge.DECLINED),
        ([(E.ESTIMATE_SENT, ""), (E.ESTIMATE_WITHDRAWN, "")], Charge.OPEN),
        ([(E.ESTIMATE_APPROVED, ""), (E.ESTIMATE_SENT, "")], Charge.APPROVED),
        ([(E.ESTIMATE_APPROVED, ""), (E.ESTIMATE_SENT, ""), (E.ESTIMATE_DECLINED, "")], Charge.DECLINED),
        ([(E.ESTIMATE_APPROVED, ""), (E.WARRANTY_DECIDED, "refused")], Charge.APPROVED),
        ([(E.NO_CHARGE, "")], Charge.NO_CHARGE),
        ([(E.ESTIMATE_DECLINED, ""), (E.NO_CHARGE, "")], Charge.NO_CHARGE),
        ([(E.NO_CHARGE, ""), (E.OTHER_FAULT, "")], Charge.OPEN),
        ([(E.NO_CHARGE, ""), (E.OTHER_FAULT, ""), (E.ESTIMATE_APPROVED, "")], Charge.APPROVED),
        ([(E.WARRANTY_DECIDED, "in_warranty"), (E.OTHER_FAULT, "")], Charge.WARRANTY),
    ],
)
def test_who_pays_follows_from_the_story(story: list[tuple[EventKind, str]], charge: Charge) -> None:
    settled = Charge.OPEN
    for kind, warranty in story:
        settled = charge_after(settled, kind, warranty)
    assert settled == charge
    assert is_allowed(settled, E.REPAIR_STARTED) is (charge in SETTLED)


def _settle(way: Charge, ticket: Ticket, desk: Actor, world: World) -> None:
    if way == Charge.WARRANTY:
        decide_warranty(ticket=ticket, in_warranty=True, proof_seen=True, actor=desk, at=AT)
    elif way == Charge.NO_CHARGE:
        estimates.record_no_charge(ticket=ticket, why=WhyNoCharge.GOODWILL, actor=desk, at=AT)
    elif way in (Charge.APPROVED, Charge.DECLINED):
        until = (AT + timedelta(days=5)).date()
        bill = estimates.send_estimate(
            ticket=ticket, lines=[LINE], currency="ZAR", valid_until=until, actor=desk, at=AT
        )
        answer = estimates.approve_estimate if way == Charge.APPROVED else estimates.decline_estimate
        answer(estimate=bill, actor=Actor(user=world.ana.user), at=AT)


def _start(door: str, ticket: Ticket, desk: Actor) -> None:
    if door == "order":
        order_part(ticket=ticket, name="Shutter", actor=desk, at=AT + HOUR)
    else:
        record_event(ticket=ticket, kind=E.REPAIR_STARTED, actor=desk, at=AT + HOUR)


@pytest.mark.django_db
def test_work_and_orders_wait_until_somebody_pays_whatever_the_door(
    world: World, centre: ServiceCentre, desk: Actor
) -> None:
    for number, (way, door) in enumerate(product(Charge, ["work", "order"])):
        with transaction.atomic():
            ticket = at_the_centre(world, centre, f"0123456789{number:02}", wish="standard")
            _settle(way, ticket, desk, world)
            ticket.refresh_from_db()
            assert ticket.charge == way
            if way in SETTLED:
                _start(door, ticket, desk)
                continue
            with pytest.raises(Refusal) as refusal:
                _start(door, ticket, desk)
            # A declined estimate is over, whatever is recorded: the product goes back unrepaired.
            assert refusal.value.code == ("move" if way == Charge.DECLINED else "charge"), (way, door)
            assert refusal.value.field == "kind"


@pytest.mark.django_db
def test_the_database_refuses_work_that_nobody_pays(world: World, centre: ServiceCentre) -> None:
    ticket = at_the_centre(world, centre)
    for state in (TicketState.IN_REPAIR, TicketState.WAITING_PARTS):
        with pytest.raises(IntegrityError, match="ticket_work_is_settled"), transaction.atomic():
            Ticket.objects.filter(pk=ticket.pk).update(state=state)


@pytest.mark.django_db
def test_work_reported_late_stays_on_the_timeline_and_changes_nothing(
    world: World, centre: ServiceCentre, desk: Actor
) -> None:
    ticket = at_the_centre(world, centre)
    event = record_event(
        ticket=ticket, kind=E.REPAIR_STARTED, actor=desk, at=AT, occurred_at=MONDAY + HOUR / 2, external_id="late"
    )
    assert event.ticket.state == TicketState.ASSESSED


@pytest.mark.django_db
def test_no_charge_needs_a_reason(world: World, centre: ServiceCentre, desk: Actor) -> None:
    ticket = at_the_centre(world, centre)
    with pytest.raises(Refusal) as refusal:
        estimates.record_no_charge(ticket=ticket, why="because", actor=desk, at=AT)
    assert refusal.value.field == "why_no_charge"
