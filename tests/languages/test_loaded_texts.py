"""The texts of the data that comes with the portal can be read in every language (R56)."""

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import translation

from cps_portal.core.lib.languages import NAMES, OTHERS
from members.offers.actions.reference_data import load_offers
from members.offers.models import Offer, PackItem
from servicing.actions.centres import load_centres
from servicing.enums import CentreStatus
from servicing.models import ServiceCentre

pytestmark = pytest.mark.django_db


def test_loaded_rows_miss_no_language() -> None:
    load_offers()
    load_centres()
    for row in [*Offer.objects.all(), *PackItem.objects.all(), *ServiceCentre.objects.all()]:
        assert row.missing_languages() == [], row


@pytest.mark.parametrize("language", OTHERS)
def test_a_suspended_centre_says_so_in_the_readers_language(language: str) -> None:
    load_centres()
    centre = ServiceCentre.objects.filter(status=CentreStatus.SUSPENDED).first()
    assert centre is not None
    with translation.override(language):
        assert centre.local.notice not in ("", centre.notice), NAMES[language]


def test_rows_from_before_the_translations_get_them_but_nothing_over_the_words_of_staff() -> None:
    load_offers()
    load_centres()
    mine = {"fr": {"name": {"text": "Un petit mot", "of": "0123456789ab"}}}
    PackItem.objects.filter(code="card").update(translations={})
    PackItem.objects.filter(code="gift").update(translations={}, name="A lens cloth")
    PackItem.objects.filter(code="letter").update(translations=mine)
    Offer.objects.update(translations={}, summary="By post.")
    ServiceCentre.objects.update(translations={})
    ServiceCentre.objects.filter(city="Ankara").update(city="Ankara Çankaya")
    for migration in ("members.offers.migrations.0009_shipped_texts", "servicing.migrations.0026_shipped_texts"):
        import_module(migration).add_translations(apps, None)
    items = {item.code: item for item in PackItem.objects.all()}
    assert items["card"].missing_languages() == []
    assert items["card"].translated("name")["fr"] == "Votre carte de membre"
    assert items["gift"].translations == {}
    assert items["letter"].translations["fr"] == mine["fr"]
    assert set(items["letter"].translated("name")) == {"ar", "ru", "tr", "pt"}
    offer = Offer.objects.get()
    assert set(offer.translated("title")) == set(OTHERS) and offer.translated("summary") == {}
    lacking = [centre for centre in ServiceCentre.objects.all() if centre.missing_languages()]
    assert [centre.city for centre in lacking] == ["Ankara Çankaya"]


def test_no_address_ends_in_a_sign_of_a_part_that_it_has_not() -> None:
    """As "34394 Istanbul/", whose region is not in the file."""
    load_centres()
    lines = [line for centre in ServiceCentre.objects.all() for line in centre.address.label_lines]
    assert "34394 ISTANBUL" in lines
    assert [line for line in lines if line.endswith(("/", ","))] == []
