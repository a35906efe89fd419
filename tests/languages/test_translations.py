"""Texts of the programme that staff write in other languages: shown to readers, else in English (R56)."""

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.translations import hash_of
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer
from tests.world import World

pytestmark = pytest.mark.django_db


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
