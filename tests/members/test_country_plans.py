"""Changes of the programme of a country: planned, told, applied once, undone before the day (R1, R22, R56, R65)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from members import actions
from members.enums import ChangeState, Level, NoticeCode
from members.models import CountryPlan, CountryProgramme, Member, Notice
from members.queries import membership_of
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)
TODAY = timezone.localdate(NOW)
DAY = TODAY + timedelta(days=80)
ON_THE_DAY = NOW + timedelta(days=80)
PAGE = "/country-change/"
pytestmark = pytest.mark.django_db


def planned(world: World, **changes: Any) -> CountryPlan:
    """South Africa, where everybody in this world lives, gets the subscription programme."""
    facts = {"country": "ZA", "kind": "subscription", "link": "https://cps.example/za/", "effective_on": DAY, **changes}
    return actions.plan_country(by=world.staff, at=NOW, **facts)


def tell(at: datetime = LATER, limit: int = 1) -> None:
    for plan in actions.plans_to_announce(CountryPlan, at=at):
        while actions.announce_country_step(plan=plan, limit=limit, at=at):
            pass


def apply(at: datetime) -> list[int]:
    plans = actions.begin_due_country_plans(at=at)
    for plan in plans:
        while actions.apply_country_step(plan=plan, limit=1, at=at):
            pass
    return plans


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def kind_on(day: date) -> str:
    return CountryProgramme.objects.in_force(day).get(country="ZA").kind


def test_a_plan_changes_nothing_before_its_day_and_the_country_on_it(world: World) -> None:
    plan = planned(world)
    tell()
    assert kind_on(DAY) == "free", "it is a plan, not a row in force"
    assert apply(ON_THE_DAY - timedelta(days=1)) == []
    with time_machine.travel(ON_THE_DAY):
        assert apply(ON_THE_DAY) == [plan.pk]
        assert not membership_of(Member.objects.get(pk=world.ana.pk)).is_active
        assert membership_of(Member.objects.get(pk=world.ana.pk)).link == "https://cps.example/za/"
    assert (kind_on(DAY - timedelta(days=1)), kind_on(DAY)) == ("free", "subscription")
    plan.refresh_from_db()
    in_za = Member.objects.open().filter(country="ZA").count()
    assert (plan.state, plan.told, plan.moved) == (ChangeState.DONE, in_za, in_za)


def test_it_is_applied_once_however_often_the_task_runs(world: World) -> None:
    plan = planned(world)
    tell()
    for _run in range(3):
        apply(ON_THE_DAY)
        assert not actions.begin_country_plan(plan=plan, at=ON_THE_DAY)
    assert CountryProgramme.objects.filter(country="ZA").count() == 2
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.COUNTRY_CHANGED).count() == 1
    assert Message.objects.filter(key=f"country-has-{plan.pk}-{world.ana.pk}").count() == 1


def test_a_worker_that_died_is_followed_by_another(world: World) -> None:
    plan = planned(world)
    tell()
    assert actions.begin_due_country_plans(at=ON_THE_DAY) == [plan.pk]
    assert actions.apply_country_step(plan=plan.pk, limit=1, at=ON_THE_DAY)
    assert actions.begin_due_country_plans(at=ON_THE_DAY) == []  # somebody is at it
    assert actions.begin_due_country_plans(at=ON_THE_DAY + timedelta(minutes=2)) == [plan.pk]


def test_only_who_lives_there_is_told(world: World, mailoutbox: list[Any]) -> None:
    Member.objects.filter(pk=world.ben.pk).update(country="KE")
    Member.objects.filter(pk=world.chloe.pk).update(closed_at=NOW)
    plan = planned(world)
    tell()
    tell()
    (message,) = Message.objects.filter(key__startswith="country-will-")
    assert message.key == f"country-will-{plan.pk}-{world.ana.pk}"
    assert outbox.deliver(message.pk, at=LATER)
    assert "CPS is a subscription in South Africa" in mailoutbox[0].subject
    assert "https://cps.example/za/" in mailoutbox[0].body
    assert "Stops on" in mailoutbox[0].body


def test_each_is_told_in_their_language(world: World, mailoutbox: list[Any]) -> None:
    Member.objects.filter(pk=world.ana.pk).update(language="fr")
    plan = planned(world)
    tell()
    message = Message.objects.get(key=f"country-will-{plan.pk}-{world.ana.pk}")
    assert outbox.deliver(message.pk, at=LATER)
    assert "Afrique du Sud" in mailoutbox[0].subject


def test_a_plan_is_undone_before_its_day_and_who_was_told_is_told_so(world: World, mailoutbox: list[Any]) -> None:
    plan = planned(world)
    tell()
    for message in Message.objects.filter(key__startswith="country-will-"):
        outbox.deliver(message.pk, at=LATER)
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    tell(LATER + timedelta(hours=1))
    tell(LATER + timedelta(hours=2))
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.COUNTRY_STAYS).count() == 1
    assert apply(ON_THE_DAY) == []
    assert kind_on(DAY) == "free"
    with pytest.raises(Refusal, match="cancelled already"):
        actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    event = plan.events.latest("pgh_id")  # type: ignore[attr-defined]
    assert (event.state, event.pgh_context.metadata["user"]) == ("cancelled", world.staff.pk)


def test_a_plan_undone_before_its_mails_are_sent_is_never_mentioned(world: World, mailoutbox: list[Any]) -> None:
    plan = planned(world)
    tell()
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    for message in Message.objects.filter(key__startswith="country-will-"):
        outbox.deliver(message.pk, at=LATER)
    tell(LATER + timedelta(hours=1))
    assert mailoutbox == []
    assert not Message.objects.filter(key__startswith="country-stays-").exists()


def test_a_plan_announced_too_late_waits_for_staff(world: World) -> None:
    plan = planned(world)
    CountryPlan.objects.filter(pk=plan.pk).update(announced_at=NOW + timedelta(days=40), told=1)
    assert apply(NOW + timedelta(days=90)) == []


@each_row(
    ("wrong", "field"),
    [
        ({"kind": "free", "service_level": "full"}, "kind"),  # nothing changes
        ({"kind": "free", "service_level": ""}, "service_level"),
        ({"effective_on": TODAY}, "effective_on"),
        ({"effective_on": TODAY + timedelta(days=60)}, "effective_on"),
        ({"effective_on": TODAY + timedelta(days=9999)}, "effective_on"),
    ],
)
def test_an_invalid_plan_is_refused_with_the_field(world: World, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        planned(world, **wrong)
    assert refused.value.field == field
    assert not CountryPlan.objects.exists()


def test_a_country_without_members_needs_no_notice(world: World) -> None:
    assert planned(world, country="GE", effective_on=TODAY + timedelta(days=1)).pk


def test_one_plan_a_country_at_a_time(world: World) -> None:
    planned(world)
    with pytest.raises(Refusal, match="Cancel it first"):
        planned(world, kind="none", link="")
    assert planned(world, country="KE", kind="none", link="").pk


def test_a_service_level_changes_too(world: World, as_ana: Client) -> None:
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    planned(world, kind="free", service_level="silver", link="")
    tell()
    page = text_of(as_ana.get(PAGE))
    assert "5 working days" in page
    assert 'data-k="less"' in page
    assert "The benefits of the free programme rest." not in page


# --- What the member sees --------------------------------------------------------------------------


def test_the_page_says_what_stops_and_when(world: World, as_ana: Client) -> None:
    assert as_ana.get(PAGE)["Location"] == "/dashboard/"
    planned(world)
    page = text_of(as_ana.get(PAGE))
    assert "What changes in South Africa" in page
    assert "Nothing changes before" in page
    assert "Go to CPS in South Africa" in page
    assert "Your member number" in page


def test_the_dashboard_tells_it_until_it_is_undone(world: World, as_ana: Client) -> None:
    plan = planned(world)
    tell()
    assert "CPS is a subscription in South Africa" in text_of(as_ana.get("/notices/"))
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    assert "Nothing: the change we announced for" in text_of(as_ana.get(PAGE))
