"""What is ahead of a member, as a table: R12, R21, R22."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from kitbag import emails
from kitbag.actions import adjustments, planning
from kitbag.enums import Stage
from kitbag.presenters.chart import points_chart, within_a_year
from kitbag.queries.forecast import Step, forecast
from kitbag.views.upcoming import upcoming_days
from members.enums import Level
from tests.factories import announced, draft, plan, validated
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
TODAY = timezone.localdate(NOW)
BEFORE = NOW - timedelta(hours=2)
pytestmark = pytest.mark.django_db


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def read(steps: list[Step]) -> list[tuple[int, int, int, str, int]]:
    return [
        ((step.on - TODAY).days, step.total_before, step.total_after, step.level_after.value, step.gap)
        for step in steps
    ]


# Ana is Gold with exactly 1000: a body at 500, one at 300, a lens at 200. Silver starts at 500.
@each_row(
    ("changes", "extra", "expected"),
    [
        ([], 0, []),
        ([("body", Stage.SUPERSEDED, 70)], 0, [(70, 1000, 820, "silver", 180)]),
        ([("body", Stage.SUPERSEDED, 70)], 200, [(70, 1200, 1020, "gold", 0), (90, 1020, 820, "silver", 180)]),
        (
            [("body", Stage.SUPERSEDED, 70), ("lens", Stage.UNSERVICEABLE, 70)],
            0,
            [(70, 1000, 660, "silver", 340)],
        ),
        (
            [
                ("pro_body", Stage.SUPERSEDED, 70),
                ("pro_body", Stage.UNSERVICEABLE, 170),
                ("lens", Stage.SUPERSEDED, 300),
            ],
            0,
            [(70, 1000, 700, "silver", 300), (170, 700, 600, "silver", 0), (300, 600, 480, "red", 20)],
        ),
        ([("grip", Stage.SUPERSEDED, 70)], 0, []),  # not hers
    ],
    ids=["nothing", "one falls", "with points that end", "two on one day", "one after the other", "not hers"],
)
def test_the_forecast_names_every_day_with_total_level_and_what_would_keep_it(
    world: World, changes: list[tuple[str, Stage, int]], extra: int, expected: list[tuple[int, int, int, str, int]]
) -> None:
    for name, stage, days in changes:
        planned = plan(getattr(world, name), stage, BEFORE, effective_on=day(days))
        planning.plan_changes(plans=[planned], by=None, at=BEFORE)
    if extra:
        adjustments.adjust_points(
            member=world.ana, points=extra, reason="For a time", expires_on=day(90), by=world.staff, at=NOW
        )
        world.ana.refresh_from_db()
    assert read(forecast(world.ana, TODAY)) == expected


def test_what_waits_in_the_kitbag_keeps_the_level_with_the_fewest(world: World) -> None:
    announced(plan(world.body, Stage.SUPERSEDED, BEFORE), BEFORE)
    draft(world.ana, world.grip)
    enough = draft(world.ana, world.pro_body)
    (found,) = upcoming_days(world.ana, TODAY)
    assert (found.keeping, found.points_kept, found.levels) == ([enough], 500, [])


def test_the_mail_names_products_totals_what_keeps_the_level_and_the_day_it_replaces(world: World) -> None:
    validated(world.ana, world.body, "100000000009", at=NOW - timedelta(days=3))
    world.ana.refresh_from_db()
    draft(world.ana, world.pro_body)
    long_ago = NOW - timedelta(days=2)
    old = announced(plan(world.body, Stage.SUPERSEDED, long_ago, effective_on=day(80)), long_ago)
    other = announced(plan(world.lens, Stage.SUPERSEDED, long_ago, effective_on=day(110)), long_ago)
    new = planning.replace_change(
        change=old, plan=plan(world.body, Stage.SUPERSEDED, NOW, effective_on=day(110)), by=world.staff, at=NOW
    )
    mail = emails.points_will_change(member=world.ana.pk, changes=[new.pk, other.pk])
    assert mail is not None
    names = ("EOS R Test, Superseded", "you have 2: 120, was 300", "RF 70-200mm F2.8 Test, Superseded", ": 80, was 200")
    total = ("from 1,300 to 820 points", "from Gold to Silver", "180 more points", "EOS R1 Test, 500")
    for words in (*names, *total, f"the date we gave you before, {date_format(day(80), 'j F Y')}"):
        assert words in mail["text"], mail["text"]
    assert "  " not in mail["text"] and "\n\n\n" not in mail["text"].partition("\n--")[0].rstrip(), mail["text"]
    assert "you have 2" in mail["html"] and "Silver" in mail["html"]


def test_the_mail_of_one_product_that_leaves_the_level_alone_is_short(world: World) -> None:
    adjustments.adjust_points(
        member=world.ana, points=500, reason="It’s thanks & more", expires_on=day(300), by=world.staff, at=NOW
    )
    change = announced(plan(world.lens, Stage.SUPERSEDED, BEFORE), BEFORE)
    mail = emails.points_will_change(member=world.ana.pk, changes=[change.pk])
    assert mail is not None
    assert "RF 70-200mm F2.8 Test counts differently" in mail["subject"]
    assert "You’ll still be Gold." in mail["text"] and "more point" not in mail["text"]
    assert "from 1,500 to 1,380 points" in mail["text"]
    assert emails.plan_cancelled(member=world.ana.pk, change=change.pk) is None, "it is still planned"
    planning.cancel_change(change=change, by=world.staff, at=NOW)
    cancelled = emails.plan_cancelled(member=world.ana.pk, change=change.pk)
    assert cancelled is not None and "It still counts 200 points." in cancelled["text"]
    for ended in (False, True):
        row = world.ana.adjustments.get()
        told = emails.points_adjusted(adjustment=row.pk, ended=ended)
        assert told is not None and "It’s thanks & more" in told["text"] and "500 points" in told["subject"]


def test_the_chart_goes_on_dashed_to_the_last_day_within_a_year_beside_what_waits() -> None:
    entries = [(NOW - timedelta(days=900), 800), (NOW - timedelta(days=10), 1240)]
    levels = {"red": 0, "silver": 500, "gold": 1000, "platinum": 1600}
    chart = points_chart(
        entries=entries,
        thresholds=levels,
        waiting=300,
        joined_at=NOW - timedelta(days=1000),
        now=NOW,
        planned=[(day(100), 1100), (day(200), 940)],
    )
    assert (len(chart.planned_marks), chart.waiting != "", chart.today != "") == (2, True, True)
    assert "Planned: 1,100 from" in chart.description
    assert [float(mark.x.rstrip("%")) < 100 for mark in chart.planned_marks] == [True, True]
    step = Step(day(400), 10, 5, Level.RED, Level.RED, levels)
    assert within_a_year([step], TODAY) == []
