"""Names stand in the order in which the member’s country writes them; greetings are by the given name (R8)."""

import pytest
from django.test import Client

from cps_portal.core.lib.written_names import full_name
from members import actions
from members.models import Member
from members.queries import confirmed_first_name
from servicing.presenters import parcel_papers
from tests.admin.conftest import signed_in
from tests.api.machines import machine
from tests.factories import UserFactory
from tests.paper import text_of
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

ORDERS = [
    ("János", "Nagy", "HU", "Nagy János"),
    ("János", "", "HU", "János"),
    ("", "Nagy", "HU", "Nagy"),
    ("", "", "HU", ""),
    ("János", "Nagy", "RO", "János Nagy"),
    ("Ana", "Example", "ZA", "Ana Example"),
    ("Мария", "Иванова", "RU", "Мария Иванова"),
    ("محمد", "الهاشمي", "EG", "محمد الهاشمي"),
    ("Sukarno", "", "KE", "Sukarno"),
    ("", "", "", ""),
]


@each_row(("first", "last", "country", "expected"), ORDERS)
def test_names_are_written_as_in_the_country(first: str, last: str, country: str, expected: str) -> None:
    assert full_name(first, last, country) == expected
    member = Member(first_name=first, last_name=last, country=country)
    assert (member.full_name, member.initials) == (expected, "".join(name[0] for name in expected.split()).upper())


@pytest.fixture
def janos(world: World) -> Member:
    actions.change_profile(member=world.ana, first_name="János", last_name="Nagy")
    Member.objects.filter(pk=world.ana.pk).update(country="HU")
    return Member.objects.get(pk=world.ana.pk)


@each_row("path", ["/dashboard/", "/profile/", "/card/"])
def test_pages_have_the_family_name_first(janos: Member, as_ana: Client, path: str) -> None:
    page = as_ana.get(path).content.decode()
    assert "<bdi>Nagy János</bdi>" in page
    assert "János Nagy" not in page


def test_who_is_greeted_is_greeted_by_the_given_name(janos: Member, as_ana: Client) -> None:
    assert confirmed_first_name(janos) == "János"
    assert "János" in str(as_ana.get("/dashboard/").context["greeting"])


def test_papers_have_the_family_name_first(janos: Member, as_ana: Client, world: World) -> None:
    assert "Nagy János" in text_of(as_ana.get("/kitbag/list.pdf").content)
    ticket = a_request(world, a_centre(street="1 Long Street"), member=janos)
    assert ticket.parcel
    assert "Nagy János" in text_of(parcel_papers.label(ticket.parcel, janos, [ticket]).render())


def test_the_desk_finds_both_orders_and_shows_the_countrys(janos: Member, world: World) -> None:
    as_root = signed_in(UserFactory(is_staff=True, is_superuser=True))
    for typed in ("Nagy János", "János Nagy"):
        assert list(Member.objects.search(typed)) == [janos]
        assert "Nagy János" in as_root.get("/admin/members/member/", {"q": typed}).content.decode()


def test_centres_read_it_so_by_the_api(world: World, janos: Member) -> None:
    workshop = machine()
    ticket = a_request(world, a_centre(partner=workshop.partner), member=janos)
    assert workshop.get(f"tickets/{ticket.reference}").json()["customer"]["name"] == "Nagy János"
