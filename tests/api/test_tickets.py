"""Tickets through the API (R47, R52, R55)."""

from django.utils import timezone

from servicing.models import Ticket, TicketEvent
from tests.api.machines import Machine


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


def test_a_refused_event_lists_the_events_that_are_possible(workshop: Machine, ticket: Ticket) -> None:
    answer = workshop.post(f"tickets/{ticket.reference}/events", said("ready"))
    assert (answer.status_code, answer.json()["code"]) == (409, "move")
    assert answer.json()["errors"][0]["pointer"] == "/kind"
