"""Points that staff add: R21, R54."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag import tasks
from kitbag.actions import adjustments
from kitbag.models import Adjustment, PointsEntry
from kitbag.queries.forecast import forecast
from members.enums import Level, NoticeCode, PointsCause
from members.models import LevelChange
from tests.notices import shown
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
TODAY = timezone.localdate(NOW)
pytestmark = pytest.mark.django_db


def adjust(
    world: World,
    points: int = 600,
    expires_on: date | None = None,
    reason: str = "Lost in a move of data",
    at: datetime = NOW,
) -> Adjustment:
    return adjustments.adjust_points(
        member=world.ana, points=points, reason=reason, expires_on=expires_on, by=world.staff, at=at
    )


def test_an_adjustment_counts_at_once_and_the_member_reads_why(world: World) -> None:
    row = adjust(world)
    world.ana.refresh_from_db()
    assert (world.ana.points, world.ana.level) == (1600, Level.PLATINUM)
    entry = PointsEntry.objects.get(adjustment=row)
    assert (entry.amount, entry.cause, entry.by, entry.registration) == (600, PointsCause.ADJUSTED, world.staff, None)
    assert LevelChange.objects.filter(member=world.ana).latest("pk").cause == PointsCause.ADJUSTED
    (notice,) = [line for line in shown(world.ana) if line.code == NoticeCode.POINTS_ADJUSTED]
    assert (notice.title, notice.detail) == ("Our staff changed your points: +600", "Lost in a move of data")
    assert Message.objects.filter(key=f"adjustment-{row.pk}-made").exists()


def test_an_adjustment_for_a_time_is_in_the_forecast_and_ends_by_itself_once(world: World) -> None:
    row = adjust(world, expires_on=TODAY + timedelta(days=1), at=NOW - timedelta(days=3))
    Adjustment.objects.filter(pk=row.pk).update(expires_on=TODAY + timedelta(days=40))
    world.ana.refresh_from_db()
    (step,) = forecast(world.ana, TODAY)
    assert (step.total_after, step.level_after, step.ending) == (1000, Level.GOLD, [row])
    Adjustment.objects.filter(pk=row.pk).update(expires_on=TODAY)
    tasks.end_adjustments()
    tasks.end_adjustments()
    world.ana.refresh_from_db()
    assert (world.ana.points, world.ana.level) == (1000, Level.GOLD)
    assert list(row.entries.order_by("pk").values_list("amount", "cause")) == [
        (600, PointsCause.ADJUSTED),
        (-600, PointsCause.ADJUSTMENT_ENDED),
    ]
    with pytest.raises(Refusal, match="already ended"):
        adjustments.end_adjustment(adjustment=row, by=world.staff, at=NOW)


@each_row(
    ("wrong", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": -5}, "points"),
        ({"points": 10_000_000}, "points"),
        ({"reason": "  "}, "reason"),
        ({"expires_on": TODAY}, "expires_on"),
        ({"expires_on": TODAY + timedelta(days=9999)}, "expires_on"),
    ],
)
def test_a_wrong_adjustment_is_refused_beside_its_field(world: World, wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        adjust(world, **wrong)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert not Adjustment.objects.exists()
