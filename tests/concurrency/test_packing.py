"""Two clerks take in, pack and ship the same things at once: each job arrives and leaves once (R49, R61)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.actions import arrivals, packing, shipping
from servicing.actions.arrivals import Arrival
from servicing.actions.centres import load_carriers
from servicing.actions.events import Actor
from servicing.actions.shipping import Tracking
from servicing.enums import EventKind, TicketState
from servicing.models import PackedTicket, Shipment, Ticket
from tests.concurrency.threads import together
from tests.factories import UserFactory
from tests.servicing.jobs import a_centre
from tests.servicing.test_arrivals import request_of
from tests.servicing.test_packing import ready
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def batch_of(world: World, clerk: User) -> list[Ticket]:
    """Two jobs of Ana in one box, and one of Ben in another."""
    load_carriers()
    centre = a_centre(street="1 Sample Street", postal_code="1685")
    tickets = [ready(world, centre, 1), ready(world, centre, 2), ready(world, centre, 3, member=world.ben)]
    for ticket, number in zip(tickets, ("JD 1", "JD 1", "JD 2"), strict=True):
        packing.pack(ticket=ticket, tracking=Tracking("DHL", number), by=clerk, at=timezone.now())
    return tickets


def assert_left_once(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        row = Ticket.objects.get(pk=ticket.pk)
        assert (row.state, row.events.filter(kind=EventKind.SHIPPED).count()) == (TicketState.SHIPPED, 1)
        assert row.shipments.to_customer().count() == 1


@pytest.mark.parametrize("attempt", range(3))
def test_two_clerks_who_ship_the_same_batch_ship_each_job_once(committed_world: World, attempt: int) -> None:
    clerks = [UserFactory(is_staff=True) for _n in range(3)]
    tickets = batch_of(committed_world, clerks[0])
    order = tickets if attempt % 2 else tickets[::-1]
    batches: list[Any] = together(
        *(
            lambda by=by, rows=rows: packing.ship_packed(tickets=rows, actor=Actor(user=by), at=timezone.now())
            for by, rows in zip(clerks, (tickets, order, tickets[:2]), strict=True)
        )
    )
    assert sum(batch.jobs for batch in batches) == len(tickets)
    assert {refusal.code for batch in batches for refusal in batch.refusals.values()} <= {"gone"}
    assert_left_once(tickets)
    assert Shipment.objects.count() == 2
    assert not PackedTicket.objects.exists()


def test_a_batch_and_the_page_of_a_job_ship_it_once(committed_world: World) -> None:
    by = UserFactory(is_staff=True)
    tickets = batch_of(committed_world, by)
    details: Any = {"actor": Actor(user=by), "at": timezone.now()}
    answers = together(
        lambda: packing.ship_packed(tickets=tickets, **details),
        lambda: shipping.ship(ticket=tickets[0], tracking=Tracking("DHL", "JD 9"), **details),
        lambda: shipping.ship(ticket=tickets[2], tracking=Tracking("DHL", "JD 8"), **details),
    )
    broken = [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, Refusal)]
    assert broken == []
    assert_left_once(tickets)


def test_packing_unpacking_and_shipping_at_once_leave_no_row_behind(committed_world: World) -> None:
    by = UserFactory(is_staff=True)
    tickets = batch_of(committed_world, by)
    details: Any = {"actor": Actor(user=by), "at": timezone.now()}
    answers = together(
        lambda: packing.ship_packed(tickets=tickets, **details),
        lambda: packing.unpack(ticket=tickets[1]),
        lambda: packing.pack(ticket=tickets[1], tracking=Tracking("DHL", "JD 3"), by=by, at=timezone.now()),
    )
    assert [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, Refusal)] == []
    packing.ship_packed(tickets=tickets, **details)
    packed = set(PackedTicket.objects.values_list("ticket", flat=True))
    shipped = set(Ticket.objects.filter(state=TicketState.SHIPPED).values_list("pk", flat=True))
    assert packed & shipped == set()
    assert {tickets[0].pk, tickets[2].pk} <= shipped


def test_two_corrections_of_a_shared_box_at_once_do_not_deadlock(committed_world: World) -> None:
    by = UserFactory(is_staff=True)
    first, second, _third = tickets = batch_of(committed_world, by)
    details: Any = {"actor": Actor(user=by), "at": timezone.now()}
    packing.ship_packed(tickets=tickets, **details)
    box = first.shipments.get()
    answers = together(
        lambda: shipping.correct_shipment(ticket=first, shipment=box, tracking=Tracking("DHL", "A"), **details),
        lambda: shipping.correct_shipment(ticket=second, shipment=box, tracking=Tracking("DHL", "B"), **details),
        lambda: shipping.record_delivery(ticket=second, **details),
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    box.refresh_from_db()
    assert box.number in {"A", "B"}
    kinds = [ticket.events.filter(kind=EventKind.SHIPMENT_CORRECTED).count() for ticket in (first, second)]
    assert kinds == [2, 2]


def test_two_clerks_who_book_in_the_same_parcel_book_each_product_in_once(
    committed_world: World, groups: dict[str, Group]
) -> None:
    # R49
    centre = a_centre(street="1 Sample Street", postal_code="1685")
    first, second = request_of(committed_world, centre, "012345678901", "012345678902")
    clerks = [UserFactory(is_staff=True) for _n in range(3)]

    def book_in(by: User) -> Any:
        tickets = Ticket.objects.filter(pk__in=[first.pk, second.pk]).order_by("pk")
        rows = [Arrival(ticket=row, scanned="012345678907", is_other=True) for row in tickets]
        return arrivals.book_in_parcel(arrivals=rows, actor=Actor(user=by), at=timezone.now())

    answers = together(*(lambda by=by: book_in(by) for by in clerks))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sum(len(answer.tickets) for answer in answers) == 2
    for ticket in (first, second):
        row = Ticket.objects.get(pk=ticket.pk)
        assert row.events.filter(kind=EventKind.BOOKED_IN).count() == 1
        assert (row.notes.count(), row.messages.count()) == (1, 1), "the customer is asked once"
