"""Tickets through the API (R47, R52, R55)."""

from datetime import timedelta
from itertools import product

from django.db import transaction
from django.utils import timezone

from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.api.resources import MOVES, REPORTED_KINDS
from servicing.enums import Charge, TicketState, WaitingFor
from servicing.models import Ticket, TicketEvent
from servicing.rules import next_moves
from tests.api.machines import Machine
from tests.rows import each_row
from tests.world import World


def said(kind: str, number: str = "1", **more: object) -> dict[str, object]:
    return {"kind": kind, "external_id": number, "occurred_at": timezone.now().isoformat(), **more}


def test_a_centre_lists_and_reads_its_tickets(workshop: Machine, ticket: Ticket) -> None:
    page = workshop.get("tickets").json()
    assert [row["reference"] for row in page["results"]] == [ticket.reference]
    answer = workshop.get(f"tickets/{ticket.reference}")
    assert answer.json() == page["results"][0]
    assert answer.json()["customer"]["kind"] == "member"
    assert workshop.get(f"tickets/{ticket.reference}", **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_an_event_moves_the_ticket_and_counts_once(workshop: Machine, ticket: Ticket) -> None:
    path = f"tickets/{ticket.reference}/events"
    first = workshop.post(path, said("booked_in", condition="Scratched"))
    assert first.status_code == 201, first.content
    assert first.json()["state"] == "booked_in" and first.json()["due_at"]
    again = workshop.post(path, said("booked_in"))
    assert (again.status_code, again.json()["recorded"]) == (200, False)
    event = TicketEvent.objects.get(ticket=ticket, kind="booked_in")
    assert event.partner == workshop.partner
    assert workshop.get(path).json()["results"][-1]["external_id"] == "1"


def test_messages_of_customers_are_listed_and_marked_as_read(workshop: Machine, ticket: Ticket, world: World) -> None:
    """R73: only up to the message that was read, and of one's own centres only."""
    for text in ("First", "Second"):
        write_message(ticket=ticket, text=text, actor=Actor(user=world.ana.user), at=timezone.now())
    path = f"tickets/{ticket.reference}"
    newest = workshop.get(f"{path}/messages").json()["results"][-1]["id"]
    assert workshop.get(path).json()["last_message_by"] == "customer"
    lists = {value: len(workshop.get(f"tickets?waiting_for={value}").json()["results"]) for value in WaitingFor.values}
    assert lists == {"centre": 1, "customer": 0, "nobody": 0}
    assert workshop.get("tickets?waiting_for=us").status_code == 400
    table = [(newest - 1, 200, "centre"), (newest, 200, "nobody"), (0, 400, "nobody"), ("x", 400, "nobody")]
    wrong = []
    for until, status, waits in table:
        answer = workshop.post(f"{path}/messages/read", {"until": until})
        now = workshop.get(path).json()["waiting_for"]
        if (answer.status_code, now) != (status, waits):
            wrong.append((until, answer.status_code, now))
    assert not wrong
    write_message(ticket=ticket, text="Third", actor=Actor(user=world.ana.user), at=timezone.now())
    workshop.post(f"{path}/messages", {"text": "It is done."})
    assert workshop.get(path).json()["waiting_for"] == "nobody"


def take_each_move(workshop: Machine, ticket: Ticket, taken: set[str]) -> None:
    """Post every kind that `moves` lists, each undone afterwards, and add it to `taken`."""
    path = f"tickets/{ticket.reference}"
    more = {"in_warranty": False, "why": "not_covered", "why_no_charge": "goodwill", "serial": "012345678955"}
    for kind in workshop.get(path).json()["moves"]:
        with transaction.atomic():
            answer = workshop.post(f"{path}/events", said(kind, f"try-{kind}", **more))
            transaction.set_rollback(True)
        assert answer.status_code == 201, (kind, answer.json())
        taken.add(kind)


def test_everything_that_moves_lists_can_be_posted_in_every_state_of_a_job(workshop: Machine, ticket: Ticket) -> None:
    """R52, R70: `moves` lists what POST events takes now, and nothing else."""
    path, taken = f"tickets/{ticket.reference}", set[str]()
    lines = [{"text": "Shutter", "price": "1", "tax_percent": "0"}]
    bill = {"currency": "ZAR", "valid_until": str(timezone.localdate() + timedelta(days=20)), "lines": lines}
    for kind in [
        "sent",
        "booked_in",
        "assessed",
        "estimate",
        "estimate_approved",
        "repair_started",
        "ready",
        "shipped",
    ]:
        take_each_move(workshop, ticket, taken)
        is_bill = kind == "estimate"
        answer = workshop.post(f"{path}/{'estimates' if is_bill else 'events'}", bill if is_bill else said(kind, kind))
        assert answer.status_code == 201, answer.json()
    take_each_move(workshop, ticket, taken)
    assert taken == set(REPORTED_KINDS) - {"other_fault"}  # only of a follow-up: tests/api/test_follow_ups.py


@each_row("state", TicketState)
def test_moves_lists_no_kind_that_has_an_endpoint_of_its_own(state: TicketState) -> None:
    for charge, follows in product(Charge, (True, False)):
        possible = set(next_moves(state, charge, follows=follows))
        assert set(MOVES[state, charge, follows]) == possible & set(REPORTED_KINDS)


@each_row("kind", ["question_asked", "part_ordered", "part_expected", "estimate_sent", "repaired"])
def test_a_kind_that_cannot_be_posted_is_answered_with_those_that_can(
    workshop: Machine, ticket: Ticket, kind: str
) -> None:
    answer = workshop.post(f"tickets/{ticket.reference}/events", said(kind))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/kind" and kind in error["detail"]
    assert all(known in error["detail"] for known in REPORTED_KINDS)


def test_a_refused_event_lists_the_events_that_are_possible(workshop: Machine, ticket: Ticket) -> None:
    answer = workshop.post(f"tickets/{ticket.reference}/events", said("ready"))
    assert (answer.status_code, answer.json()["code"]) == (409, "move")
    assert answer.json()["errors"][0]["pointer"] == "/kind"
