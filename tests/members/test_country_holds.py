"""Countries on hold, and countries that are served with another one (R1, R2, R4, R8)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from members.actions.reference_data import load_programme
from members.models import CountryProgramme, Member, programme_in
from tests.admin.conftest import signed_in
from tests.factories import UserFactory, validated
from tests.members.test_country_plans import ON_THE_DAY, apply, planned, tell
from tests.members.test_join import join
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.test_countries import load_countries
from tests.world import World

pytestmark = pytest.mark.django_db


def hold(country: str) -> None:
    CountryProgramme.objects.filter(country=country).update(on_hold=True, hold_reason="war")


def page(client: Client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_nobody_joins_where_the_programme_is_on_hold_and_the_page_says_so(world: World, client: Client) -> None:
    hold("ZA")
    chosen = page(client, f"{reverse('members:country_choice')}?country=ZA")
    assert "CPS is on hold in South Africa" in chosen and "war" not in chosen
    _client, answer = join(country="ZA")
    text = answer.content.decode()
    assert "so nobody can join there" in text and "dina@example.org" in text, "nothing typed is lost"
    assert not Member.objects.filter(user__email="dina@example.org").exists()
    CountryProgramme.objects.filter(country="ZA").update(on_hold=False, hold_reason="")
    assert client.get(f"{reverse('members:country_choice')}?country=ZA").status_code == 302
    _client, answer = join(country="ZA")
    assert answer.status_code == 302


def test_members_who_live_there_keep_their_account(world: World, as_ana: Client) -> None:
    hold("ZA")
    assert as_ana.get("/dashboard/", follow=True).status_code == 200
    assert Member.objects.get(pk=world.ana.pk).closed_at is None


def test_members_who_live_there_read_it_on_their_dashboard_and_before_a_request(world: World, as_ana: Client) -> None:
    promised = "CPS is on hold in South Africa at the moment"
    for url in ("/dashboard/", "/service/new/"):
        assert "is on hold in" not in page(as_ana, url)
    CountryProgramme.objects.filter(country="ZA").update(on_hold=True, hold_reason="floods")
    for url in ("/dashboard/", "/service/new/"):
        told = page(as_ana, url)
        assert promised in told and "centres in other countries are there for you" in told and "floods" not in told, url
    CountryProgramme.objects.filter(country="ZA").update(served_with="GB")
    assert "the centres in the United Kingdom are there for you" in page(as_ana, "/dashboard/")
    assert "centres in other countries are there for you" not in page(as_ana, "/service/new/")
    validated(world.ana, world.pro_body, "012345678701")
    told = page(as_ana, "/dashboard/")
    assert promised in told and told.count("is on hold in") == 1


def test_going_there_promises_nothing(world: World, as_ana: Client) -> None:
    a_centre("nairobi", country="KE")
    assert "Fast Track repair" in page(as_ana, "/going-to/KE/")
    hold("KE")
    told = page(as_ana, "/going-to/KE/")
    assert "CPS is on hold in Kenya at the moment" in told
    assert "Fast Track repair" not in told and "works there too" not in told


def test_a_country_served_with_another_one_shows_its_centres(world: World, as_ana: Client, client: Client) -> None:
    load_countries()
    a_centre("elstree", country="GB", kind="PSC")
    told = page(as_ana, "/going-to/JE/")
    assert "Jersey is served from United Kingdom" in told and "elstree" in told.casefold()
    none = page(client, f"{reverse('members:country_choice')}?country=JE")
    assert "People there go to United Kingdom" in none and "?country=GB" in none
    assert "People there go to" not in page(client, f"{reverse('members:country_choice')}?country=IR")


def test_without_an_open_centre_there_the_nearest_are_shown(world: World, as_ana: Client) -> None:
    load_countries()
    a_centre("joburg", country="ZA", kind="PSC")
    a_centre("elstree", country="GB", kind="PSC", status="suspended")
    told = page(as_ana, "/going-to/JE/")
    assert "The nearest centres of the free programme" in told and "is served from" not in told


def test_a_planned_change_keeps_a_hold_and_the_neighbour(world: World) -> None:
    CountryProgramme.objects.filter(country="ZA").update(on_hold=True, hold_reason="war", served_with="KE")
    plan = planned(world)
    tell()
    assert apply(ON_THE_DAY) == [plan.pk]
    row = programme_in("ZA", plan.effective_on)
    assert row and row.valid_from == plan.effective_on
    assert (row.on_hold, row.hold_reason, row.served_with.code) == (True, "war", "KE")


@each_row(
    "wrong",
    [
        {"on_hold": True},
        {"hold_reason": "war"},
        {"served_with": "SD"},
    ],
)
def test_the_database_refuses_half_a_hold_and_a_country_served_with_itself(world: World, wrong: dict[str, Any]) -> None:
    facts = {"country": "SD", "region": "Africa", "kind": "none", "valid_from": "2020-01-01"}
    with pytest.raises(IntegrityError), transaction.atomic():
        CountryProgramme.objects.create(**facts, **wrong)


def test_staff_put_a_country_on_hold_though_members_live_there(world: World, groups: dict[str, Group]) -> None:
    user = UserFactory(is_staff=True)
    user.groups.add(groups["Programme"])
    programme, row = signed_in(user), CountryProgramme.objects.get(country="ZA")
    url = reverse("admin:members_countryprogramme_change", args=[row.pk])
    facts = {
        "country": "ZA",
        "region": row.region or "Africa",
        "kind": row.kind,
        "service_level": row.service_level,
        "valid_from": row.valid_from.isoformat(),
        "on_hold": "on",
    }
    answer = programme.post(url, facts)
    assert answer.status_code == 200 and "Say why a country is on hold" in answer.content.decode()
    assert programme.post(url, {**facts, "hold_reason": "floods"}).status_code == 302
    row.refresh_from_db()
    assert (row.on_hold, row.hold_reason) == (True, "floods")


def test_the_sample_names_neighbours_and_holds() -> None:
    load_programme()
    rows = {row.country.code: row for row in CountryProgramme.objects.in_force()}
    assert {code: row.served_with.code for code, row in rows.items() if row.served_with} == {
        **dict.fromkeys(("JE", "GG", "IM"), "GB"),
        **dict.fromkeys(("RE", "YT"), "FR"),
        **dict.fromkeys(("SM", "VA"), "IT"),
        **dict.fromkeys(("FO", "GL"), "DK"),
        "AX": "FI",
        "SJ": "NO",
        "SH": "ZA",
    }
    assert {code for code, row in rows.items() if row.on_hold} == {"SD", "LY"}
    assert all(row.sample for row in rows.values() if row.on_hold or row.served_with)
