"""Staff plan the change of a country after a preview of whom it touches, and undo it before its day (R1, R22)."""

import re
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from members.enums import ChangeState
from members.models import CountryPlan, CountryProgramme
from tests.admin.conftest import SignIn
from tests.rows import each_row
from tests.world import World

PLAN = "/admin/members/countryplan/plan/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def typed(days: int = 80, **changes: object) -> dict[str, object]:
    facts = {"country": "ZA", "kind": "subscription", "service_level": "", "link": "cps.example/za"}
    return {**facts, "effective_on": in_days(days).isoformat(), "short_notice_reason": "", **changes}


def seal(page: bytes) -> str:
    found = re.search(rb'name="seen"\s+value="([^"]+)"', page)
    assert found
    return found[1].decode()


def test_a_plan_is_previewed_before_it_is_saved(as_programme: Client, world: World) -> None:
    page = as_programme.post(PLAN, typed())
    touched = page.context["touched"]
    assert touched.members == 1
    assert "South Africa: from “Free programme, Full” to “Subscription programme”" in page.content.decode()
    assert not CountryPlan.objects.exists()
    answer = as_programme.post(PLAN, {**typed(), "seen": seal(page.content)})
    plan = CountryPlan.objects.get()
    assert (answer.status_code, plan.kind, plan.effective_on, plan.link) == (
        302,
        "subscription",
        in_days(80),
        "https://cps.example/za",
    )
    assert LogEntry.objects.filter(object_id=plan.pk).exists()
    assert CountryProgramme.objects.filter(country="ZA").count() == 1
    assert "Subscription programme from" in as_programme.get("/admin/programme/countries/").content.decode()
    assert "South Africa" in as_programme.get("/admin/programme/changes/").content.decode()


def test_only_what_the_preview_showed_is_planned(as_programme: Client, world: World) -> None:
    page = as_programme.post(PLAN, typed())
    for seen in ("nonsense", seal(page.content)):
        again = as_programme.post(PLAN, {**typed(kind="none"), "seen": seen})
        assert b"Nothing is planned yet" in again.content
    assert not CountryPlan.objects.exists()


@each_row(
    ("changes", "field"),
    [
        ({"country": ""}, "country"),
        ({"country": "Atlantis"}, "country"),
        ({"kind": ""}, "kind"),
        ({"kind": "free"}, "service_level"),
        ({"kind": "free", "service_level": "full"}, "kind"),
        ({"effective_on": "soon"}, "effective_on"),
        ({"effective_on": in_days(5).isoformat()}, "effective_on"),
        ({"link": "javascript:alert(1)"}, "link"),
    ],
)
def test_a_wrong_plan_is_refused_beside_its_field(
    as_programme: Client, world: World, changes: dict[str, object], field: str
) -> None:
    page = as_programme.post(PLAN, typed(**changes))
    assert field in page.context["form"].errors
    assert not CountryPlan.objects.exists()


def test_a_reason_allows_short_notice(as_programme: Client, world: World) -> None:
    data = typed(days=5, short_notice_reason="The law changes")
    page = as_programme.post(PLAN, data)
    assert as_programme.post(PLAN, {**data, "seen": seal(page.content)}).status_code == 302


def test_a_plan_is_undone_after_a_question(as_programme: Client, world: World) -> None:
    page = as_programme.post(PLAN, typed())
    as_programme.post(PLAN, {**typed(), "seen": seal(page.content)})
    plan = CountryPlan.objects.get()
    shown = as_programme.get(f"/admin/members/countryplan/{plan.pk}/change/").content.decode()
    cancel = f"/admin/members/countryplan/{plan.pk}/cancel/"
    assert cancel in shown
    assert b"0 members have been notified." in as_programme.get(cancel).content
    assert as_programme.post(cancel).status_code == 302
    plan.refresh_from_db()
    assert plan.state == ChangeState.CANCELLED
    assert as_programme.post(cancel, follow=True).status_code == 200  # twice: a message, nothing else


def test_support_sees_plans_and_plans_none(staff: SignIn, world: World) -> None:
    support = staff("Support")
    assert support.get("/admin/members/countryplan/").status_code == 200
    assert support.get(PLAN).status_code == 403
