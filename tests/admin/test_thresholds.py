"""Staff plan new thresholds after a preview (R10, R22)."""

import re
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from members import actions
from members.enums import ChangeState, Level
from members.models import LevelThreshold, ThresholdPlan
from tests.admin.conftest import SignIn
from tests.rows import each_row
from tests.world import World

PLAN = "/admin/members/thresholdplan/plan/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def typed(days: int = 80, **changes: object) -> dict[str, object]:
    levels = {"silver": 500, "gold": 1100, "platinum": 1600}
    return {"effective_on": in_days(days).isoformat(), "short_notice_reason": "", **levels, **changes}


def seal(page: bytes) -> str:
    found = re.search(rb'name="seen" value="([^"]+)"', page)
    assert found
    return found[1].decode()


def test_a_plan_is_previewed_before_it_is_saved(as_programme: Client, world: World) -> None:
    page = as_programme.post(PLAN, typed())
    assert b"1 member would change level" in page.content
    assert world.ana.number_in_groups.encode() in page.content or b"Ana" in page.content
    assert not ThresholdPlan.objects.exists()
    answer = as_programme.post(PLAN, {**typed(), "seen": seal(page.content)})
    plan = ThresholdPlan.objects.get()
    assert (answer.status_code, plan.gold, plan.effective_on) == (302, 1100, in_days(80))
    assert LogEntry.objects.filter(object_id=plan.pk).exists()
    assert LevelThreshold.objects.in_force()[Level.GOLD] == 1000


def test_only_what_the_preview_showed_is_planned(as_programme: Client, world: World) -> None:
    page = as_programme.post(PLAN, typed())
    for seen in ("nonsense", seal(page.content)):
        again = as_programme.post(PLAN, {**typed(gold=1200), "seen": seen})
        assert b"Nothing is planned yet" in again.content
    assert not ThresholdPlan.objects.exists()


@each_row(
    ("wrong", "field"),
    [
        ({"gold": "many"}, "gold"),
        ({"gold": 400}, "gold"),
        ({"silver": 0}, "silver"),
        ({"silver": 10**12}, "silver"),
        ({"effective_on": "soon"}, "effective_on"),
        ({"effective_on": ""}, "effective_on"),
        ({"effective_on": in_days(10).isoformat()}, "effective_on"),
        ({"short_notice_reason": "x" * 300}, "short_notice_reason"),
    ],
)
def test_an_invalid_plan_shows_an_error_at_the_field_and_keeps_the_input(
    as_programme: Client, world: World, wrong: dict[str, object], field: str
) -> None:
    page = as_programme.post(PLAN, {**typed(), **wrong})
    assert list(page.context["form"].errors) == [field]
    assert b'value="1600"' in page.content
    assert not ThresholdPlan.objects.exists()


def test_short_notice_needs_a_reason_that_is_kept(as_programme: Client, world: World) -> None:
    data = typed(10, short_notice_reason="Agreed with everybody")
    page = as_programme.post(PLAN, data)
    as_programme.post(PLAN, {**data, "seen": seal(page.content)})
    assert ThresholdPlan.objects.get().short_notice_reason == "Agreed with everybody"


def test_cancelling_a_plan_reports_how_many_members_were_notified(as_programme: Client, world: World) -> None:
    levels = {"silver": 500, "gold": 1100, "platinum": 1600}
    plan = actions.plan_thresholds(effective_on=in_days(80), **levels, by=world.staff, at=timezone.now())
    page = f"/admin/members/thresholdplan/{plan.pk}/cancel/"
    assert b"0 members have been notified" in as_programme.get(page).content
    as_programme.post(page)
    as_programme.post(page)
    plan.refresh_from_db()
    assert plan.state == ChangeState.CANCELLED
    assert as_programme.get(f"/admin/members/thresholdplan/{plan.pk}/change/").status_code == 200


def test_thresholds_in_force_are_history_and_others_do_not_plan(
    as_programme: Client, staff: SignIn, world: World
) -> None:
    row = LevelThreshold.objects.get(level=Level.GOLD)
    assert as_programme.post(f"/admin/members/levelthreshold/{row.pk}/change/", {"points_from": 1}).status_code == 403
    assert as_programme.get("/admin/members/levelthreshold/add/").status_code == 403
    assert staff("Support").get(PLAN).status_code == 403
    assert staff("Support").get("/admin/members/thresholdplan/").status_code == 200
