"""The arithmetic of the Kitbag as tables: R17, R20."""

from datetime import date

from kitbag import rules
from tests.rows import each_row


@each_row(
    ("points", "falls"),
    [
        ((300, 120, 60), True),
        ((300, 300, 300), True),
        ((0, 0, 0), True),
        ((300, 120, 0), False),
        ((100, 120, 60), False),
        ((300, 60, 120), False),
        ((0, 5, 5), False),
    ],
)
def test_points_only_fall_and_never_to_nothing(points: tuple[int, int, int], falls: bool) -> None:
    assert rules.points_fall(points) is falls


@each_row(
    ("superseded", "service_end", "stage"),
    [
        (False, None, "current"),
        (True, None, "superseded"),
        (False, 2026, "current"),
        (True, 2026, "superseded"),
        (False, 2025, "unserviceable"),
        (True, 2025, "unserviceable"),
    ],
)
def test_service_ends_on_the_first_of_january_after_its_last_year(
    superseded: bool, service_end: int | None, stage: str
) -> None:
    assert rules.stage_today(superseded=superseded, service_end_year=service_end, on=date(2026, 11, 22)) == stage


def test_the_four_details_are_named_when_missing() -> None:
    nothing = {"serial": " ", "no_serial": False, "country": "", "purchased_on": None, "store": ""}
    assert rules.missing_details(**nothing) == ["serial", "country", "purchased_on", "store"]
    assert rules.missing_details(**{**nothing, "no_serial": True}) == ["country", "purchased_on", "store"]
