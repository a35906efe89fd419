"""The service report, and the history of a serial number (R35, R64)."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import handovers
from kitbag.models import Registration
from servicing.actions.erasure import erase_tickets
from servicing.actions.events import Actor, record_event
from servicing.actions.reports import write_report
from servicing.enums import EventKind, TicketState
from servicing.models import ServiceCentre, ServiceReport, Ticket
from servicing.models.reports import MAX_TEXT_LENGTH
from servicing.queries.history import histories_of, history_of
from tests.paper import assert_accessible, text_of
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre, without_charge
from tests.world import World

DONE, NOTES = "Shutter unit replaced", "Firmware: 1.1.0, was 1.0.8"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


def reported(world: World, centre: ServiceCentre, serial: str = "012345678901") -> Ticket:
    """Repaired, with a report, and with the member again."""
    desk = Actor(user=world.staff)
    ticket = without_charge(at_the_centre(world, centre, serial))
    write_report(
        ticket=ticket, done=DONE, notes=NOTES, parts="Shutter\nScrew", technician="Sipho", actor=desk, at=MONDAY + HOUR
    )
    for hours, kind in enumerate([EventKind.REPAIR_STARTED, EventKind.READY, EventKind.SHIPPED, EventKind.CLOSED], 2):
        record_event(ticket=ticket, kind=kind, actor=desk, at=MONDAY + hours * HOUR)
    ticket.refresh_from_db()
    return ticket


@pytest.mark.django_db
def test_a_report_is_written_while_the_product_is_at_the_centre(world: World, centre: ServiceCentre) -> None:
    ticket = at_the_centre(world, centre)
    desk = Actor(user=world.staff)
    wrong = []
    at_the_counter = {*list(TicketState)[4:12]}  # booked in to ready
    for state in TicketState:
        ended = MONDAY if state in (TicketState.CLOSED, TicketState.CANCELLED) else None
        waiting = MONDAY if state == TicketState.WAITING else None
        charge = "no_charge"
        Ticket.objects.filter(pk=ticket.pk).update(
            state=state, ended_at=ended, waiting_since=waiting, charge=charge, place=None, place_since=None
        )
        try:
            write_report(ticket=ticket, done=DONE, actor=desk, at=MONDAY)
            code = ""
        except Refusal as refusal:
            code = refusal.code
        if code != ("" if state in at_the_counter else "state"):
            wrong.append((state, code))
    assert not wrong
    assert ServiceReport.objects.count() == 1


@pytest.mark.django_db
def test_what_a_report_cannot_say(world: World, centre: ServiceCentre) -> None:
    ticket = at_the_centre(world, centre)
    desk, long = Actor(user=world.staff), "x" * (MAX_TEXT_LENGTH + 1)
    table = [
        ({"done": ""}, "done"),
        ({"done": "  \n"}, "done"),
        ({"done": long}, "done"),
        ({"done": DONE, "notes": long}, "notes"),
        ({"done": DONE, "parts": long}, "parts"),
        ({"done": DONE, "technician": "x" * 81}, "technician"),
    ]
    for texts, field in table:
        with pytest.raises(Refusal) as refusal:
            write_report(ticket=ticket, **texts, actor=desk, at=MONDAY)
        assert refusal.value.field == field
    assert not ServiceReport.objects.exists()


@pytest.mark.django_db
def test_the_member_reads_the_report_once_it_is_ready(
    world: World, centre: ServiceCentre, as_ana: Client, as_ben: Client
) -> None:
    ticket = at_the_centre(world, centre)
    write_report(ticket=ticket, done=DONE, actor=Actor(user=world.staff), at=MONDAY)
    pdf = reverse("servicing:report", args=[ticket.reference])
    assert DONE not in as_ana.get(ticket.get_absolute_url()).content.decode()
    assert as_ana.get(pdf).status_code == 404
    done = reported(world, centre, "012345678902")
    pdf = reverse("servicing:report", args=[done.reference])
    page = as_ana.get(done.get_absolute_url()).content.decode()
    assert DONE in page and "Firmware" in page and pdf in page
    answer = as_ana.get(pdf)
    assert answer["Content-Type"] == "application/pdf"
    assert_accessible(answer.content, title=f"Service report {done.reference_in_groups}")
    text = text_of(answer.content)
    for words in (DONE, "Screw", "Firmware", "1.1.0, was 1.0.8", "Sipho", done.serial, world.ana.full_name):
        assert words in text
    assert as_ben.get(pdf).status_code == 404


@pytest.mark.django_db
def test_the_next_owner_reads_what_was_done_and_nothing_of_the_person(
    world: World, centre: ServiceCentre, as_ana: Client, as_ben: Client
) -> None:
    """R35: also after the earlier owner was erased."""
    ticket = reported(world, centre)
    sold = ticket.registration
    assert sold
    url = reverse("servicing:history", args=[sold.pk])
    assert DONE in as_ana.get(url).content.decode()
    assert as_ben.get(url).status_code == 404
    code = handovers.release(registration=sold, by=world.ana.user, at=MONDAY + 9 * HOUR).code
    bought = handovers.redeem(code=code, member=world.ben, by=world.ben.user, at=MONDAY + 9 * HOUR)
    assert DONE not in as_ana.get(url).content.decode()
    url = reverse("servicing:history", args=[bought.pk])
    for erased in (False, True):
        if erased:
            erase_tickets(member=world.ana, at=MONDAY + 10 * HOUR)
        page = as_ben.get(url, headers={"HX-Request": "true"}).content.decode()
        assert DONE in page and centre.name in page
        hidden = [ticket.fault, NOTES, "Sipho", ticket.reference, world.ana.last_name, world.ana.number]
        assert [text for text in hidden if text and text in page] == []
    report = ServiceReport.objects.get(ticket=ticket)
    assert (report.notes, report.technician, report.by) == ("", "", None)


@pytest.mark.django_db
def test_the_kit_list_says_when_a_product_was_serviced(world: World, centre: ServiceCentre, as_ana: Client) -> None:
    ticket = reported(world, centre)
    rows = csv.DictReader(io.StringIO(as_ana.get("/kitbag/list.csv").content.decode("utf-8-sig")))
    days = {row["Serial number"]: row["Last service"] for row in rows}
    assert days.pop(ticket.serial) == "2026-03-02"
    assert set(days.values()) == {""}


@pytest.mark.django_db
def test_a_number_that_somebody_only_typed_shows_nothing(world: World, centre: ServiceCentre) -> None:
    ticket = reported(world, centre)
    typed = Registration.objects.create(
        member=world.ben, product=ticket.product, serial=ticket.serial, serial_key=ticket.serial_key, added_at=MONDAY
    )
    assert history_of(typed) == []


@pytest.mark.django_db
def test_the_history_of_many_products_is_read_in_two_queries(world: World, centre: ServiceCentre) -> None:
    jobs = [reported(world, centre, f"01234567890{number}") for number in range(3)]
    serials = [(job.product_id, job.serial_key or "") for job in jobs]
    with CaptureQueriesContext(connection) as queries:
        histories = histories_of(serials)
    assert [job.ticket.pk for serial in serials for job in histories[serial]] == [job.pk for job in jobs]
    assert len(queries) == 2
