"""Asking for a service in the browser: steps, nothing lost, one parcel (R43, R49, R52, R60)."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from cps_portal.core.files.models import StoredFile
from kitbag.models import Registration
from members.addresses import Address
from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.shipping import ReturnTo
from servicing.actions.tickets import book_in
from servicing.enums import ServiceKind, TicketState, Travel
from servicing.models import Parcel, ServiceCentre, Ticket
from servicing.presenters.bar_codes import bar_code
from servicing.queries.entitlement import Item
from servicing.rules.places import HELD_FOR
from tests.factories import ProductFactory, validated
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db
NEW = "/service/new/"
SHIPPING = {
    "travel": "courier",
    "back": "elsewhere",
    "name": "Ana Example",
    "country": "ZA",
    "street": "14 Sixth Street",
    "city": "Johannesburg",
    "postal_code": "2092",
    "phone": "082 000 0146",
}


@pytest.fixture
def centre() -> ServiceCentre:
    return a_centre(street="1 Sample Street", postal_code="1685", collects=True)


def the_form(row: Registration, **more: Any) -> dict[str, Any]:
    key = f"p{row.pk}"
    return {
        "items": [row.pk],
        f"{key}_service": "repair",
        f"{key}_fault": "Shutter sticks",
        f"{key}_warranty": "",
        "centre": "joburg",
        **SHIPPING,
        "step": "review",
        "go": "send",
        **more,
    }


def test_the_pages_lead_from_product_to_parcel_and_carry_all_that_was_typed(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    typed: dict[str, Any] = {"items": [row.pk], "step": "products", "go": "next"}
    assert b"What happens?" in client.post(NEW, typed).content
    typed |= {f"p{row.pk}_service": "repair", f"p{row.pk}_fault": "Shutter sticks", "step": "problem"}
    page = client.post(NEW, typed).content.decode()
    assert "3 working days" in page
    assert f'name="p{row.pk}_fault" value="Shutter sticks"' in page
    typed |= {"centre": "joburg", "step": "where"}
    assert b"How does it get there" in client.post(NEW, typed).content
    typed |= {**SHIPPING, "step": "shipping"}
    assert b"Send the request" in client.post(NEW, typed).content
    back = client.post(NEW, {**typed, "step": "review", "go": "problem"}).content.decode()
    assert "Shutter sticks</textarea>" in back and 'name="centre" value="joburg"' in back
    parcel_page = client.post(NEW, {**typed, "step": "review", "go": "send"}, follow=True)
    ticket = Ticket.objects.get()
    assert ticket.reference_in_groups in parcel_page.content.decode()
    assert (ticket.fault, ticket.place, ticket.centre) == ("Shutter sticks", 1, centre)
    assert (ticket.parcel.street, ticket.parcel.phone) == ("14 Sixth Street", "+27820000146")


def test_without_javascript_a_photo_is_kept_and_a_bad_one_is_reported_at_its_field(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    out = BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "JPEG")
    photos = [SimpleUploadedFile("a.jpg", out.getvalue()), SimpleUploadedFile("b.exe", b"MZ")]
    typed = the_form(row, step="problem", go="next")
    page = client.post(NEW, {**typed, f"p{row.pk}_photos": photos})
    kept = StoredFile.objects.get()
    assert page.status_code == 422 and "b.exe" in page.content.decode() and kept.key in page.content.decode()
    client.post(NEW, the_form(row, **{f"p{row.pk}_photos_keys": [kept.key]}))
    assert Ticket.objects.get().files.get().file == kept


def test_a_second_click_leads_to_the_first_parcel(world: World, client: Client, centre: ServiceCentre) -> None:
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    first = client.post(NEW, the_form(row))
    second = client.post(NEW, the_form(row))
    assert first["Location"] == second["Location"] == Parcel.objects.get().get_absolute_url()


def test_missing_fields_are_reported_and_no_ticket_is_opened(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    key = f"p{row.pk}"
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"items": []}, "Choose at least one product."),
        ({"items": ["9" * 5000]}, "has left your Kitbag"),
        ({f"{key}_fault": " "}, "Tell us what’s wrong with it."),
        ({f"{key}_fault": "x" * 2001}, "at most 2000 characters"),
        ({f"{key}_fault": "a\x00b"}, "printed"),
        ({f"{key}_service": "magic"}, "Choose what we should do."),
        ({f"{key}_warranty": "warranty"}, "A warranty repair needs a proof of purchase."),
        ({f"{key}_photos_keys": ["nothing"]}, "no longer there"),
        ({"centre": "nowhere"}, "Choose another one."),
        ({"centre": ""}, "Choose a centre."),
        ({"travel": ""}, "Choose how it gets there."),
        ({"travel": "drone"}, "doesn’t offer that"),
        ({"travel": "collection"}, "Choose the day"),
        ({"travel": "collection", "collect_on": "soon"}, "Choose the day"),
        ({"travel": "collection", "collect_on": "2020-01-01"}, "Choose a day from tomorrow"),
        ({"back": ""}, "Choose where it goes back to."),
        ({"back": "last"}, "Choose where it goes back to."),
        ({"phone": ""}, "Type a number on which you can be called."),
        ({"phone": "call me"}, "That isn’t a phone number."),
        ({"street": ""}, "Type the street and number"),
        ({"postal_code": "12"}, "Is that right?"),
        ({"country": "XX"}, "We can’t send parcels there."),
    ]
    for changes, sentence in mistakes:
        answer = client.post(NEW, the_form(row, **changes))
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True), changes
    assert not Parcel.objects.exists()


def test_a_fourth_product_asks_whether_to_wait_and_waits(world: World, client: Client, centre: ServiceCentre) -> None:
    for n in (1, 2, 3):
        a_request(world, centre, f"01234567870{n}", timezone.now())
    row = validated(world.ana, world.pro_body, "012345678704")
    client.force_login(world.ana.user)
    asked = client.post(NEW, the_form(row))
    assert asked.status_code == 422 and b"Choose what we should do" in asked.content
    sent = client.post(NEW, the_form(row, **{f"p{row.pk}_wish": "wait"}), follow=True).content.decode()
    ticket = Ticket.objects.get(registration=row)
    assert ticket.state == TicketState.WAITING and "It’s waiting for a place" in sent
    assert client.get(f"/service/parcels/{ticket.parcel.reference}/label.pdf").status_code == 404


def test_products_in_service_or_past_service_cannot_be_chosen_and_show_why(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    a_request(world, centre, "012345678701", timezone.now())
    validated(world.ana, ProductFactory(name="EOS Old", slug="old", stage="unserviceable"), "012345678702")
    client.force_login(world.ana.user)
    page = client.get(NEW).content.decode()
    assert "It’s already in service." in page and "We can’t service this product any more" in page
    assert page.count("disabled") == 2


def test_a_parcel_is_marked_as_sent_once_and_can_be_called_off_until_intake(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    ticket = a_request(world, centre, "012345678701", timezone.now())
    address = ticket.parcel.get_absolute_url()
    client.force_login(world.ana.user)
    assert client.post(f"{address}sent/", {"carrier": "x" * 61}).status_code == 422
    for number in ("AB1", "AB2"):
        client.post(f"{address}sent/", {"carrier": "Post", "tracking": number})
    ticket.refresh_from_db()
    assert (ticket.state, ticket.shipments.get().number) == (TicketState.IN_TRANSIT, "AB2")
    assert ticket.events.filter(kind="sent").count() == 1
    other = a_request(world, centre, "012345678702", timezone.now())
    client.post(f"{other.parcel.get_absolute_url()}cancel/")
    other.refresh_from_db()
    assert other.state == TicketState.CANCELLED and other.place is None
    book_in(ticket=ticket, actor=Actor(user=world.staff), at=timezone.now())
    assert b"nothing left to cancel" in client.post(f"{address}cancel/", follow=True).content


def test_parcels_of_others_are_not_there(world: World, client: Client, centre: ServiceCentre) -> None:
    address = a_request(world, centre).parcel.get_absolute_url()
    client.force_login(world.ben.user)
    for end in ("", "label.pdf", "packing-list.pdf", "calendar.ics"):
        assert client.get(address + end).status_code == 404
    for end in ("sent/", "cancel/"):
        assert client.post(address + end).status_code == 404


def test_the_entitlement_page_shows_what_each_centre_gives_and_what_would_change_it(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    a_centre("partner", kind="ASP", country="KE")
    row = validated(world.ana, world.pro_body, "012345678701")
    client.force_login(world.ana.user)
    page = client.get(f"/service/check/?product={row.pk}&service=maintenance").content.decode()
    assert "15 percent off maintenance" in page and "Service partners do maintenance" in page
    assert page.index("Centre joburg") < page.index("Centre partner")
    whole = client.get(f"/service/entitlement/{row.pk}/").content.decode()
    part = client.get(f"/service/entitlement/{row.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole and "<html" not in part and "3 working days" in part and "Fast Track" in part
    assert client.get("/service/check/", {"product": "0"}).status_code == 422
    client.force_login(world.ben.user)
    assert client.get(f"/service/entitlement/{row.pk}/").status_code == 404


def test_opening_a_ticket_takes_at_most_twenty_queries(
    world: World, centre: ServiceCentre, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    row = validated(world.ana, world.pro_body, "012345678701")
    wanted = [RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="The shutter sticks")]
    user = world.ana.user
    with django_assert_max_num_queries(20):
        made = open_parcel(member=world.ana, centre=centre, items=wanted, by=user, at=timezone.now())
    assert made.tickets[0].place == 1


def test_the_next_request_offers_the_address_of_the_last(world: World, client: Client, centre: ServiceCentre) -> None:
    """R61: nothing is typed twice, and a change for one job leaves the others alone."""
    client.force_login(world.ana.user)
    first = validated(world.ana, world.pro_body, "012345678701")
    client.post(NEW, the_form(first))
    second = validated(world.ana, world.pro_body, "012345678702")
    steps = {**the_form(second), "step": "where", "go": "next"}
    page = client.post(NEW, {name: value for name, value in steps.items() if name not in SHIPPING}).content.decode()
    assert "14 Sixth Street" in page and 'value="last"' in page and "+27 82 000 0146" in page
    same = {"travel": "drop_off", "back": "last", "phone": "+27 82 000 0146"}
    client.post(NEW, {**the_form(second), **same, "street": "", "name": ""})
    parcel = Ticket.objects.get(registration=second).parcel
    assert (parcel.street, parcel.travel) == ("14 Sixth Street", "drop_off")
    change = f"/service/parcels/{parcel.reference}/shipping/"
    assert "14 Sixth Street" in client.get(change).content.decode()
    refused = client.post(change, {**SHIPPING, "street": "", "go": "save"})
    assert refused.status_code == 422 and "Type the street and number" in refused.content.decode()
    assert client.post(change, {**SHIPPING, "street": "3 Loop Street", "go": "save"}).status_code == 302
    assert [row.street for row in Parcel.objects.order_by("pk")] == ["14 Sixth Street", "3 Loop Street"]
    client.force_login(world.ben.user)
    assert client.get(change).status_code == 404


def test_the_country_decides_the_fields_of_the_address(world: World, client: Client, centre: ServiceCentre) -> None:
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    typed = {**the_form(row), "country": "TR", "step": "shipping", "go": "shipping"}
    page = client.post(NEW, typed).content.decode()
    assert "Ankara" in page and "Province" in page


def test_a_centre_without_an_address_takes_nothing_by_post(world: World, client: Client) -> None:
    a_centre()
    client.force_login(world.ana.user)
    row = validated(world.ana, world.pro_body, "012345678701")
    page = client.post(NEW, {**the_form(row), "step": "where", "go": "next"}).content.decode()
    assert 'value="drop_off"' in page and 'value="courier"' not in page
    assert client.post(NEW, the_form(row)).status_code == 422
    assert client.post(NEW, the_form(row, travel="drop_off")).status_code == 302


def test_the_parcel_page_has_a_label_to_look_at_and_an_entry_for_the_calendar(
    world: World, client: Client, centre: ServiceCentre
) -> None:
    """R61: the day of collection, else the last day of the place; nothing once it is on its way."""
    now = timezone.now()
    ServiceCentre.objects.filter(pk=centre.pk).update(street="1 Sample Street", collects=True)
    centre.refresh_from_db()
    home = Address("Ana Example", "ZA", "14 Sixth Street", "Johannesburg", postal_code="2092", phone="+27820000146")
    day = centre.today(now) + timedelta(days=3)
    table = {
        "012345678701": (ReturnTo(Travel.COLLECTION, home, day), day, "A courier collects"),
        "012345678702": (ReturnTo(Travel.COURIER, home), centre.today(now + HELD_FOR), "Last day to send"),
        "012345678703": (ReturnTo(Travel.DROP_OFF), centre.today(now + HELD_FOR), "Last day to bring"),
    }
    client.force_login(world.ana.user)
    for serial, (returns, last_day, words) in table.items():
        ticket = a_request(world, centre, serial, now, returns=returns)
        page = client.get(ticket.parcel.get_absolute_url()).content.decode()
        for part in ("Four things to do", "Print the label", "label-pre", "Something changed?", "1 Sample Street"):
            assert part in page, (part, words)
        assert f'<path d="{bar_code(ticket.parcel.reference).path}" />' in page  # as it will be printed
        entry = client.get(f"{ticket.parcel.get_absolute_url()}calendar.ics")
        text = entry.content.decode().replace("\r\n ", "")
        assert f"DTSTART;VALUE=DATE:{last_day:%Y%m%d}" in text and words in text, text
        assert entry["Content-Type"].startswith("text/calendar")
        client.post(f"{ticket.parcel.get_absolute_url()}sent/", {"carrier": "Post", "tracking": "AB1"})
        assert client.get(f"{ticket.parcel.get_absolute_url()}calendar.ics").status_code == 404
