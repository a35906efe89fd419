"""Texts of the programme that staff write in other languages: shown to readers, else in English (R56)."""

from datetime import date

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.translations import hash_of
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer
from servicing.actions.centres import load_centres
from servicing.models import CalendarException, ServiceCentre
from servicing.presenters.calendars import describe_change, list_special_days, name_of_day
from tests.servicing.jobs import a_centre
from tests.world import World

pytestmark = pytest.mark.django_db
CAIRO = {"ar": {"city": {"text": "القاهرة"}}, "fr": {"city": {"text": "Le Caire"}}}


def make_offer(**values: object) -> Offer:
    given: dict[str, object] = {
        "kind": OfferKind.SPECIAL,
        "slug": "course",
        "title": "Course on light",
        "summary": "Two days in the studio.",
        "levels": ["red", "silver", "gold", "platinum"],
        "since": timezone.now(),
        "state": OfferState.PUBLISHED,
        **values,
    }
    return Offer.objects.create(**given)


def test_a_text_is_read_in_the_language_of_the_reader() -> None:
    offer = make_offer(translations={"fr": {"title": {"text": "Cours de lumière"}}})
    offer.refresh_from_db()
    assert offer.translations["fr"]["title"]["of"] == hash_of("Course on light")
    said = {}
    for language in ("en", "fr", "ar"):
        with translation.override(language):
            said[language] = offer.local.title
    assert said == {"en": "Course on light", "fr": "Cours de lumière", "ar": "Course on light"}


def test_a_translation_of_another_text_is_not_shown() -> None:
    offer = make_offer(translations={"fr": {"title": {"text": "Cours de lumière"}, "summary": {"text": "Deux jours."}}})
    assert "fr" not in offer.missing_languages() and "ar" in offer.missing_languages()
    offer.title = "Course on shadow"
    offer.save(update_fields=["title"])
    offer.refresh_from_db()
    with translation.override("fr"):
        assert (offer.local.title, offer.local.summary) == ("Course on shadow", "Deux jours.")
    assert "fr" in offer.missing_languages()


def test_history_keeps_the_translations() -> None:
    offer = make_offer()
    offer.translations = {"ar": {"title": {"text": "دورة"}}}
    offer.save(update_fields=["translations"])
    newest = Offer.pgh_event_model.objects.filter(pgh_obj=offer).latest("pgh_id")  # type: ignore[attr-defined]
    assert newest.translations["ar"]["title"]["text"] == "دورة"


def test_an_arabic_member_reads_the_arabic_offer(world: World, client: Client) -> None:
    make_offer(translations={"ar": {"title": {"text": "دورة عن الضوء"}}})
    client.force_login(world.ana.user)
    with override_settings(LANGUAGES=list(NAMES.items())):
        client.post(reverse("change_language"), {"language": "ar", "next": "/"})
        page = client.get(reverse("offers:offer", args=["course"])).content.decode()
    assert "دورة عن الضوء" in page and "Two days in the studio." in page


def a_closed_centre(**closure: object) -> ServiceCentre:
    """In Cairo, closed on Wednesday 9 December 2026 for stocktaking."""
    centre = a_centre(
        country="EG", zone="Africa/Cairo", city="Cairo", hours="Su-Th 09:00-17:00", translations=CAIRO, street=""
    )
    day = date(2026, 12, 9)
    CalendarException.objects.create(centre=centre, first=day, last=day, why="Stocktaking", **closure)
    return centre


def test_special_days_are_named_in_the_language_of_the_reader() -> None:
    centre = a_closed_centre(translations={"ar": {"why": {"text": "جرد المخزون"}}})
    said = {}
    for language in ("en", "fr", "ar"):
        with translation.override(language):
            (day,) = list_special_days(centre.calendar, date(2026, 12, 1))[:1]
            changed = describe_change({"closed": ["2026-12-09"], "why": "Stocktaking"}, centre.calendar)
            said[language] = (day.why, day.why in changed)
    assert said == {"en": ("Stocktaking", True), "fr": ("Stocktaking", True), "ar": ("جرد المخزون", True)}


def test_public_holidays_are_named_in_the_language_of_the_reader_or_as_such() -> None:
    calendar = a_closed_centre().calendar
    names = {}
    for language in ("en", "ar", "ru"):
        with translation.override(language):
            names[language] = name_of_day(calendar, date(2026, 7, 23))
    assert names == {"en": "July 23 Revolution Day", "ar": "عيد ثورة 23 يوليو", "ru": "Праздник"}


def test_the_city_of_a_centre_is_called_as_the_reader_does(world: World, client: Client) -> None:
    centre = a_closed_centre()
    url = f"/centres/{centre.slug}/"
    assert "القاهرة" in client.get(f"/ar{url}").content.decode()
    assert "Le Caire" in client.get(f"/fr{url}").content.decode()
    assert "Cairo" in client.get(url).content.decode()
    assert "Cairo" in client.get(f"/tr{url}").content.decode()  # nobody has translated it
    assert centre.address.label_lines[-2:-1] == ["CAIRO"]  # the post reads English
    for typed in ("القاهرة", "Cairo"):
        found = client.get("/ar/centres/", {"near": typed}).content.decode()
        assert centre.name in found


def test_the_centres_that_come_with_the_portal_have_their_cities_in_every_language() -> None:
    load_centres()
    lacking = {centre.city: centre.missing_languages() for centre in ServiceCentre.objects.filter(notice="")}
    assert lacking and not any(lacking.values()), lacking
    assert ServiceCentre.objects.filter(languages=[]).count() == 0
