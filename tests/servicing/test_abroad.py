"""What members and guests get at a centre, by where they live and where the centre stands (R4 to R7, R50, R65)."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitbag.actions.registrations import check_registration
from kitbag.enums import VideoClass
from kitbag.models import Registration
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, Member
from members.rules import Benefits, Home, Treatment, Visited, treatment
from servicing.actions import places
from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.actions.warranty import decide_warranty
from servicing.enums import CentreKind, EventKind, ServiceKind, TicketState, Track, WhyNoWarranty, WhyStandard
from servicing.models import ServiceCentre
from servicing.queries.entitlement import Item, check_entitlement
from servicing.queries.locator import locate_centres
from servicing.rules import CentreFacts, Entitlement, ProductFacts, Standing, entitlement
from tests.factories import submitted
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre, platinum
from tests.world import World

ROOT = Path(__file__).parents[2]
CARD_EXPIRED = "other_region_expired"
ABROAD = list(csv.DictReader((ROOT / "tests/data/abroad.csv").read_text().splitlines()))


def published_benefits() -> dict[tuple[str, str], Benefits]:
    """What each level gives, by service level and level, as the reference data say."""
    with (ROOT / "members/reference/benefits.csv").open() as file:
        return {
            (row["service_level"], row["level"]): Benefits(
                int(row["fast_track_days"]) if row["fast_track_days"] else None,
                int(row["maintenance_discount"]),
                row["free_return"] == "yes",
                row["courtesy_loan"] == "yes",
            )
            for row in csv.DictReader(file)
        }


BENEFITS = published_benefits()


def answer(*, home: Home, visited: Visited, has_valid_card: bool = True, **facts: Any) -> Entitlement:
    """The entitlement for a validated Fast Track model with a free place."""
    service_level = "silver" if visited == Visited.FREE_SILVER else "full"
    return entitlement(
        treatment=treatment(home, visited, has_valid_card=has_valid_card),
        benefits=BENEFITS[service_level, facts["level"]],
        product=ProductFacts(
            "bodies", fast_track_model=True, video_class=VideoClass.CINEMA_EOS if facts["is_video"] else ""
        ),
        centre=CentreFacts(facts["centre"], products=("bodies",)),
        service=facts["service"],
        standing=Standing.VALIDATED,
    )


@each_row("row", ABROAD, ids=lambda row: "-".join(list(row.values())[:7]))
def test_the_table_of_homes_and_countries_visited(row: dict[str, str]) -> None:
    has_valid_card = row["home"] != CARD_EXPIRED
    result = answer(
        home=Home(row["home"]) if has_valid_card else Home.OTHER_REGION,
        visited=Visited(row["visited"]),
        has_valid_card=has_valid_card,
        level=row["level"],
        centre=row["centre"],
        service=row["service"],
        is_video=row["video"] == "yes",
    )
    expected = (row["treatment"], int(row["days"]), int(row["discount"]), row["free_return"], row["loan"])
    yes_or_no = ["yes" if given else "no" for given in (result.free_return, result.courtesy_loan)]
    assert (result.treatment, result.target_days, result.discount, *yes_or_no) == expected


WHO = {
    "home": st.sampled_from(Home),
    "visited": st.sampled_from(Visited),
    "has_valid_card": st.booleans(),
    "level": st.sampled_from(Level.values),
    "centre": st.sampled_from(CentreKind.values),
    "service": st.sampled_from(ServiceKind.values),
    "is_video": st.booleans(),
}


@given(st.fixed_dictionaries(WHO))
def test_nobody_is_served_faster_than_a_member_of_the_free_programme(facts: dict[str, Any]) -> None:
    result = answer(**facts)
    at_home = answer(**facts | {"home": Home.FREE_FULL, "visited": Visited.FREE_FULL})
    assert result.target_days is not None and at_home.target_days is not None
    assert result.target_days >= at_home.target_days and result.discount <= at_home.discount
    assert not facts["is_video"] or result.target_days >= 5  # R45
    if facts["centre"] == CentreKind.ASP:
        assert not (result.discount or result.free_return)  # R51
    if result.treatment in (Treatment.CUSTOMER, Treatment.VISITOR, Treatment.OWN_PROGRAMME):
        assert not (result.is_fast_track or result.discount or result.free_return or result.courtesy_loan)


# --- In the database ---------------------------------------------------------------------------------


@pytest.fixture
def joburg(db: None) -> ServiceCentre:
    return a_centre()


def live_in(member: Member, country: str) -> Member:
    Member.objects.filter(pk=member.pk).update(country=country)
    member.refresh_from_db()
    return member


def ask(member: Member, centre: ServiceCentre, **facts: Any) -> Entitlement:
    row = Registration.objects.filter(member=member, product__fast_track_model=True).select_related("product").get()
    return check_entitlement(
        member=member, item=Item(row.product, registration=row), centre=centre, service=ServiceKind.REPAIR, **facts
    )


@each_row(
    ("country", "days", "why"),
    [
        ("ZA", 3, []),
        ("KE", 3, []),
        ("GE", 3, []),  # what counts is the country of the centre (R43)
        ("FR", 10, [WhyStandard.HOME]),
        ("SY", 10, [WhyStandard.HOME]),
        ("JP", 10, [WhyStandard.HOME]),
    ],
)
def test_a_gold_member_in_johannesburg_gets_what_membership_gives_where_they_live(
    world: World, joburg: ServiceCentre, country: str, days: int, why: list[WhyStandard]
) -> None:
    result = ask(live_in(world.ana, country), joburg)
    assert (result.is_fast_track, result.target_days, list(result.why_standard)) == (not why, days, why)
    assert result.courtesy_loan is result.free_return is (not why)


def test_a_centre_outside_the_free_programme_gives_travellers_what_its_own_data_say(world: World) -> None:  # R4
    paris = a_centre("paris", country="FR", programme="subscription")
    assert (ask(world.ana, paris).treatment, ask(world.ana, paris).target_days) == (Treatment.TRY, 10)
    ServiceCentre.objects.update(traveller_days=4, traveller_loan=True)
    paris.refresh_from_db()
    result = ask(world.ana, paris)
    assert (result.track, result.target_days, result.courtesy_loan, result.free_return) == (Track.FAST, 4, True, False)
    partner = a_centre("lyon", country="FR", programme="subscription", kind=CentreKind.ASP, traveller_days=6)
    assert (ask(world.ana, partner).track, ask(world.ana, partner).target_days) == (Track.FAST, 6)
    assert ask(live_in(world.ana, "FR"), paris).track == Track.STANDARD  # whoever lives there is no traveller


def test_a_job_at_the_centre_keeps_what_it_had_at_intake_when_the_member_moves(
    world: World, joburg: ServiceCentre
) -> None:  # R50, R65
    ticket = at_the_centre(world, joburg, warranty=True)
    live_in(world.ana, "FR")
    assert places.on_member_moved(member=world.ana.pk, at=MONDAY + 2 * HOUR) == 0
    assert places.sweep_homes(at=MONDAY + 2 * HOUR) == 0
    event = decide_warranty(
        ticket=ticket,
        in_warranty=False,
        why=WhyNoWarranty.NOT_COVERED,
        actor=Actor(user=world.staff),
        at=MONDAY + 2 * HOUR,
    )
    assert (event.ticket.track, event.ticket.place, event.ticket.target_days) == (Track.FAST, 1, 3)
    assert event.ticket.free_return


@each_row("by_sweep", [True, False])
@each_row("country", ["FR", "SY"])
def test_jobs_before_intake_become_standard_when_the_member_moves(
    world: World, joburg: ServiceCentre, country: str, by_sweep: bool
) -> None:  # R6, R65
    held = [a_request(world, joburg, f"01234567870{number}") for number in range(3)]
    waiting = a_request(world, joburg, "012345678705", wish="wait")
    assert waiting.state == TicketState.WAITING
    live_in(world.ana, country)
    moved_at = MONDAY + HOUR
    done = places.sweep_homes(at=moved_at) if by_sweep else places.on_member_moved(member=world.ana.pk, at=moved_at)
    assert done == 4
    for ticket in (*held, waiting):
        ticket.refresh_from_db()
        assert (ticket.state, ticket.track, ticket.place) == (TicketState.REQUESTED, Track.STANDARD, None)
        assert ticket.why_standard == [WhyStandard.HOME] and not ticket.loan_possible
        assert ticket.events.filter(kind=EventKind.BECAME_STANDARD).count() == 1
    assert places.sweep_homes(at=moved_at) == 0


def test_a_job_is_fast_track_again_if_the_member_is_back_before_intake(world: World, joburg: ServiceCentre) -> None:
    ticket = a_request(world, joburg)
    live_in(world.ana, "FR")
    places.on_member_moved(member=world.ana.pk, at=MONDAY + HOUR)
    live_in(world.ana, "ZA")
    booked = book_in(ticket=ticket, actor=Actor(user=world.staff), at=MONDAY + 2 * HOUR).ticket
    assert (booked.track, booked.place, booked.target_days, booked.why_standard) == (Track.FAST, 1, 3, [])


def test_jobs_before_intake_become_standard_on_the_day_the_country_leaves_the_free_programme(
    world: World, joburg: ServiceCentre
) -> None:  # R1, R65
    ticket = a_request(world, joburg)
    last_day = MONDAY.date()
    CountryProgramme.objects.create(
        country="ZA", region="EMEA", kind=Programme.SUBSCRIPTION, valid_from=last_day + timedelta(days=1)
    )
    assert places.sweep_homes(at=MONDAY) == 0
    CountryProgramme.objects.filter(kind=Programme.SUBSCRIPTION, country="ZA").update(valid_from=date(2026, 1, 1))
    assert places.sweep_homes(at=MONDAY) == 1
    ticket.refresh_from_db()
    assert ticket.track == Track.STANDARD


def test_a_level_reached_during_the_job_does_not_change_it(world: World, joburg: ServiceCentre) -> None:  # R50
    """Taken in at Gold, Platinum when the registration is validated: the target is Gold's."""
    row = submitted(world.ana, world.pro_body, "012345678777")
    wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Dropped")
    parcel = open_parcel(member=world.ana, centre=joburg, items=[wanted], by=world.ana.user, at=MONDAY)
    ticket = book_in(ticket=parcel.tickets[0], actor=Actor(user=world.staff), at=MONDAY + HOUR).ticket
    check_registration(registration=row, at=MONDAY + 2 * HOUR)
    platinum(world.ana)
    assert places.on_registration_validated(registration=row.pk, at=MONDAY + 2 * HOUR)
    ticket.refresh_from_db()
    assert (ticket.level, ticket.track, ticket.target_days) == (Level.GOLD, Track.FAST, 3)


@pytest.mark.parametrize(
    ("country", "perks"),
    [
        ("ZA", "Fast Track repair"),
        ("FR", "Membership gives no benefits here while you live where you do"),
        ("SY", "Membership gives no benefits here while you live where you do"),
    ],
)
def test_the_locator_says_what_the_member_gets_there(
    world: World, joburg: ServiceCentre, country: str, perks: str
) -> None:
    (located,) = locate_centres([joburg], member=live_in(world.ana, country), here=None, at=MONDAY)
    assert located.perks[0].text == perks
    (for_visitors,) = locate_centres([joburg], member=None, here=None, at=MONDAY)
    assert for_visitors.perks[0].text == "Fast Track repair"


def test_a_silver_only_country_gives_silver_at_most_to_whoever_visits_it(world: World) -> None:  # R3
    tbilisi = a_centre("tbilisi", country="GE")
    assert (ask(world.ana, tbilisi).target_days, ask(world.ana, tbilisi).courtesy_loan) == (5, False)
    CountryProgramme.objects.filter(country="GE").update(service_level=ServiceLevel.FULL)
    assert ask(world.ana, tbilisi).target_days == 3
