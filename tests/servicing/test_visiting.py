"""Visiting members: members from another world region (R5)."""

from datetime import timedelta
from importlib import import_module
from io import BytesIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from cps_portal.core.outbox.models import Message
from servicing.actions import messages as talking
from servicing.actions import tickets
from servicing.actions.erasure import VISITORS_KEPT_FOR, erase_visitors
from servicing.actions.events import Actor
from servicing.enums import CardRegion, TicketState, WhyStandard
from servicing.models import ServiceCentre, Ticket, VisitingMember
from servicing.rules.visitors import region_of
from tests.admin.conftest import signed_in
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.servicing.test_desk import press, works_at
from tests.world import World

OPEN = "/admin/servicing/ticket/intake/open/"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


def photo() -> SimpleUploadedFile:
    room = BytesIO()
    Image.new("RGB", (40, 30), "white").save(room, "JPEG")
    return SimpleUploadedFile("card.jpg", room.getvalue(), "image/jpeg")


def open_job(desk: Client, world: World, centre: ServiceCentre, do: str = "open_and_book_in", **typed: object) -> Any:
    facts: dict[str, object] = {
        "do": do,
        "centre": centre.pk,
        "service": "repair",
        "fault": "It sticks",
        "product_words": world.pro_body.name,
        "serial": "066666666666",
        "region": "asia",
        "card_number": "AS 123",
        "name": "Kei Example",
        "expires_on": (timezone.localdate() + timedelta(days=300)).isoformat(),
        "email": "kei@example.org",
    }
    return desk.post(OPEN, {**facts, "photo": photo(), **typed})


