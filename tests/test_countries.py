"""Countries as people call them, in every list (R1, R24)."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.utils.translation import override
from django_countries.fields import Country, CountryField

from cps_portal.core.lib.countries import country_name, is_country, list_countries
from cps_portal.core.lib.country_names import WITH_ARTICLE, with_article
from kitbag.api.sales import SaleInSerializer
from kitbag.forms import country_choices as countries_of_purchase
from members.actions.reference_data import load_programme
from members.forms.accounts import JoinForm
from members.forms.addresses import parcel_countries
from members.forms.common import country_choices
from members.forms.profile import MoveForm
from members.models import TermsVersion
from members.offers.forms.offers import OfferForm
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db

NAMES = {
    "XK": "Kosovo",
    "BS": "Bahamas",
    "NR": "Nauru",
    "CI": "Côte d’Ivoire",
    "ST": "São Tomé and Príncipe",
    "CG": "Republic of the Congo",
    "CD": "Democratic Republic of the Congo",
    "TR": "Türkiye",
    "GB": "United Kingdom",
    "US": "United States",
    "MF": "Saint Martin",
    "VI": "US Virgin Islands",
}


@each_row(("code", "name"), NAMES.items())
def test_a_country_is_called_as_people_call_it(code: str, name: str) -> None:
    assert country_name(code) == name


@each_row(
    ("code", "name"),
    [("GB", "the United Kingdom"), ("AE", "the United Arab Emirates"), ("CD", "the Democratic Republic of the Congo")],
)
def test_an_english_sentence_has_the_article_of_a_country(code: str, name: str) -> None:
    assert with_article(country_name(code)) == name
    with override("fr"):
        assert with_article(country_name(code)) == country_name(code)


def test_most_countries_have_no_article() -> None:
    assert with_article(country_name("ZA")) == "South Africa"
    assert {code for code in WITH_ARTICLE if not with_article(country_name(code)).startswith("the ")} == set()


@each_row(
    ("language", "names"),
    [
        ("fr", {"XK": "Kosovo", "DE": "Allemagne", "PS": "Palestine", "SZ": "Eswatini"}),
        ("ar", {"XK": "كوسوفو", "ZA": "جنوب أفريقيا", "PS": "فلسطين"}),
        ("ru", {"XK": "Косово", "DE": "Германия", "CV": "Кабо-Верде"}),
        ("tr", {"XK": "Kosova", "TR": "Türkiye", "SZ": "Esvatini"}),
        ("pt", {"XK": "Kosovo", "CV": "Cabo Verde", "CI": "Costa do Marfim", "MZ": "Moçambique"}),
    ],
)
def test_a_country_is_called_by_its_name_in_each_language(language: str, names: dict[str, str]) -> None:
    with override(language):
        assert {code: country_name(code) for code in names} == names
        assert {code: str(Country(code).name) for code in names} == names
        assert len(list_countries()) == 250


def load_countries() -> None:
    load_programme()
    TermsVersion.objects.filter(termsacceptance=None).delete()  # nobody here has accepted the newest terms


def lists(world: World) -> dict[str, list[tuple[str, Any]]]:
    """Every list of countries to choose from, without its first, empty option."""
    load_programme()
    move: Any = MoveForm(member=world.ana).fields["country"]
    join: Any = JoinForm().fields["country"]
    offer: Any = OfferForm().fields["countries"]
    sale: Any = SaleInSerializer().fields["country"]
    chosen = {
        "all": list_countries(),
        "programme": country_choices(),
        "purchase": countries_of_purchase("ZA"),
        "parcels": parcel_countries(),
        "join": list(join.choices),
        "move": list(move.choices),
        "offer": list(offer.choices),
        "sales": list(sale.choices.items()),
    }
    request = RequestFactory().get("/")
    for model, model_admin in admin.site._registry.items():
        for column in model._meta.get_fields():
            if isinstance(column, CountryField):
                field = model_admin.formfield_for_dbfield(column, request)
                chosen[f"{model.__name__}.{column.name}"] = list(field.choices)  # type: ignore[union-attr]
    return {name: [choice for choice in choices if choice[0]] for name, choices in chosen.items()}


def test_no_list_has_an_empty_option_or_a_name_with_the_article_behind(world: World) -> None:
    for name, choices in lists(world).items():
        assert len(choices) > 50, name
        for code, label in choices:
            assert str(label).strip(), (name, code)
            assert "(the)" not in str(label).casefold(), (name, code)
            assert "*" not in str(label), (name, code)


def test_kosovo_can_be_chosen_in_every_list(world: World) -> None:
    for name, choices in lists(world).items():
        assert "XK" in dict(choices), name


def test_accents_do_not_put_a_country_at_the_end() -> None:
    names = [name for _code, name in list_countries()]
    assert names.index("Åland Islands") < names.index("Albania")
    assert names.index("Côte d’Ivoire") < names.index("Croatia")
    assert names.index("São Tomé and Príncipe") < names.index("Saudi Arabia")
    assert names.index("Tunisia") < names.index("Türkiye") < names.index("Turkmenistan")
    assert names[-1] == "Zimbabwe"


@each_row(("code", "known"), [("XK", True), ("RE", True), ("", False), ("XX", False), ("xk", False)])
def test_a_code_is_known_or_not(code: str, known: bool) -> None:
    assert is_country(code) is known


@each_row("country", ["XK", "JE", "GG", "IM", "AX", "SJ", "RE", "YT", "EH", "SH"])
def test_kit_bought_on_an_island_next_door_is_bought_in_the_region(as_ana: Client, world: World, country: str) -> None:
    load_countries()
    page = as_ana.get("/kitbag/add/country/", {"country": country}).content.decode()
    assert "outside Europe" not in page
    assert "outside Europe" in as_ana.get("/kitbag/add/country/", {"country": "JP"}).content.decode()


def test_the_profile_of_a_member_in_kosovo_names_it(as_ana: Client, world: World) -> None:
    load_countries()
    type(world.ana).objects.filter(pk=world.ana.pk).update(country="XK")
    assert "Kosovo" in as_ana.get("/profile/").content.decode()


@each_row(
    ("language", "names"),
    [
        ("fr", ["Danemark", "Égypte", "Espagne", "Estonie", "États-Unis", "Finlande"]),
        ("tr", ["Cezayir", "Çad", "Çekya", "Danimarka", "Irak", "İran", "İrlanda", "Sırbistan", "Şili"]),
        ("ru", ["Австрия", "Армения", "Египет", "Йемен", "Казахстан"]),
        ("ar", ["إسبانيا", "الأردن", "مصر", "موريتانيا"]),
    ],
)
def test_countries_are_sorted_by_the_alphabet_of_the_reader(language: str, names: list[str]) -> None:
    with override(language):
        found = [name for _code, name in list_countries() if name in names]
    assert found == names
