"""Many events in one call: each on its own, though what they have in common is read and written once (R55)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from members.models import Notice
from servicing.actions.events import COPIED_FIELDS
from servicing.enums import PlaceWish, TicketState
from servicing.models import ServiceCentre, Ticket, TicketEvent
from tests.api.machines import Machine, machine
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

NOW = timezone.now()


@pytest.fixture
def workshop(world: World) -> Machine:
    found = machine()
    partners.add_endpoint(partner=found.partner, url="https://workshop.example.org/", by=None, at=NOW)
    return found


@pytest.fixture
def centre(workshop: Machine) -> ServiceCentre:
    return a_centre(partner=workshop.partner)


def requests(world: World, centre: ServiceCentre, count: int) -> list[Ticket]:
    members = (world.ana, world.ben, world.chloe)
    at = NOW - timedelta(days=3)
    return [
        a_request(world, centre, f"0123456789{n:02}", member=members[n % 3], at=at, wish=PlaceWish.STANDARD)
        for n in range(count)
    ]


def event(ticket: Ticket, kind: str = "accepted", at: datetime = NOW, **more: Any) -> dict[str, Any]:
    number = f"{ticket.pk}-{kind}"
    return {
        "reference": ticket.reference,
        "kind": kind,
        "external_id": number,
        "occurred_at": at.isoformat(),
        **more,
    }


def send(workshop: Machine, *events: dict[str, Any]) -> list[dict[str, Any]]:
    answer = workshop.post("tickets/events", {"events": list(events)})
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


def test_everybody_is_told_of_each_event_as_if_it_had_come_alone(
    world: World, workshop: Machine, centre: ServiceCentre
) -> None:
    alone, *together = requests(world, centre, 4)
    Message.objects.all().delete()
    Notice.objects.all().delete()
    assert workshop.post(f"tickets/{alone.reference}/events", _single(event(alone))).status_code == 201
    assert statuses(send(workshop, *(event(ticket) for ticket in together))) == [201] * 3
    kinds = [(message.kind, message.payload["renderer"]) for message in Message.objects.order_by("key")]
    assert sorted(kinds) == sorted([("mail", "servicing.ticket_event"), ("webhook", "servicing.partner_event")] * 4)
    assert Notice.objects.count() == 4
    assert set(Ticket.objects.values_list("state", flat=True)) == {TicketState.ACCEPTED}


def _single(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if name != "reference"}


def test_a_refused_event_leaves_nothing_and_the_next_ones_of_its_ticket_are_recorded(
    world: World, workshop: Machine, centre: ServiceCentre
) -> None:
    first, second = requests(world, centre, 2)
    Message.objects.all().delete()
    results = send(
        workshop,
        event(first, "ready"),  # not yet
        event(first),
        event(second, at=NOW + timedelta(days=2)),  # in the future
        event(second, external_id="again"),
        event(first),  # known
        event(first, "no_charge", why_no_charge="goodwill"),
        {**event(first), "reference": "2K70MQ26"},
    )
    assert statuses(results) == [409, 201, 409, 201, 200, 201, 404]
    assert [result["problem"]["code"] for result in (results[0], results[2])] == ["move", "future"]
    assert results[1]["reported"]["event"] == results[4]["reported"]["event"]
    assert results[5]["reported"]["state"] == TicketState.ACCEPTED
    recorded = TicketEvent.objects.filter(partner=workshop.partner)
    assert sorted(recorded.values_list("kind", flat=True)) == ["accepted", "accepted", "no_charge"]
    assert Message.objects.filter(kind="webhook").count() == 3
    for ticket, state in ((first, "accepted"), (second, "accepted")):
        ticket.refresh_from_db()
        assert ticket.state == state


def test_a_place_that_one_event_frees_is_seen_by_the_next_one(
    world: World, workshop: Machine, centre: ServiceCentre
) -> None:
    at = NOW - timedelta(days=3)
    wish = PlaceWish.WAIT  # Ana has three places
    tickets = [a_request(world, centre, f"0123456789{n:02}", at=at, wish=wish) for n in range(4)]
    waiting = Ticket.objects.get(state=TicketState.WAITING)
    later = timezone.now() + timedelta(minutes=1)  # after it got the place
    taken = next(ticket for ticket in tickets if ticket.pk != waiting.pk)
    results = send(workshop, event(waiting, "sent"), event(taken, "cancelled"), event(waiting, at=later))
    assert statuses(results)[1:] == [201, 201], results
    waiting.refresh_from_db()
    taken.refresh_from_db()
    assert (waiting.state, waiting.place is not None, taken.place) == (TicketState.ACCEPTED, True, None)


def test_what_a_batch_writes_is_what_single_events_write(
    world: World, workshop: Machine, centre: ServiceCentre
) -> None:
    """Through all kinds that wait to be written, between others that do not; also with several of one ticket."""
    tickets = requests(world, centre, 6)  # two of each member
    alone, together = tickets[:3], tickets[3:]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("accepted", {}),
        ("sent", {}),
        ("booked_in", {}),
        ("assessed", {}),
        ("no_charge", {"why_no_charge": "goodwill"}),
        ("repair_started", {}),
        ("ready", {}),
    ]

    def events(ticket: Ticket) -> list[dict[str, Any]]:
        return [event(ticket, kind, NOW - timedelta(minutes=30 - n), **more) for n, (kind, more) in enumerate(steps)]

    for one in [one for ticket in alone for one in events(ticket)]:
        assert workshop.post(f"tickets/{one['reference']}/events", _single(one)).status_code == 201
    mixed = [one for of_step in zip(*map(events, together), strict=True) for one in of_step]
    results = send(workshop, *mixed)
    assert statuses(results) == [201] * len(mixed), results
    assert [result["reported"]["event"]["id"] for result in results] == sorted(
        TicketEvent.objects.filter(ticket__in=together, partner=workshop.partner).values_list("pk", flat=True)
    )
    for single, ticket in zip(alone, together, strict=True):
        assert _written(ticket) == _written(single)


def _written(ticket: Ticket) -> tuple[Any, ...]:
    """The columns that follow from the events, but for when they came, and the events."""
    came = {"changed_at", "last_message_at"}
    columns = Ticket.objects.filter(pk=ticket.pk).values(*(name for name in COPIED_FIELDS if name not in came))
    events = TicketEvent.objects.filter(ticket=ticket).order_by("pk").values("kind", "occurred_at", "data", "partner")
    kept = [one for one in events if one["partner"]]
    return columns.get(), kept


def test_a_ready_job_gives_its_place_to_the_next_event_of_the_batch(
    world: World, workshop: Machine, centre: ServiceCentre
) -> None:
    at = NOW - timedelta(days=3)
    tickets = [a_request(world, centre, f"0123456789{n:02}", at=at, wish=PlaceWish.WAIT) for n in range(4)]
    waiting = Ticket.objects.get(state=TicketState.WAITING)
    taken, other = [ticket for ticket in tickets if ticket.pk != waiting.pk][:2]
    early = NOW - timedelta(days=1)
    work = [event(taken, kind, early) for kind in ("booked_in", "assessed")]
    work.append(event(taken, "no_charge", early, why_no_charge="goodwill"))
    assert set(statuses(send(workshop, *work, event(taken, "repair_started", early)))) == {201}
    later = timezone.now() + timedelta(minutes=1)  # after it got the place
    results = send(workshop, event(other), event(taken, "ready"), event(waiting, at=later))
    assert statuses(results) == [201] * 3, results
    states = {ticket.pk: ticket.state for ticket in Ticket.objects.all()}
    assert [states[ticket.pk] for ticket in (other, taken, waiting)] == ["accepted", "ready", "accepted"]
    places = Ticket.objects.filter(place__isnull=False).values_list("place", flat=True)
    assert sorted(place or 0 for place in places) == [1, 2, 3]


def test_a_batch_asks_nothing_for_each_of_its_events(world: World, workshop: Machine, centre: ServiceCentre) -> None:
    tickets = requests(world, centre, 24)
    send(workshop, event(tickets[0]))
    counts = []
    for part in (tickets[1:4], tickets[4:24]):
        with CaptureQueriesContext(connection) as queries:
            assert set(statuses(send(workshop, *map(event, part)))) == {201}
        counts.append(len(queries))
    assert counts[1] == counts[0]  # one INSERT and one UPDATE for all


def test_another_partners_ticket_does_not_exist(world: World, workshop: Machine, centre: ServiceCentre) -> None:
    other = a_request(world, a_centre("other", partner=machine("other").partner), at=NOW - timedelta(days=3))
    assert statuses(send(workshop, event(other))) == [404]
