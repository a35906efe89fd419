"""Going to another country, the card abroad, and members of other regions (R4, R5, R7, R65)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from cps_portal.site.presenters.travelling import Trip, build_trip, countries_to_visit
from members.enums import Level, Programme
from members.models import CountryProgramme, LevelBenefit, Member
from members.rules import Treatment
from servicing.enums import CentreStatus
from servicing.models import ServiceCentre
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/going-to/"
FAST, SLOW = "3 working days", "About 10 working days"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """The tables are read outside of requests, so in whatever language the thread had last."""
    with override("en"):
        yield


@pytest.fixture
def centres(world: World) -> None:
    a_centre("joburg", country="ZA", kind="PSC")
    a_centre("istanbul", country="TR", kind="CEC")
    a_centre("tbilisi", country="GE", kind="PSC")
    a_centre("nairobi", country="KE", kind="ASP")
    a_centre("paris", country="FR", kind="PSC")


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def trip_of(member: Member, country: str, lives_in: str = "ZA", level: str = Level.GOLD) -> Trip:
    """The journey of somebody who has always lived there."""
    Member.objects.filter(pk=member.pk).update(country=lives_in, level=level)
    return build_trip(Member.objects.get(pk=member.pk), country, at=timezone.now())


# --- The table: what is different, and how they are treated ----------------------------------------

NOTHING: dict[str, str] = {}
AT_PARTNERS = {
    "Fast Track maintenance": SLOW,
    "Maintenance discount": "None",
    "Return shipping": "Not included",
}
AT_SILVER = {
    "Fast Track repair": "5 working days",
    "Fast Track maintenance": "5 working days",
    "Maintenance discount": "10 percent",
    "Loan if a repair is late": "No",
}
FROM_SILVER = {
    "Fast Track repair": FAST,
    "Fast Track maintenance": FAST,
    "Maintenance discount": "15 percent",
    "Loan if a repair is late": "Yes",
}
TRIED = {
    "Fast Track repair": SLOW,
    "Cinema and video": SLOW,
    "Loan if a repair is late": "No",
    "Card and events": "Ask first",
    **AT_PARTNERS,
}
NO_CENTRE = {
    **TRIED,
    "Fast Track repair": "No open centre",
    "Fast Track maintenance": "No open centre",
    "Cinema and video": "No open centre",
}
NOT_OURS = {**TRIED, "Card and events": "No"}
REPAIRED = ("Fast Track repair", "Fast Track maintenance", "Cinema and video")
TABLE: list[tuple[str, Treatment, dict[str, str]]] = [  # the journey, how they are treated, what is different
    ("ZA to TR at gold", Treatment.BENEFITS, NOTHING),
    ("ZA to TR at red", Treatment.BENEFITS, NOTHING),
    ("ZA to KE at gold", Treatment.BENEFITS, AT_PARTNERS),
    ("ZA to GE at gold", Treatment.BENEFITS, AT_SILVER),
    ("ZA to GE at silver", Treatment.BENEFITS, NOTHING),
    ("GE to ZA at gold", Treatment.BENEFITS, FROM_SILVER),
    ("ZA to FR at gold", Treatment.TRY, TRIED),
    ("ZA to DE at gold", Treatment.NEAREST, NO_CENTRE),
    ("ZA to SY at gold", Treatment.NEAREST, NO_CENTRE),
    ("ZA to US at gold", Treatment.ASK, NOTHING),
    ("FR to ZA at gold", Treatment.CUSTOMER, NOTHING),
    ("FR to DE at gold", Treatment.OWN_PROGRAMME, dict.fromkeys(REPAIRED, "No open centre")),
    ("SY to ZA at gold", Treatment.CUSTOMER, dict.fromkeys(REPAIRED, SLOW)),
    ("SY to FR at gold", Treatment.CUSTOMER, dict.fromkeys(REPAIRED, SLOW)),
    ("SY to US at gold", Treatment.ASK, NOTHING),
]


@each_row(("journey", "treatment", "different"), TABLE)
def test_what_a_journey_changes(
    world: World, centres: None, journey: str, treatment: Treatment, different: dict[str, str]
) -> None:
    home, _to, to, _at, level = journey.split()
    CountryProgramme.objects.create(country="DE", region="EMEA", kind=Programme.SUBSCRIPTION, valid_from="2020-01-01")
    trip = trip_of(world.ana, to, lives_in=home, level=level)
    assert trip.there.treatment == treatment
    assert {row.name: row.after for row in trip.rows if row.change} == different


def test_the_table_reads_the_rows_of_benefits(world: World, centres: None) -> None:
    """A row of the country itself comes before that of its service level, as staff edit it (R3, R4)."""
    LevelBenefit.objects.create(
        level="gold",
        service_level="full",
        country="TR",
        fast_track_days=7,
        maintenance_discount=3,
        first_answer_hours=8,
    )
    trip = trip_of(world.ana, "TR")
    rows = {row.name: (row.before, row.after, row.change) for row in trip.rows}
    assert rows["Fast Track repair"] == (FAST, "7 working days", "less")
    assert rows["Cinema and video"] == ("5 working days", "7 working days", "less")
    assert rows["Maintenance discount"] == ("15 percent", "3 percent", "less")
    assert rows["Return shipping"] == ("Free on repairs you pay for", "Not included", "less")


def test_what_a_centre_gives_travellers_is_its_own_data(world: World, centres: None) -> None:
    ServiceCentre.objects.filter(slug="paris").update(traveller_days=4, traveller_discount=5)
    rows = {row.name: row.after for row in trip_of(world.ana, "FR").rows}
    assert rows["Fast Track repair"] == "4 working days"
    assert rows["Cinema and video"] == "5 working days"
    assert rows["Maintenance discount"] == "5 percent"


def test_a_suspended_centre_promises_nothing(world: World, centres: None) -> None:
    ServiceCentre.objects.filter(slug="istanbul").update(status=CentreStatus.SUSPENDED)
    trip = trip_of(world.ana, "TR")
    assert {row.after for row in trip.rows if row.name.startswith("Fast Track r")} == {"No open centre"}
    assert [row.centre.slug for row in trip.centres] == ["istanbul"]  # listed, with its notice


# --- The pages -------------------------------------------------------------------------------------


def test_the_page_says_what_differs_and_why(world: World, centres: None, as_ana: Client) -> None:
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    page = text_of(as_ana.get(f"{PAGE}KE/"))
    assert "Going to Kenya" in page
    assert "Gold works there too. 3 things are different." in page
    assert "Fast only at Canon’s own centres." in page
    assert "Partners may have their own offers. Ask." in page
    assert "Where to go in Kenya" in page
    assert "Centre nairobi" in page
    assert page.count('data-k="less"') == 3
    assert "Opening hours are in the centre’s own time." in page


@each_row(
    ("to", "said"),
    [
        ("TR", "It gives you the same as at home."),
        ("FR", "The centres there will try to help you, but not with every benefit"),
        ("SY", "The free programme has no centre there. The nearest ones are below."),
        ("US", "CPS is run separately there."),
    ],
)
def test_the_page_says_how_they_are_treated(world: World, centres: None, as_ana: Client, to: str, said: str) -> None:
    assert said in text_of(as_ana.get(f"{PAGE}{to}/"))


def test_each_country_has_an_address(world: World, as_ana: Client) -> None:
    assert as_ana.get(PAGE, {"to": "KE"})["Location"] == f"{PAGE}KE/"
    assert as_ana.get(f"{PAGE}ke/")["Location"] == f"{PAGE}KE/"
    assert as_ana.get(f"{PAGE}ZA/")["Location"] == PAGE  # she lives there
    assert as_ana.get(f"{PAGE}QQ/").status_code == 404
    assert as_ana.get(f"{PAGE}Turkey/").status_code == 404
    refused = as_ana.get(PAGE, {"to": "Atlantis\0"})
    assert refused.status_code == 422
    assert "Choose a country from the list." in text_of(refused)


def test_countries_to_choose_from_stand_under_their_programme(world: World) -> None:
    groups = {title: [code for code, _name in choices] for title, choices in countries_to_visit("ZA")}
    assert groups == {"Free programme": ["GE", "KE", "TR"], "Subscription programme": ["FR"], "No programme": ["SY"]}


def test_the_number_of_queries_does_not_grow(world: World, centres: None, as_ana: Client) -> None:
    as_ana.get(f"{PAGE}TR/")  # what is kept for a while is kept by now
    with CaptureQueriesContext(connection) as few:
        as_ana.get(f"{PAGE}TR/")
    for number in range(12):
        a_centre(f"more-{number}", country="TR", kind="ASP")
    with CaptureQueriesContext(connection) as many:
        as_ana.get(f"{PAGE}TR/")
    assert len(many) <= len(few)


def test_the_card_abroad_tells_what_to_expect(world: World, centres: None, as_ana: Client) -> None:
    page = text_of(as_ana.get("/card/abroad/"))
    assert "4 countries of the free programme" in page
    assert "Centres there will do their best for you: France. Not every benefit applies." in page
    assert "With a valid card you may get priority service there, and it can differ from home." in page
    assert "/card/abroad/" in text_of(as_ana.get("/card/"))
    ServiceCentre.objects.filter(slug="paris").update(status=CentreStatus.SUSPENDED)
    assert "no centre that helps travellers at the moment" in text_of(as_ana.get("/card/abroad/"))


def test_members_of_other_regions_read_what_they_get(world: World, client: Client) -> None:
    page = text_of(client.get("/visiting-members/"))
    assert "At standard speed, about 10 working days." in page
    assert "With an address in one of the 4 countries of the free programme you can join" in page
    assert client.get("/fr/visiting-members/").status_code == 200


def test_visitors_are_asked_to_sign_in_first(world: World, client: Client) -> None:
    assert client.get(f"{PAGE}KE/")["Location"].startswith("/accounts/login/")
