"""A member with one name is served everywhere by it (R8)."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from members import actions
from members.models import Member
from members.models.people import SORTED_BY_NAME
from members.offers.actions.cards import get_or_issue_card
from servicing.models import Ticket
from servicing.presenters import parcel_papers
from tests.paper import text_of
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

NAME = "Sukarno"


@pytest.fixture
def member(world: World) -> Member:
    return actions.change_profile(member=world.ana, first_name=NAME, last_name="")


@each_row("path", ["/dashboard/", "/profile/", "/card/", "/kitbag/", "/offers/", "/service/", "/cases/"])
def test_pages_show_the_one_name(as_ana: Client, member: Member, path: str) -> None:
    page = as_ana.get(path).content.decode()
    assert f"<bdi>{NAME}</bdi>" in page
    assert "None" not in page


def test_the_card_and_its_check_have_one_initial(as_ana: Client, member: Member) -> None:
    card = get_or_issue_card(member=member, at=timezone.now())
    assert NAME in text_of(as_ana.get("/card/print.pdf").content)
    assert member.initials == "S"
    assert ">S<" in Client().get(card.check_path).content.decode().replace(" ", "").replace("\n", "")


def test_label_packing_list_and_ticket_are_for_the_one_name(world: World, member: Member) -> None:
    ticket: Ticket = a_request(world, a_centre(street="1 Long Street"), member=member)
    parcel: Any = ticket.parcel
    for pdf in (parcel_papers.label(parcel, member, [ticket]), parcel_papers.packing_list(parcel, member, [ticket])):
        assert NAME in text_of(pdf.render())


def test_the_kit_list_is_of_the_one_name(as_ana: Client, member: Member) -> None:
    assert NAME in text_of(as_ana.get("/kitbag/list.pdf").content)


def test_members_are_sorted_by_the_name_they_have(world: World, member: Member) -> None:
    actions.change_profile(member=world.ben, first_name="Anna", last_name="Zulu")
    actions.change_profile(member=world.chloe, first_name="Zoe", last_name="Adams")
    sorted_names = [row.full_name for row in Member.objects.order_by(SORTED_BY_NAME)]
    assert sorted_names == ["Zoe Adams", "Sukarno", "Anna Zulu"]
