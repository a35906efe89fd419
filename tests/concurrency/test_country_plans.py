"""Changes of a country when several people and workers are at them at the same moment (R1, R22)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members import actions
from members.enums import ChangeState, NoticeCode
from members.models import CountryPlan, CountryProgramme, Notice
from tests.concurrency.threads import together
from tests.world import World

NOW = timezone.now()
DAY = timezone.localdate(NOW) + timedelta(days=80)
pytestmark = pytest.mark.django_db(transaction=True)


def plan(world: World) -> CountryPlan:
    return actions.plan_country(country="ZA", kind="none", effective_on=DAY, by=world.staff, at=NOW)


def test_of_four_plans_for_a_country_one_is_made(committed_world: World) -> None:
    results = together(*[lambda: plan(committed_world)] * 4)
    refused = [result for result in results if isinstance(result, Refusal)]
    assert [refusal.code for refusal in refused] == ["twice"] * 3
    assert CountryPlan.objects.count() == 1


def test_four_workers_tell_and_apply_it_once(committed_world: World) -> None:
    made = plan(committed_world)

    def tell() -> None:
        while actions.announce_country_step(plan=made.pk, limit=1, at=NOW):
            pass

    def apply() -> None:
        for key in actions.begin_due_country_plans(at=NOW + timedelta(days=80)):
            while actions.apply_country_step(plan=key, limit=1, at=NOW + timedelta(days=80)):
                pass

    for work in (tell, apply):
        results = together(*[work] * 4)
        assert [result for result in results if isinstance(result, Exception)] == []
    tell()
    apply()
    made.refresh_from_db()
    assert CountryProgramme.objects.filter(country="ZA", kind="none").count() == 1
    assert made.state == ChangeState.DONE
    told = Notice.objects.filter(member=committed_world.ana)
    assert told.filter(code=NoticeCode.COUNTRY_WILL_CHANGE).count() == 1
    assert told.filter(code=NoticeCode.COUNTRY_CHANGED).count() == 1


def test_cancelling_and_beginning_exclude_each_other(committed_world: World) -> None:
    made = plan(committed_world)
    while actions.announce_country_step(plan=made.pk, limit=9, at=NOW):
        pass
    together(
        lambda: actions.begin_due_country_plans(at=NOW + timedelta(days=80)),
        lambda: actions.cancel_plan(plan=made, by=committed_world.staff, at=NOW),
    )
    made.refresh_from_db()
    is_changed = CountryProgramme.objects.filter(country="ZA", kind="none").exists()
    assert is_changed == (made.state == ChangeState.RUNNING)