def test_a_foreign_card_opens_a_job_at_standard_speed_without_a_member(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    opened = open_job(desk, world, centre)
    asked = reverse("admin:servicing_ticket_return", args=[Ticket.objects.get().pk])
    assert (opened.status_code, opened.url) == (302, asked), "where it goes back to is asked at once (R61)"
    ticket = Ticket.objects.get()
    assert (ticket.member, ticket.state, ticket.level) == (None, TicketState.BOOKED_IN, "")
    assert ticket.why_standard == [WhyStandard.VISITING]
    visitor = VisitingMember.objects.get()
    assert (visitor.card_number, visitor.centre, visitor.by) == ("AS 123", centre, ticket.events.first().by)  # type: ignore[union-attr]
    assert visitor.photo
    assert desk.get(visitor.photo.get_absolute_url()).status_code == 200
    assert Message.objects.filter(to="kei@example.org").exists()
    assert "Kei Example" in desk.get(reverse("admin:servicing_ticket_change", args=[ticket.pk])).content.decode()


def test_an_expired_card_is_refused_with_what_to_do(world: World, centre: ServiceCentre, desk: Client) -> None:
    day = centre.today(timezone.now())
    answer = open_job(desk, world, centre, expires_on=(day - timedelta(days=1)).isoformat())
    text = answer.content.decode()
    assert "Ask for the renewed one" in text
    assert "Kei Example" in text
    assert not VisitingMember.objects.exists()
    assert open_job(desk, world, centre, expires_on=day.isoformat()).status_code == 302


def test_the_region_is_chosen_and_another_one_named(world: World, centre: ServiceCentre, desk: Client) -> None:
    for region, sentence in (("", "Choose where the card is from."), ("Asia", "Choose a region from the list.")):
        assert sentence in open_job(desk, world, centre, region=region).content.decode()
    assert "Copy this from the card." in open_job(desk, world, centre, region="other").content.decode()
    assert not VisitingMember.objects.exists()
    assert open_job(desk, world, centre, region="other", region_text="Antarctica").status_code == 302
    visitor = VisitingMember.objects.get()
    assert (visitor.region, visitor.region_name, str(visitor)) == ("other", "Antarctica", "Antarctica AS 123")
    page = desk.get(reverse("admin:servicing_ticket_change", args=[Ticket.objects.get().pk])).content.decode()
    assert "from Antarctica" in page


@each_row(("country", "is_served"), [("ZA", True), ("FR", False), ("SY", True)])
def test_a_card_of_the_subscription_programme_is_served_where_that_programme_isn_t(
    world: World, centre: ServiceCentre, desk: Client, country: str, is_served: bool
) -> None:
    ServiceCentre.objects.filter(pk=centre.pk).update(country=country)
    answer = open_job(desk, world, centre, region="subscription")
    assert VisitingMember.objects.exists() == is_served
    assert ("serves its members itself" in answer.content.decode()) != is_served
    assert open_job(desk, world, centre, serial="066666666667").status_code == 302, "cards of other regions are"


@each_row(
    ("text", "region"),
    [
        *[(str(region), region) for region in CardRegion],
        *[(str(region.label), region) for region in CardRegion],
        *[
            ("USA", CardRegion.AMERICAS),
            (" new  ZEALAND", CardRegion.OCEANIA),
            ("U.K.", CardRegion.OTHER),
            ("", CardRegion.OTHER),
        ],
    ],
)
def test_regions_are_read_by_code_and_by_former_name(text: str, region: CardRegion) -> None:
    assert region_of(text) == region


def test_the_migration_reads_what_was_typed(world: World) -> None:
    migration = import_module("servicing.migrations.0023_card_regions")
    now = timezone.now()
    with connection.cursor() as cursor:  # as it was then
        cursor.execute("alter table servicing_visitingmember drop constraint visiting_member_region_known")
    for text, is_erased in (("Asia", False), ("U.S.A", False), ("The Moon", False), ("Ann's studio", True)):
        VisitingMember.objects.create(
            region=text,
            name="" if is_erased else "Kei",
            expires_on=now.date(),
            at=now,
            erased_at=now if is_erased else None,
        )
    migration.read_regions(apps, None)
    read = set(VisitingMember.objects.values_list("region", "region_text"))
    assert read == {("asia", ""), ("other", "U.S.A"), ("other", "The Moon"), ("other", "")}


def test_a_card_without_a_photo_is_refused(world: World, centre: ServiceCentre, desk: Client) -> None:
    assert "Add a photo or a PDF" in open_job(desk, world, centre, photo="").content.decode()
    told = open_job(desk, world, centre, do="check", photo="", name="")
    assert told.context["entitlement"].why_standard == (WhyStandard.VISITING,)
    assert not Ticket.objects.exists()


def test_an_answer_by_phone_is_recorded_at_the_desk(world: World, centre: ServiceCentre, desk: Client) -> None:
    open_job(desk, world, centre)
    ticket = Ticket.objects.get()
    press(desk, ticket, "write", text="Which lens?", asks="on")
    press(desk, ticket, "answer_question")
    ticket.refresh_from_db()
    assert not ticket.paused


def test_visitors_are_erased_some_weeks_after_their_job_and_not_before(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    open_job(desk, world, centre)
    ticket = Ticket.objects.get()
    now = timezone.now()
    talking.write_message(ticket=ticket, text="Soon ready", actor=Actor(), at=now)
    assert erase_visitors(at=now + 9 * VISITORS_KEPT_FOR) == 0  # it is still here
    tickets.cancel(ticket=ticket, actor=Actor(), at=now)
    assert erase_visitors(at=now + VISITORS_KEPT_FOR - timedelta(minutes=1)) == 0
    assert erase_visitors(at=now + VISITORS_KEPT_FOR + timedelta(minutes=1)) == 1
    assert erase_visitors(at=now + 2 * VISITORS_KEPT_FOR) == 0
    visitor, ticket = VisitingMember.objects.get(), Ticket.objects.get()
    assert (visitor.name, visitor.email, visitor.card_number, visitor.photo) == ("", "", "", None)
    assert (visitor.region, ticket.fault, ticket.serial, ticket.messages.get().text) == ("asia", "", "", "")
    assert ticket.product == world.pro_body
