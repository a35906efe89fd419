"""Terms by country and language, with versions (R9): which are chosen, which text is binding, what is recorded."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from members.access import newest_terms
from members.models import Member, TermsAcceptance, TermsVersion
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
ENGLISH, FRENCH = "You own what you register.", "Vous possédez ce que vous enregistrez."


def a_version(version: str, country: str = "", days: int = -1, **facts: Any) -> TermsVersion:
    return TermsVersion.objects.create(version=version, country=country, valid_from=NOW + timedelta(days=days), **facts)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@each_row(
    ("country", "version"),
    [
        ("ZA", "za-2"),  # its own, the newest of them, although a general one is newer
        ("KE", "general-2"),  # those to come do not count yet
        ("TR", "general-2"),
        ("", "general-2"),
    ],
)
def test_a_country_has_its_own_terms_or_the_general_ones(world: World, country: str, version: str) -> None:
    a_version("general-2", days=-1)
    a_version("za-1", "ZA", days=-9)
    a_version("za-2", "ZA", days=-8)
    a_version("ke-1", "KE", days=9)
    chosen = newest_terms(country)
    assert chosen is not None
    assert chosen.version == version


def test_members_accept_those_of_their_country_once(world: World, as_ana: Client) -> None:
    own = a_version("za-1", "ZA", text=ENGLISH)
    asked = as_ana.get("/kitbag/", follow=True)
    assert "Version za-1 has applied since" in text_of(asked)
    assert "/terms/?country=ZA" in text_of(asked)
    as_ana.post("/terms/accept/", {"terms": "on"})
    accepted = TermsAcceptance.objects.get(member=world.ana, terms=own)
    assert accepted.language == "en"
    assert as_ana.get("/kitbag/").status_code == 200
    assert TermsAcceptance.objects.filter(member=world.ana).count() == 2  # the version before is kept


def test_terms_of_another_country_ask_nobody_here(world: World, as_ana: Client) -> None:
    a_version("ke-1", "KE")
    assert as_ana.get("/kitbag/").status_code == 200


def test_who_moves_accepts_those_of_the_new_country(world: World, as_ana: Client) -> None:
    a_version("ke-1", "KE")
    assert as_ana.get("/kitbag/").status_code == 200
    as_ana.post("/profile/country/", {"country": "KE", "confirmed": "KE", "sure": "on"})
    assert as_ana.get("/kitbag/")["Location"].startswith("/terms/accept/")
    Member.objects.filter(pk=world.ana.pk).update(country="ZA")
    assert as_ana.get("/kitbag/").status_code == 200  # what was accepted there still counts


def test_the_language_of_reading_is_recorded(world: World, as_ana: Client) -> None:
    Member.objects.filter(pk=world.ana.pk).update(language="fr")
    version = a_version("general-2")
    as_ana.get("/terms/accept/")
    as_ana.cookies["language"] = "fr"
    as_ana.post("/fr/terms/accept/".removeprefix("/fr"), {"terms": "on"}, headers={"accept-language": "fr"})
    assert TermsAcceptance.objects.get(member=world.ana, terms=version).language == "fr"


def test_joining_accepts_those_of_the_country(world: World, client: Client) -> None:
    own = a_version("ke-1", "KE")
    assert "/terms/?country=KE" in text_of(client.get("/accounts/signup/?country=KE"))
    data = {"email": "dina@example.org", "password1": "a long password 1234", "first_name": "Dina", "country": "KE"}
    client.post("/accounts/signup/", {**data, "adult": "on", "terms": "on"})
    assert TermsAcceptance.objects.get(member__user__email="dina@example.org").terms == own


def test_the_english_text_is_binding_and_others_are_working_translations(world: World, client: Client) -> None:
    translations = {"fr": {"text": {"text": FRENCH}}}
    a_version("za-1", "ZA", text=ENGLISH, translations=translations)
    assert "sample text" in text_of(client.get("/terms/"))
    english = text_of(client.get("/terms/?country=ZA"))
    assert ENGLISH in english
    assert "It applies in South Africa." in english
    assert "working translation" not in english
    french = text_of(client.get("/fr/terms/?country=ZA"))
    assert FRENCH in french
    assert ENGLISH in french  # beside it, marked as English
    assert '<div class="panel__body" lang="en" dir="ltr">' in french
    assert "sample text" not in english
    assert client.get("/terms/?country=%00").status_code == 200
