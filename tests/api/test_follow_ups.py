"""Reports, the same fault again and new serial numbers through the API (R63, R64)."""

import pytest
from django.utils import timezone

from kitbag.models import Registration
from servicing.enums import EventKind
from servicing.models import ServiceCentre, Ticket
from tests.api.machines import Machine
from tests.servicing.jobs import a_request
from tests.world import World

NEW = "012345678955"


def event_of(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "external_id": f"{kind}-1", "occurred_at": timezone.now().isoformat(), **more}


def take(workshop: Machine, ticket: Ticket, *kinds: str) -> None:
    more = {"no_charge": {"why_no_charge": "goodwill"}}
    for kind in kinds:
        answer = workshop.post(f"tickets/{ticket.reference}/events", event_of(kind, **more.get(kind, {})))
        assert answer.status_code == 201, answer.json()


@pytest.fixture
def finished(workshop: Machine, ticket: Ticket) -> Ticket:
    """Repaired, reported and with the customer again."""
    take(workshop, ticket, "booked_in", "assessed", "no_charge", "repair_started")
    report = {"done": "Shutter replaced", "notes": "Firmware: 1.1.0", "technician": "Sipho"}
    assert workshop.post(f"tickets/{ticket.reference}/report", report).status_code == 201
    take(workshop, ticket, "ready", "shipped", "closed")
    return ticket


def test_a_follow_up_is_covered_until_it_is_another_fault(workshop: Machine, finished: Ticket, world: World) -> None:
    other = a_request(world, finished.centre, "012345678999", timezone.now())
    answer = workshop.post(f"tickets/{finished.reference}/follow-up", {})
    assert answer.status_code == 201, answer.json()
    opened = answer.json()
    assert (opened["follows"], opened["charge"], opened["state"]) == (finished.reference, "no_charge", "requested")
    again = workshop.post(f"tickets/{finished.reference}/follow-up", {})
    assert (again.status_code, again.json()["code"]) == (409, "open")
    for follows, expected in (("true", {opened["reference"]}), ("false", {finished.reference, other.reference})):
        page = workshop.get(f"tickets?follows={follows}").json()
        assert {row["reference"] for row in page["results"]} == expected
    path, ticket = f"tickets/{opened['reference']}/events", Ticket.objects.get(reference=opened["reference"])
    take(workshop, ticket, "booked_in")
    assert "other_fault" in workshop.get(f"tickets/{ticket.reference}").json()["moves"]
    assert workshop.post(path, event_of("other_fault")).status_code == 400
    answer = workshop.post(path, event_of("other_fault", why_other_fault="damage"))
    assert answer.status_code == 201 and "other_fault" not in answer.json()["moves"]
    assert workshop.get(f"tickets/{ticket.reference}").json()["charge"] == "open"


def test_a_report_is_read_and_written_by_its_centre(workshop: Machine, finished: Ticket) -> None:
    path = f"tickets/{finished.reference}/report"
    answer = workshop.get(path).json()
    assert (answer["done"], answer["notes"], answer["technician"]) == ("Shutter replaced", "Firmware: 1.1.0", "Sipho")
    late = workshop.post(path, {"done": "More"})
    assert (late.status_code, late.json()["code"]) == (409, "state")
    assert workshop.post(path, {"done": ""}).status_code == 400
    assert workshop.get("tickets/3F7K2M9A/report").status_code == 404


def test_a_new_number_is_an_event_and_intake_knows_the_old_one(
    workshop: Machine, ticket: Ticket, finished: Ticket, world: World
) -> None:
    follow_up = workshop.post(f"tickets/{finished.reference}/follow-up", {}).json()["reference"]
    job = Ticket.objects.get(reference=follow_up)
    take(workshop, job, "booked_in")
    old, path = job.serial, f"tickets/{follow_up}/events"
    assert workshop.post(path, event_of("serial_changed")).status_code == 400
    refused = workshop.post(path, event_of("serial_changed", serial=old))
    assert (refused.status_code, refused.json()["code"]) == (409, "same")
    changed = workshop.post(path, event_of("serial_changed", serial=NEW))
    assert changed.status_code == 201, changed.json()
    assert workshop.get(f"tickets/{follow_up}").json()["serial"] == NEW
    assert Registration.objects.get(pk=ticket.registration_id).serial == NEW
    centre = ServiceCentre.objects.get(pk=ticket.centre_id).slug
    for serial, is_old in ((old, True), (NEW, False)):
        answer = workshop.post("intake-checks", {"centre": centre, "serial": serial}).json()
        assert (answer["code"], answer["replaced"]) == ("found", is_old)
        (product,) = answer["products"]
        assert product["serial"] == NEW
        (past,) = product["history"]
        assert (past["done"], past["centre"]) == ("Shutter replaced", ticket.centre.name)
        assert past["covered_until"] and "Sipho" not in str(product)
    assert EventKind.SERIAL_CHANGED in [row["kind"] for row in workshop.get(path).json()["results"]]
