"""Entitlement: properties of every combination, and the interesting ones by hand (R4, R43 to R51, R60)."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from members.enums import Level
from members.rules import Benefits, Treatment
from servicing.enums import (
    CentreKind,
    CentreStatus,
    PlaceWish,
    ServiceKind,
    TicketState,
    Track,
    Warranty,
    WhyNoWarranty,
    WhyRefused,
    WhyStandard,
)
from servicing.rules import (
    CentreFacts,
    Entitlement,
    ProductFacts,
    Standing,
    WarrantyClaim,
    entitlement,
    entitlement_table,
    free_places,
    has_lapsed,
    lapses_at,
    next_in_line,
)
from tests.rows import each_row

ROOT = Path(__file__).parents[2]
W, R, N = WhyStandard, WhyRefused, WhyNoWarranty


def _published(service_level: str) -> dict[str, Benefits]:
    with (ROOT / "members/reference/benefits.csv").open() as file:
        return {
            row["level"]: Benefits(
                int(row["fast_track_days"]) if row["fast_track_days"] else None,
                int(row["maintenance_discount"]),
                row["free_return"] == "yes",
                row["courtesy_loan"] == "yes",
            )
            for row in csv.DictReader(file)
            if row["service_level"] == service_level
        }


FULL, SILVER_ONLY = _published("full"), _published("silver")
CAMERA = ProductFacts("bodies", fast_track_model=True)
CINEMA = ProductFacts("bodies", fast_track_model=True, video_class="cinema-eos")
JOHANNESBURG = CentreFacts(CentreKind.PSC, products=("bodies",))
PARTNER = CentreFacts(CentreKind.ASP, products=("bodies",))
FOR_TRAVELLERS = replace(JOHANNESBURG, for_travellers=Benefits(4, 5))


def ask(level: str | None = Level.GOLD, **facts: Any) -> Entitlement:
    usual = {
        "treatment": Treatment.BENEFITS if level else Treatment.VISITOR,
        "benefits": FULL.get(level or ""),
        "product": CAMERA,
        "centre": JOHANNESBURG,
        "service": ServiceKind.REPAIR,
        "standing": Standing.VALIDATED,
    }
    return entitlement(**(usual | facts))


@each_row(
    ("level", "facts", "days", "why"),
    [
        (Level.PLATINUM, {}, 2, ()),
        (Level.GOLD, {}, 3, ()),
        (Level.SILVER, {}, 5, ()),
        (Level.RED, {}, 10, (W.LEVEL,)),
        (None, {}, 10, (W.VISITING,)),
        (Level.PLATINUM, {"product": CINEMA}, 5, ()),
        (Level.PLATINUM, {"product": replace(CINEMA, video_class="x-series")}, 5, ()),
        (Level.PLATINUM, {"product": replace(CINEMA, video_class="consumer")}, 2, ()),
        (Level.SILVER, {"product": CINEMA}, 5, ()),
        (Level.RED, {"product": CINEMA}, 10, (W.LEVEL,)),
        (Level.PLATINUM, {"benefits": SILVER_ONLY["platinum"]}, 5, ()),
        (Level.PLATINUM, {"treatment": Treatment.TRY}, 10, (W.NO_PROGRAMME,)),
        (Level.PLATINUM, {"treatment": Treatment.NEAREST}, 10, (W.NO_PROGRAMME,)),
        (Level.PLATINUM, {"treatment": Treatment.CUSTOMER}, 10, (W.HOME,)),
        (Level.PLATINUM, {"treatment": Treatment.OWN_PROGRAMME}, 10, (W.HOME,)),
        (Level.RED, {"treatment": Treatment.CUSTOMER, "product": ProductFacts("bodies")}, 10, (W.HOME, W.MODEL)),
        (Level.GOLD, {"treatment": Treatment.TRY, "centre": FOR_TRAVELLERS}, 4, ()),
        (Level.RED, {"treatment": Treatment.TRY, "centre": FOR_TRAVELLERS}, 4, ()),
        (Level.GOLD, {"treatment": Treatment.CUSTOMER, "centre": FOR_TRAVELLERS}, 10, (W.HOME,)),
        (Level.GOLD, {"treatment": Treatment.BENEFITS, "centre": FOR_TRAVELLERS}, 3, ()),
        (Level.GOLD, {"centre": PARTNER}, 3, ()),
        (Level.GOLD, {"centre": PARTNER, "service": ServiceKind.MAINTENANCE}, 10, (W.CENTRE_KIND,)),
        (Level.GOLD, {"centre": PARTNER, "service": ServiceKind.UPGRADE}, 10, (W.CENTRE_KIND,)),
        (Level.GOLD, {"service": ServiceKind.UPGRADE}, 3, ()),
        (Level.GOLD, {"product": ProductFacts("bodies")}, 10, (W.MODEL,)),
        (Level.GOLD, {"standing": Standing.UNDECIDED}, 10, (W.NOT_VALIDATED,)),
        (Level.GOLD, {"standing": Standing.NONE}, 10, (W.NOT_REGISTERED,)),
        (Level.GOLD, {"standing": Standing.NO_SERIAL}, 10, (W.NO_SERIAL,)),
        (Level.GOLD, {"places_taken": 2}, 3, ()),
        (Level.GOLD, {"places_taken": 3, "wish": PlaceWish.STANDARD}, 10, (W.PLACES,)),
        (Level.GOLD, {"places_taken": 3, "wish": PlaceWish.WAIT}, 3, ()),
        (Level.RED, {"places_taken": 3}, 10, (W.LEVEL,)),
        (
            Level.RED,
            {"product": ProductFacts("bodies"), "standing": Standing.NONE},
            10,
            (W.LEVEL, W.MODEL, W.NOT_REGISTERED),
        ),
    ],
)
def test_the_target_and_every_reason_for_standard_speed(
    level: str | None, facts: dict[str, Any], days: int, why: tuple[WhyStandard, ...]
) -> None:
    answer = ask(level, **facts)
    assert (answer.target_days, answer.why_standard) == (days, why)


@each_row(
    ("facts", "refused"),
    [
        ({"standing": Standing.STOLEN, "centre": replace(PARTNER, status=CentreStatus.SUSPENDED)}, (R.STOLEN,)),
        ({"product": replace(CAMERA, serviceable=False)}, (R.UNSERVICEABLE,)),
        ({"centre": replace(PARTNER, status=CentreStatus.SUSPENDED)}, (R.SUSPENDED,)),
        ({"centre": replace(PARTNER, products=("lenses",), services=("upgrade",))}, (R.PRODUCT, R.SERVICE)),
    ],
)
def test_refusals_and_nothing_is_revealed_about_a_stolen_product(
    facts: dict[str, Any], refused: tuple[WhyRefused, ...]
) -> None:
    assert ask(**facts) == Entitlement(refused=refused)


def test_a_fourth_product_waits_or_goes_at_standard_speed_as_the_member_chooses() -> None:
    asked = ask(places_taken=3)
    assert asked.needs_choice and asked.target_days == 10 and asked.fast_track_days == 3 and not asked.takes_place
    waits = ask(places_taken=3, wish=PlaceWish.WAIT)
    assert waits.waits and waits.is_fast_track and not waits.takes_place and not waits.needs_choice
    assert not ask(Level.RED, places_taken=3).needs_choice  # standard jobs take no place
    assert ask(places_taken=2, wish=PlaceWish.STANDARD).takes_place  # nothing to choose while a place is free


@each_row(
    ("level", "centre", "service", "benefits"),
    [
        (Level.RED, JOHANNESBURG, "repair", (0, False, False)),
        (Level.SILVER, JOHANNESBURG, "repair", (0, True, False)),
        (Level.SILVER, JOHANNESBURG, "maintenance", (10, False, False)),
        (Level.GOLD, JOHANNESBURG, "maintenance", (15, False, True)),
        (Level.PLATINUM, JOHANNESBURG, "maintenance", (20, False, True)),
        (Level.PLATINUM, JOHANNESBURG, "upgrade", (0, False, True)),
        (Level.PLATINUM, PARTNER, "repair", (0, False, True)),
        (Level.PLATINUM, PARTNER, "maintenance", (0, False, False)),
        (None, JOHANNESBURG, "maintenance", (0, False, False)),
    ],
)
def test_discounts_free_return_and_courtesy_loan(
    level: str | None, centre: CentreFacts, service: str, benefits: tuple[int, bool, bool]
) -> None:
    answer = ask(level, centre=centre, service=service)
    assert (answer.discount, answer.free_return, answer.courtesy_loan) == benefits


@each_row(
    ("service", "claim", "warranty", "why"),
    [
        ("repair", WarrantyClaim(), Warranty.CHARGEABLE, (N.PROOF_MISSING,)),
        ("repair", WarrantyClaim(proof=True), Warranty.CHARGEABLE, ()),
        ("repair", WarrantyClaim(True, proof=True), Warranty.ASKED, ()),
        ("repair", WarrantyClaim(True), Warranty.ASKED, (N.PROOF_MISSING,)),
        ("repair", WarrantyClaim(True, proof=True, outside_region=True), Warranty.ASKED, (N.OUTSIDE_REGION,)),
        ("repair", WarrantyClaim(True, proof=True, not_authorised=True), Warranty.ASKED, (N.NOT_AUTHORISED,)),
        ("maintenance", WarrantyClaim(True, proof=True), Warranty.ASKED, (N.NOT_A_REPAIR,)),
    ],
)
def test_warranty_and_the_reasons_against_it(
    service: str, claim: WarrantyClaim, warranty: Warranty, why: tuple[WhyNoWarranty, ...]
) -> None:
    answer = ask(service=service, claim=claim)
    assert (answer.warranty, answer.why_no_warranty) == (warranty, why)
    assert answer.free_return is (service == "repair" and (not claim.wanted or bool(why)))


def all_combinations() -> Iterator[tuple[dict[str, Any], Entitlement]]:
    """All combinations, with two warranty claims: the warranty affects only the free return."""
    given = [(Treatment.BENEFITS, rows[level]) for rows in (FULL, SILVER_ONLY) for level in Level]
    given += [(treatment, FULL["platinum"]) for treatment in Treatment if treatment != Treatment.BENEFITS]
    products = [
        ProductFacts(kind, fast, serviceable, video)
        for kind, fast, serviceable, video in product(
            ("bodies", "printers"), (True, False), (True, False), ("", "cinema-eos", "other")
        )
        if serviceable or kind == "bodies"
    ]
    centres = [
        CentreFacts(kind, ("bodies",), services, status)
        for kind, services, status in product(CentreKind, (("repair",), tuple(ServiceKind)), CentreStatus)
    ]
    claims = (WarrantyClaim(), WarrantyClaim(True, proof=True))
    places = [(0, None), (2, None), (3, None), (3, PlaceWish.WAIT), (3, PlaceWish.STANDARD)]
    for (treatment, benefits), made, centre, service, standing, (taken, wish), claim in product(
        given, products, centres, ServiceKind, Standing, places, claims
    ):
        if centre.status != CentreStatus.OPEN and (taken or claim.wanted):
            continue  # refused already by the same centre with no place taken
        facts = {
            "treatment": treatment,
            "benefits": benefits,
            "product": made,
            "centre": centre,
            "service": service,
            "standing": standing,
            "places_taken": taken,
            "wish": wish,
            "claim": claim,
        }
        yield facts, entitlement(**facts)


def test_every_combination_has_a_consistent_answer() -> None:
    cases = 0
    for facts, answer in all_combinations():
        cases += 1
        if answer.refused:
            assert answer == Entitlement(refused=answer.refused), facts
            continue
        fast, own = answer.track == Track.FAST, facts["centre"].kind != CentreKind.ASP
        repair = facts["service"] == ServiceKind.REPAIR
        assert facts["product"].serviceable and facts["standing"] != Standing.STOLEN, facts
        assert fast is not bool(answer.why_standard), facts
        assert answer.target_days == (answer.fast_track_days if fast else 10), facts
        assert not fast or (
            facts["treatment"] == Treatment.BENEFITS
            and facts["product"].fast_track_model
            and facts["standing"] == Standing.VALIDATED
            and (own or repair)
            and facts["benefits"].fast_track_days is not None
        ), facts
        assert not answer.takes_place or facts["places_taken"] < 3, facts
        assert answer.waits is (fast and facts["places_taken"] == 3), facts
        assert not answer.needs_choice or answer.why_standard == (W.PLACES,), facts
        if facts["product"].video_class == "cinema-eos":
            assert answer.target_days >= 5, facts
        assert not answer.discount or (own and facts["service"] == ServiceKind.MAINTENANCE), facts
        assert not answer.free_return or (own and repair and answer.warranty == Warranty.CHARGEABLE), facts
        assert not answer.courtesy_loan or fast, facts
        if facts["treatment"] != Treatment.BENEFITS:
            assert not (fast or answer.discount or answer.free_return or answer.courtesy_loan), facts
    assert cases > 50_000


def test_the_table_in_the_documents_is_right() -> None:
    assert entitlement_table(FULL) in (ROOT / "docs/servicing.md").read_text()


def test_the_free_place_goes_to_the_longest_waiting() -> None:
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    waiting = [(monday + timedelta(hours=1), 7), (monday, 9), (monday, 8)]
    assert next_in_line(waiting, {1, 2, 3}) == []
    assert next_in_line(waiting, {1, 3}) == [(8, 2)]
    assert next_in_line(waiting, ()) == [(8, 1), (9, 2), (7, 3)]
    assert free_places({2}) == [1, 3]


@each_row("state", TicketState)
def test_a_place_lapses_after_fourteen_days_unless_booked_in(state: TicketState) -> None:
    given = datetime(2026, 3, 2, 9, tzinfo=UTC)
    late = lapses_at(given)
    assert late - given == timedelta(days=14)
    assert has_lapsed(state, given, late) is (state in {"requested", "accepted", "in_transit"})
    assert not has_lapsed(state, given, late - timedelta(seconds=1))
