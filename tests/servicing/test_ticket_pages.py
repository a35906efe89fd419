"""A member's jobs on their pages: who sees them, what they say, what they cost to show (R47 to R49, R52)."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from cps_portal.core.lib.written_dates import date_format
from members.models import User
from servicing.actions import shipping
from servicing.actions.estimates import Line, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.parts import order_part
from servicing.actions.shipping import ReturnTo
from servicing.emails import ticket_event
from servicing.enums import EventKind, PlaceWish, TicketState
from servicing.models import CentreStaff, ServiceCentre, Ticket, TicketEvent, TicketFile
from servicing.presenters import tickets as jobs
from tests.admin.conftest import signed_in
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request, at_the_centre, without_charge
from tests.servicing.test_packing import HOME
from tests.world import World

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre(country="KE")


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return at_the_centre(world, centre, at=timezone.now() - WEEK)


def with_estimate(ticket: Ticket, actor: Actor) -> None:
    now = timezone.now()
    line = Line("Shutter unit", Decimal(2), Decimal("1600.00"), Decimal(15))
    day = (now + WEEK).date()
    send_estimate(ticket=ticket, lines=[line], currency="ZAR", valid_until=day, actor=actor, at=now, note="It is worn.")


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


def test_a_job_is_seen_by_its_member_only(
    client: Client, as_ana: Client, as_ben: Client, world: World, ticket: Ticket
) -> None:
    path = ticket.get_absolute_url()
    assert as_ana.get(path).status_code == 200
    for piece in ("", "live/"):
        assert as_ben.get(f"{path}{piece}").status_code == 404
    for piece in ("write/", "cancel/", "standard/", "estimate/1/"):
        assert as_ben.post(f"{path}{piece}", {"text": "Hello"}).status_code == 404
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
    client.force_login(world.staff)
    assert client.get(path).headers["Location"] == "/admin/"
    assert as_ana.get("/service/nothing-there/").status_code == 404


def test_a_late_ticket_shows_why_the_new_date_and_that_a_target_is_no_promise(
    as_ana: Client, ticket: Ticket, desk: Actor
) -> None:
    coming = timezone.now().date() + WEEK
    without_charge(ticket, timezone.now())
    order_part(ticket=ticket, name="AF motor", expected_on=coming, actor=desk, at=timezone.now())
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert "AF motor" in page
    assert "New date" in page
    assert "isn’t a promise" in page
    assert "Borrow one until it’s back" in page
    assert " style=" not in page


def test_an_estimate_shows_all_lines_and_what_declining_means_and_is_approved_by_a_click(
    as_ana: Client, ticket: Ticket, desk: Actor
) -> None:
    with_estimate(ticket, desk)
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    for word in (
        "ZAR\xa03,200.00",
        "ZAR\xa0480.00",
        "ZAR\xa03,680.00",
        "It is worn.",
        "we send it back to you unrepaired",
    ):
        assert word in page, word
    path = f"{ticket.get_absolute_url()}estimate/1/"
    assert "Choose whether to approve or decline" in as_ana.post(path, follow=True).content.decode()
    assert "The clock is running again" in as_ana.post(path, {"answer": "approve"}, follow=True).content.decode()
    ticket.refresh_from_db()
    assert ticket.state == TicketState.APPROVED
    assert "approved already" in as_ana.post(path, {"answer": "decline"}, follow=True).content.decode()


def test_the_member_writes_with_a_photo_that_only_both_sides_open(
    as_ana: Client, as_ben: Client, world: World, ticket: Ticket
) -> None:
    picture = BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    path = f"{ticket.get_absolute_url()}write/"
    again = as_ana.post(path, {"text": " ", "files": SimpleUploadedFile("a.jpg", picture.getvalue(), "image/jpeg")})
    assert again.status_code == 422
    key = again.context["form"]["files"].data.keys[0]
    assert as_ana.post(path, {"text": "Here it is", "files_keys": key}).status_code == 302
    page = TicketFile.objects.get(ticket=ticket).file.get_absolute_url()
    assert as_ana.get(page).status_code == 200
    assert as_ben.get(page).status_code == 404
    worker = User.objects.create_user(email="worker@example.org", password=None, is_staff=True)
    stranger = User.objects.create_user(email="stranger@example.org", password=None, is_staff=True)
    CentreStaff.objects.create(centre=ticket.centre, user=worker)
    CentreStaff.objects.create(centre=a_centre("capetown"), user=stranger)
    assert signed_in(worker).get(page).status_code == 200
    assert signed_in(worker, second_factor=False).get(page).status_code == 302
    desk = signed_in(stranger)
    assert desk.get(page).status_code == 404
    stranger.user_permissions.add(Permission.objects.get(codename="view_every_ticket"))
    assert desk.get(page).status_code == 200


def test_the_page_asks_for_itself_and_gets_nothing_until_something_happened(
    as_ana: Client, ticket: Ticket, desk: Actor
) -> None:
    page = as_ana.get(ticket.get_absolute_url())
    shown = {"if-none-match": f'"{page.context["job"].etag}"'}
    live = f"{ticket.get_absolute_url()}live/"
    assert json.loads(unescape(re.findall(r"hx-headers='(.*?)'", page.content.decode())[-1])) == {
        "If-None-Match": shown["if-none-match"]
    }
    for sent in (shown, {"if-none-match": f'W/{shown["if-none-match"]}, "other"'}):
        same = as_ana.get(live, headers=sent)
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", shown["if-none-match"])
    for sent in ({}, {"if-none-match": '"other"'}, {"if-none-match": "nonsense"}):
        assert as_ana.get(live, headers=sent).status_code == 200
    write_message(ticket=ticket, text="We have it.", actor=desk, at=timezone.now())
    changed = as_ana.get(live, headers=shown)
    assert changed.status_code == 200
    assert "We have it." in changed.content.decode() and changed["ETag"] != shown["if-none-match"]


def test_the_list_shows_places_clocks_and_the_way_out_of_the_line(
    as_ana: Client, world: World, centre: ServiceCentre, desk: Actor
) -> None:
    now = timezone.now()
    for n in range(3):
        a_request(world, centre, f"01234567870{n}", now)
    waiting = a_request(world, centre, "012345678709", now, wish=PlaceWish.WAIT)
    page = as_ana.get("/service/").content.decode()
    assert "3 of 3 places" in page
    assert "at standard speed" in page
    as_ana.post(f"{waiting.get_absolute_url()}standard/")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.track) == (TicketState.REQUESTED, "standard")
    as_ana.post(f"{waiting.get_absolute_url()}cancel/")
    waiting.refresh_from_db()
    assert waiting.state == TicketState.CANCELLED
    assert "Cancelled" in as_ana.get("/service/").content.decode()


def test_a_product_in_service_leads_to_its_job(as_ana: Client, as_ben: Client, ticket: Ticket) -> None:
    assert ticket.registration
    way = f"/service/product/{ticket.registration.pk}/"
    assert way in as_ana.get(ticket.registration.get_absolute_url()).content.decode()
    assert as_ana.get(way).headers["Location"] == ticket.get_absolute_url()
    assert as_ben.get(way).headers["Location"] == "/service/"


def test_showing_a_job_and_the_list_costs_the_same_however_much_happened(
    as_ana: Client, world: World, centre: ServiceCentre, ticket: Ticket, desk: Actor
) -> None:
    now = timezone.now()
    without_charge(ticket, timezone.now())
    part = order_part(ticket=ticket, name="AF motor", actor=desk, at=now)
    write_message(ticket=ticket, text="One", actor=desk, at=now)
    page, all_of_them = queries(as_ana, ticket.get_absolute_url()), queries(as_ana, "/service/")
    for n in range(12):
        write_message(ticket=ticket, text=f"Word {n}", actor=desk, at=now)
        record_event(
            ticket=ticket, kind=EventKind.PART_EXPECTED, actor=desk, at=now, data={"part": part.pk, "expected": None}
        )
    at_the_centre(world, centre, "012345678912", at=now - WEEK)
    at_the_centre(world, a_centre("capetown"), "012345678913", at=now - WEEK)
    assert queries(as_ana, ticket.get_absolute_url()) <= page
    assert queries(as_ana, "/service/") <= all_of_them
    assert page <= 22 + SNAPSHOT_QUERIES
    assert all_of_them <= 12 + SNAPSHOT_QUERIES


def test_the_mails_say_what_is_to_be_done(world: World, ticket: Ticket, desk: Actor) -> None:
    def mail_of(kind: str) -> str:
        row = TicketEvent.objects.filter(ticket=ticket, kind=kind).latest("pk")
        made = ticket_event(event=row.pk)
        assert made
        assert "style=" in made["html"]
        return made["text"]

    with_estimate(ticket, desk)
    assert "Total: ZAR\xa03,680.00" in mail_of("estimate_sent")
    assert "we send your product back unrepaired" in mail_of("estimate_sent")
    record_event(ticket=ticket, kind=EventKind.ESTIMATE_APPROVED, actor=desk, at=timezone.now())
    day = timezone.now().date() + WEEK
    without_charge(ticket, timezone.now())
    order_part(ticket=ticket, name="AF motor", expected_on=day, actor=desk, at=timezone.now())
    late = mail_of("part_ordered")
    assert "AF motor" in late
    assert "The new date is" in late
    record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=timezone.now())
    page = "https://post.example/t/AB1"
    shipping.ship(ticket=ticket, actor=desk, at=timezone.now(), tracking=shipping.Tracking("Post", "AB1", page))
    assert page in mail_of("shipped")
    assert not mail.outbox
    booked_in = TicketEvent.objects.filter(kind="booked_in").latest("pk")
    assert ticket_event(event=booked_in.pk) is None  # no longer so (R70)


@each_row(
    "address",
    [
        f"product/{10**30}/",
        "product/0/",
        f"%00{'9' * 300}/",
        "OOOO-IIII/",
        "?page=-1",
        f"?page={10**30}",
        "?page=x",
    ],
)
def test_addresses_that_anybody_can_type_are_answered(as_ana: Client, address: str) -> None:
    assert as_ana.get(f"/service/{address}").status_code in {200, 302, 404}


def test_an_estimate_with_no_such_number_is_not_there(as_ana: Client, ticket: Ticket) -> None:
    for number in (0, 1, 10**30):
        assert as_ana.post(f"{ticket.get_absolute_url()}estimate/{number}/", {"answer": "approve"}).status_code == 404


def test_a_member_reports_that_they_have_it_back_once_and_closes_nothing(
    world: World, client: Client, ticket: Ticket, desk: Actor
) -> None:
    """R61: only for a shipped job of their own; a second click changes nothing."""
    now = timezone.now()
    address = f"{ticket.get_absolute_url()}delivered/"
    client.force_login(world.ana.user)
    assert client.post(address).status_code == 302
    assert not ticket.events.filter(kind=EventKind.DELIVERED).exists(), "it is still in the workshop"
    record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=now - timedelta(hours=2))
    shipping.ship(ticket=ticket, tracking=shipping.Tracking("DHL", "JD 01"), actor=desk, at=now - timedelta(hours=1))
    assert "I have it back" in client.get(ticket.get_absolute_url()).content.decode()
    client.force_login(world.ben.user)
    assert client.post(address).status_code == 404
    client.force_login(world.ana.user)
    for _click in range(2):
        client.post(address)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.events.filter(kind=EventKind.DELIVERED).count()) == (TicketState.SHIPPED, 1)
    assert ticket.shipments.to_customer().get().delivered_at is not None
    assert "I have it back" not in client.get(ticket.get_absolute_url()).content.decode()


def test_the_page_tells_who_has_it_and_by_when_the_next_step_comes(
    world: World, client: Client, ticket: Ticket
) -> None:
    ServiceCentre.objects.filter(pk=ticket.centre_id).update(phone="+27 10 000 0020")
    client.force_login(world.ana.user)
    page = client.get(ticket.get_absolute_url())
    text = page.content.decode()
    for words in ("tel:+27100000020", "Address, hours and map", "open-now"):
        assert words in text, words
    days = dict(page.context["steps_ahead"])
    assert len(days) > 1 and all(day is None or day >= timezone.localdate() for day in days.values())


def test_the_way_back_is_shown_before_and_after_it_leaves(world: World, client: Client, desk: Actor) -> None:
    """With the day on which it is ready, then with the carrier's, then since when the member has it (R47, R61)."""
    now = timezone.now()
    centre = a_centre(country="KE", street="1 Sample Street", postal_code="1685")
    ticket = at_the_centre(world, centre, at=now, returns=ReturnTo(address=HOME))
    client.force_login(world.ana.user)

    def read() -> tuple[str, dict[Any, Any]]:
        page = client.get(ticket.get_absolute_url())
        return " ".join(page.content.decode().split()), dict(page.context["steps_ahead"])

    page, days = read()
    assert "The tracking number comes when it leaves." in page
    assert days[jobs.WITH_YOU] is None and days[jobs.READY] is not None
    later = now + timedelta(hours=2)
    record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=later)
    expected = timezone.localdate(now) + timedelta(days=2)
    shipping.ship(ticket=ticket, actor=desk, at=later, tracking=shipping.Tracking("Post", "AB1", "", expected))
    page, days = read()
    assert "comes when it leaves" not in page and days == {jobs.WITH_YOU: expected}
    shipping.record_delivery(ticket=ticket, actor=desk, at=later, external_id="x")
    assert f"With you since {date_format(timezone.localtime(later), 'j M')}" in read()[0]
