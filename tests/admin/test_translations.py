"""Staff write the texts of the programme in other languages beside the English ones (R54, R56)."""

import pytest
from django.test import Client
from django.urls import reverse

from cps_portal.core.lib.translations import hash_of
from members.offers.models import PackItem
from members.support.models import CannedAnswer
from tests.admin.conftest import SignIn
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


def change(client: Client, item: PackItem, **typed: str) -> None:
    address = reverse("admin:offers_packitem_change", args=[item.pk])
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in ("code", "name", "position")} | {"included": "on"}
    response = client.post(address, {**values, **typed})
    assert response.status_code == 302, response.context["adminform"].form.errors


def test_staff_write_translations_beside_the_english_text(world: World, as_programme: Client) -> None:
    item = PackItem.objects.create(code="strap", name="Strap")
    change(as_programme, item, **{"translations-fr-name": " Courroie "})
    item.refresh_from_db()
    assert item.translations == {"fr": {"name": {"text": "Courroie", "of": hash_of("Strap")}}}
    page = as_programme.get(reverse("admin:offers_packitem_change", args=[item.pk])).content.decode()
    assert 'value="Courroie"' in page and page.count("not translated") == 4
    listed = as_programme.get(reverse("admin:offers_packitem_changelist")).content.decode()
    assert "Русский" in listed

    kept = {"translations-fr-name": "Courroie", "translations-fr-name-of": hash_of("Strap")}
    kept["translations-fr-name-was"] = hash_of("Courroie")
    change(as_programme, item, name="Wide strap", **kept)
    item.refresh_from_db()
    assert "fr" in item.missing_languages()  # nobody has looked at it since
    change(as_programme, item, **kept, **{"translations-fr-name-right": "1"})
    item.refresh_from_db()
    assert "fr" not in item.missing_languages()


def test_a_translation_is_no_longer_than_its_column(world: World, as_programme: Client) -> None:
    item = PackItem.objects.create(code="strap", name="Strap")
    address = reverse("admin:offers_packitem_change", args=[item.pk])
    typed = {"code": "strap", "name": "Strap", "position": "0", "translations-tr-name": "x" * 81}
    response = as_programme.post(address, typed)
    page = response.content.decode()
    assert "Türkçe, Name: use at most 80 characters." in page and "x" * 81 in page
    item.refresh_from_db()
    assert item.translations == {}


def test_a_list_says_which_canned_answers_have_no_translation(world: World, as_support: Client) -> None:
    for language in ("en", "fr"):
        CannedAnswer.objects.create(title="Thanks", language=language, text="Hello {name}")
    page = as_support.get(reverse("admin:cases_cannedanswer_changelist")).content.decode()
    assert page.count("العربية, Русский, Türkçe, Português") == 2
