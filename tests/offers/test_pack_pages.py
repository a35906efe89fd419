"""Pages of the Welcome Pack: address forms by country, their errors, and the status page (R36, R40)."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from members.enums import Programme, ServiceLevel
from members.models import CountryProgramme, Member
from members.offers.actions.reference_data import load_offers
from members.offers.enums import PackState, PackStep
from members.offers.models import Offer, PackEvent, WelcomePack
from members.support.models import Case
from tests.offers.packing import DAY, add_partner, asked, report
from tests.rows import each_row
from tests.world import SINCE, World

URL = "/offers/welcome-pack/"
ODD = ["AE", "DE", "EG", "CI", "KZ", "GI", "JP", "XK"]
TYPED = {
    "ZA": {"street": "14 Oak Avenue", "city": "Johannesburg", "postal_code": " 2092 ", "phone": "082 123 4567"},
    "AE": {"street": "12 Corniche", "country_area": "Abu Dhabi", "phone": "050 123 4567"},
    "GB": {"street": "1 High Street", "city": "London", "postal_code": "ec1y8sy", "phone": "07400 123456"},
    "DE": {"street": "Hof 2\nHaus 3", "city": "Oldenburg", "postal_code": "D-26133", "phone": "+49 1512 3456789"},
    "EG": {"street": "شارع التحرير ١٢", "city": "القاهرة", "postal_code": "١٢٤١١", "phone": "010 01234567"},
    "CI": {"street": "Rue 5", "city": "Abidjan", "sorting_code": "01 BP 1", "phone": "+225 01 23 45 6789"},
    "KZ": {"street": "Abay 5", "city": "Almaty", "country_area": "Medeu", "phone": "+7 771 000 9998"},
    "GI": {"street": "Main Street 5", "postal_code": "gx111aa", "phone": "57123456"},
    "JP": {"street": "1-2-3", "country_area": "Tokyo", "postal_code": "1540023", "phone": "090 1234 5678"},
}
KEPT_AS = {
    "ZA": ("2092", "+27821234567"),
    "AE": ("", "+971501234567"),
    "GB": ("EC1Y 8SY", "+447400123456"),
    "DE": ("26133", "+4915123456789"),
    "EG": ("12411", "+201001234567"),
    "CI": ("", "+2250123456789"),
    "KZ": ("", "+77710009998"),
    "GI": ("GX11 1AA", "+35057123456"),
    "JP": ("154-0023", "+819012345678"),
}


@pytest.fixture(autouse=True)
def offered(world: World) -> None:
    load_offers()
    for country in [*ODD, "GB"]:
        CountryProgramme.objects.create(
            country=country, region="EMEA", kind=Programme.FREE, service_level=ServiceLevel.FULL, valid_from=SINCE
        )


def typed(like: str = "ZA", /, go: str = "review", **changes: str) -> dict[str, str]:
    return {"name": "Ana Example", "country": like, **TYPED[like], "go": go, **changes}


def page(client: Client, data: dict[str, str] | None = None, **headers: str) -> str:
    response = client.post(URL, data, headers=headers) if data is not None else client.get(URL)
    return response.content.decode()


# --- The form of each country --------------------------------------------------------------------


@each_row(
    ("country", "labels", "without"),
    [
        ("ZA", ["Suburb", "Town or city", "For example 0083"], ["country_area", "sorting_code"]),
        ("AE", ["Emirate", "Abu Dhabi · أبو ظبي"], ['id_city"', "id_postal_code"]),
        ("GB", ["Post town", "EC1Y 8SY"], ["id_country_area"]),
        ("DE", ["Postal code", "26133"], ["id_country_area"]),
        ("EG", ["Province", "Aswan Governorate · أسوان"], ["id_city_area"]),
        ("CI", ["Sorting code"], ["id_postal_code"]),
        ("KZ", ["Province"], ["id_city_area"]),
        ("JP", ["Prefecture", "Tokyo · 東京都"], ["id_city_area"]),
        ("XK", ["Town or city"], ["id_country_area"]),
    ],
)
def test_each_country_has_its_own_address_fields(
    as_ana: Client, country: str, labels: list[str], without: list[str]
) -> None:
    shown = page(as_ana, {"name": "Ana", "country": country, "go": "country"})
    assert [label for label in labels if label not in shown] == []
    assert [name for name in without if name in shown] == []
    assert "field__error" not in shown


@each_row("country", TYPED)
def test_addresses_are_understood_as_people_in_the_country_write_them(as_ana: Client, country: str) -> None:
    review = page(as_ana, typed(country))
    assert "parcel-label" in review, "looked over first"
    assert not WelcomePack.objects.exists()
    as_ana.post(URL, typed(country, go="confirm"))
    pack = WelcomePack.objects.get()
    assert (pack.postal_code, pack.phone) == KEPT_AS[country]
    assert pack.country.code == country


ERRORS: list[tuple[str, dict[str, str], str]] = [
    ("ZA", {"postal_code": "20922"}, "Postal codes there look like 0083"),
    ("ZA", {"postal_code": ""}, "Type the postal code, such as 0083"),
    ("ZA", {"phone": "12"}, "Type it like +27 71 123 4567"),
    ("ZA", {"phone": "call me"}, "Type it like +27 71 123 4567"),
    ("ZA", {"street": " \n "}, "Type the street and number"),
    ("ZA", {"street": "a\nb\nc\nd\ne"}, "no room for so many lines"),
    ("ZA", {"street": "x" * 301}, "at most 300 characters"),
    ("ZA", {"name": "\u202e"}, "We can’t see anything in this"),
    ("ZA", {"city": "Jo\x00burg"}, "can’t be printed"),
    ("ZA", {"city": "Jo\x07burg"}, "can’t be printed"),
    ("ZA", {"country": "SY"}, "We can’t send parcels there"),
    ("ZA", {"country": "' or 1=1 --"}, "We can’t send parcels there"),
    ("AE", {"country_area": "Atlantis"}, "Choose one from the list"),
    ("AE", {"country_area": ""}, "Choose one from the list"),
    ("GB", {"city": ""}, "Post town"),
]


@each_row(("go", "country", "changes", "said"), [(("review", "confirm")[n % 2], *row) for n, row in enumerate(ERRORS)])
def test_errors_are_shown_at_their_fields_and_no_value_is_lost(
    as_ana: Client, go: str, country: str, changes: dict[str, str], said: str
) -> None:
    response = as_ana.post(URL, typed(country, go=go, **changes))
    shown = response.content.decode()
    assert response.status_code == 422
    assert "field__error" in shown
    assert said in shown
    assert "Ana Example" in shown or "name" in changes
    assert not WelcomePack.objects.exists()


def test_a_postal_code_that_the_rules_do_not_know_is_kept_once_it_was_checked(as_ana: Client) -> None:
    asked = as_ana.post(URL, typed("ZA", postal_code="20922"))
    assert 'name="postal_code_insisted"' in asked.content.decode()
    review = page(as_ana, typed("ZA", postal_code="20922", postal_code_insisted="on"))
    assert "20922" in review
    assert 'name="postal_code_insisted" value="on"' in review
    as_ana.post(URL, typed("ZA", go="confirm", postal_code="20922", postal_code_insisted="on"))
    assert WelcomePack.objects.get().postal_code == "20922"


def test_changing_the_country_and_back_keeps_all_values(as_ana: Client) -> None:
    to_emirates = page(as_ana, typed("ZA", go="country", country="AE", city_area="Melville"), HX_Request="true")
    for value in ("14 Oak Avenue", "Johannesburg", "Melville", "2092"):
        assert value in to_emirates
    emirates = page(as_ana, typed("KZ", go="country", country="AE"))
    assert 'name="country_area_kept" value="Medeu"' in emirates
    back = page(as_ana, typed("KZ", go="country", country_area="", country_area_kept="Medeu"))
    assert 'value="Medeu"' in back


def test_with_htmx_only_the_form_is_sent(as_ana: Client) -> None:
    part = page(as_ana, typed(go="country"), **{"HX-Request": "true", "HX-Target": "pack-form"})
    assert part.lstrip().startswith("<form")


def test_going_back_from_the_review_shows_what_was_typed(as_ana: Client) -> None:
    shown = page(as_ana, typed(go="back", city_area="Melville"))
    assert [value for value in ("14 Oak Avenue", "Melville", "082 123 4567") if value not in shown] == []


def test_other_scripts_are_accepted_and_latin_letters_recommended(as_ana: Client) -> None:
    assert "Latin letters help the courier" in page(as_ana, typed("EG"))
    assert "Latin letters help the courier" not in page(as_ana, typed("ZA"))
    assert "Abu Dhabi" in page(as_ana, typed("AE", country_area="أبو ظبي")), "Latin like the rest of the label"


def test_confirming_twice_creates_one_request_and_shows_it(as_ana: Client) -> None:
    first = as_ana.post(URL, typed(go="confirm"), follow=True)
    again = as_ana.post(URL, typed(go="confirm", city="Durban"), follow=True)
    assert first.status_code == again.status_code == 200
    assert WelcomePack.objects.get().city == "Johannesburg"
    assert WelcomePack.objects.get().reference_in_groups in again.content.decode()


# --- Who cannot ask ------------------------------------------------------------------------------


def test_red_members_see_what_is_missing(as_ben: Client) -> None:
    shown = page(as_ben)
    assert "comes with Silver" in shown
    assert "500 more points" in shown
    assert page(as_ben, typed(go="confirm")) != ""
    assert not WelcomePack.objects.exists()


def test_members_who_cannot_request_a_pack_see_why(as_ana: Client, world: World) -> None:
    EmailAddress.objects.filter(user=world.ana.user).update(verified=False)
    assert "Confirm your email first" in page(as_ana)
    Offer.objects.update(countries=["KE"])
    assert "isn’t available in your country" in page(as_ana)
    Offer.objects.update(state="withdrawn")
    assert "isn’t available right now" in page(as_ana)
    Member.objects.filter(pk=world.ana.pk).update(closed_at=timezone.now())
    assert as_ana.get(URL).status_code == 302


# --- Following -----------------------------------------------------------------------------------


def test_each_step_is_shown_and_the_member_confirms_receipt(as_ana: Client, world: World) -> None:
    now = timezone.now()
    add_partner()
    pack = asked(world.ana, at=now - 5 * DAY)
    assert "Our packing partner confirms your request" in page(as_ana)
    assert "It’s here</button>" not in page(as_ana)
    report(pack, PackStep.DISPATCHED, now - DAY, carrier="DHL", tracking="X1", tracking_url="https://track.example/X1")
    shown = page(as_ana)
    assert [word for word in ("DHL", "X1", "https://track.example/X1", "It’s here") if word not in shown] == []
    assert "Not received</button>" not in shown
    assert as_ana.post(f"{URL}missing/", follow=True).status_code == 200
    assert not Case.objects.exists()
    as_ana.post(f"{URL}received/")
    assert WelcomePack.objects.get().state == PackState.RECEIVED


def test_reporting_a_missing_pack_redirects_to_its_case(as_ana: Client, world: World) -> None:
    asked(world.ana, at=timezone.now() - timedelta(weeks=4, hours=1))
    assert "Not received" in page(as_ana)
    response = as_ana.post(f"{URL}missing/")
    case = Case.objects.get()
    assert response.headers["Location"] == case.get_absolute_url()
    assert case.get_absolute_url() in page(as_ana)


def test_a_returned_or_cancelled_pack_shows_what_happens_next(as_ana: Client, world: World) -> None:
    now = timezone.now()
    add_partner()
    pack = asked(world.ana, at=now - 9 * DAY)
    report(pack, PackStep.RETURNED, now - DAY, reason="not_collected")
    shown = page(as_ana)
    assert "Nobody at home" in shown
    assert f"about=welcome_pack:{pack.pk}" in shown
    assert "14 Oak Avenue" in shown
    PackEvent.objects.create(pack=pack, step=PackStep.CANCELLED, sending=1, occurred_at=now, received_at=now)
    WelcomePack.objects.update(state=PackState.CANCELLED)
    assert "Nothing is on its way" in page(as_ana)


def test_other_members_see_nothing_of_the_pack(as_ben: Client, world: World) -> None:
    asked(world.ana, at=timezone.now())
    assert "14 Oak Avenue" not in page(as_ben)
    assert as_ben.post(f"{URL}received/").status_code == 404
