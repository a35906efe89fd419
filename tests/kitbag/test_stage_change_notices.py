"""Who is told of a planned change, when, and how often: R22, R56."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from kitbag.actions import planning, registrations, removals, stage_change_notices
from kitbag.enums import RemovalReason, Stage
from kitbag.models import Announcement, Product, Registration, StageChange
from kitbag.queries.forecast import forecast
from members.enums import Level, NoticeCode
from members.models import Member, Notice
from tests.factories import announced, plan, validated
from tests.notices import shown
from tests.world import World

NOW = timezone.now().replace(microsecond=0)
LATER = NOW + timedelta(hours=1)
DAY = timezone.localdate(NOW) + timedelta(days=100)
pytestmark = pytest.mark.django_db


def planned(*products: Product, on: date = DAY, at: datetime = NOW) -> list[StageChange]:
    successor = Product.objects.exclude(pk__in=[product.pk for product in products]).order_by("-pk")[0]
    plans = [plan(product, Stage.SUPERSEDED, at, effective_on=on, successor=successor) for product in products]
    return planning.plan_changes(plans=plans, by=None, at=at)


def tell_everybody(at: datetime = LATER) -> None:
    for change in stage_change_notices.changes_to_announce(at=at):
        while stage_change_notices.notify_holders_step(change=change, limit=2, at=at):
            pass


def mails(member: Member, prefix: str = "change-") -> list[Message]:
    return list(Message.objects.filter(to=member.user.email, key__startswith=prefix).order_by("pk"))


def read(message: Message, mailoutbox: list[object]) -> str:
    """The text of a message once it has left."""
    assert outbox.deliver(message.pk, at=LATER + timedelta(days=1))
    return str(mailoutbox[-1].body)  # type: ignore[attr-defined]


def test_no_member_is_notified_while_a_plan_can_still_be_corrected(world: World) -> None:
    planned(world.body)
    assert stage_change_notices.changes_to_announce(at=NOW + timedelta(minutes=29)) == []
    assert len(stage_change_notices.changes_to_announce(at=NOW + timedelta(minutes=30))) == 1


def test_every_holder_is_notified_once_and_no_other_member(world: World) -> None:
    validated(world.ben, world.body, "200000000001", at=NOW)
    (change,) = planned(world.body)
    tell_everybody()
    tell_everybody()
    assert {row.member for row in Announcement.objects.all()} == {world.ana, world.ben}
    assert Notice.objects.filter(code=NoticeCode.POINTS_WILL_CHANGE).count() == 2
    assert [len(mails(member)) for member in (world.ana, world.ben, world.chloe)] == [1, 1, 0]
    change.refresh_from_db()
    assert (change.told, change.announced_at) == (2, LATER)


def test_several_changes_of_one_day_are_one_notice_with_total_and_level(world: World, mailoutbox: list[object]) -> None:
    planned(world.body, world.lens)
    tell_everybody()
    (message,) = mails(world.ana)
    assert Announcement.objects.filter(member=world.ana, letter=message.key).count() == 2
    (notice,) = [line for line in shown(world.ana, LATER) if line.code == NoticeCode.POINTS_WILL_CHANGE]
    assert notice.title.endswith(f"{world.body.name} and one more product count differently")
    assert notice.detail == "Your total will be 700. You’ll be Silver."
    text = read(message, mailoutbox)
    for part in (world.body.name, world.lens.name, "300", "120", "200", "80", "700", "Silver"):
        assert part in text


def test_the_notice_says_what_would_keep_the_level(world: World, mailoutbox: list[object]) -> None:
    planned(world.body)
    lens = registrations.add_product(member=world.ana, product=world.lens, at=NOW)
    tell_everybody()
    text = read(mails(world.ana)[0], mailoutbox)
    assert "180" in text, "Gold needs 1,000 and 820 are left"
    assert lens.product.name in text


def test_a_member_validated_later_is_notified_then(world: World) -> None:
    announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    assert not mails(world.ben)
    validated(world.ben, world.body, "200000000001", at=LATER + timedelta(days=30))
    assert len(mails(world.ben, "holder-")) == 1
    world.ben.refresh_from_db()
    assert forecast(world.ben, timezone.localdate(NOW))[0].total_after == 120


def test_a_member_validated_before_the_announcement_is_notified_with_it(world: World) -> None:
    planned(world.body)
    validated(world.ben, world.body, "200000000001", at=NOW + timedelta(minutes=5))
    assert not mails(world.ben)
    tell_everybody()
    assert len(mails(world.ben)) == 1


def test_a_member_validated_during_the_announcement_is_not_missed(world: World) -> None:
    """Ben's key lies between those of Ana and Chloe, who have been told already when he comes to hold one."""
    (change,) = planned(world.body)
    validated(world.chloe, world.body, "200000000009", at=NOW)
    assert stage_change_notices.notify_holders_step(change=change.pk, limit=1, at=LATER)
    assert stage_change_notices.notify_holders_step(change=change.pk, limit=1, at=LATER)
    validated(world.ben, world.body, "200000000001", at=LATER)
    assert not stage_change_notices.notify_holders_step(change=change.pk, limit=1, at=LATER)
    assert len(mails(world.ben, "holder-")) == 1


def test_a_plan_cancelled_before_its_mails_were_sent_is_never_announced(world: World, mailoutbox: list[object]) -> None:
    (change,) = planned(world.body)
    tell_everybody()
    (message,) = mails(world.ana)
    planning.cancel_change(change=change, by=world.staff, at=LATER)
    outbox.deliver(message.pk, at=LATER + timedelta(days=1))
    message.refresh_from_db()
    assert (message.state, mailoutbox) == (State.CANCELLED, [])
    tell_everybody(LATER + timedelta(days=1))
    assert not mails(world.ana, "cancelled-")
    assert NoticeCode.POINTS_WILL_CHANGE not in {line.code for line in shown(world.ana)}


def test_members_notified_of_a_plan_are_notified_when_it_is_cancelled(world: World, mailoutbox: list[object]) -> None:
    (change,) = planned(world.body)
    tell_everybody()
    read(mails(world.ana)[0], mailoutbox)
    planning.cancel_change(change=change, by=world.staff, at=LATER)
    tell_everybody(LATER + timedelta(days=2))
    tell_everybody(LATER + timedelta(days=2))
    (message,) = mails(world.ana, "cancelled-")
    assert world.body.name in read(message, mailoutbox)
    assert [notice.code for notice in Notice.objects.filter(member=world.ana).order_by("-pk")[:1]] == [
        NoticeCode.PLAN_CANCELLED
    ]


def test_a_mail_about_two_changes_is_still_sent_for_the_remaining_one(world: World, mailoutbox: list[object]) -> None:
    changes = planned(world.body, world.lens)
    tell_everybody()
    planning.cancel_change(change=changes[0], by=world.staff, at=LATER)
    text = read(mails(world.ana)[0], mailoutbox)
    assert world.lens.name in text
    assert world.body.name not in text


def test_a_new_day_is_announced_once_and_names_the_old_day(world: World, mailoutbox: list[object]) -> None:
    (change,) = planned(world.body)
    tell_everybody()
    read(mails(world.ana)[0], mailoutbox)
    another = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=DAY + timedelta(days=30))
    planning.replace_change(change=change, plan=another, by=world.staff, at=LATER)
    for hours in (2, 3):
        tell_everybody(LATER + timedelta(hours=hours))
    messages = mails(world.ana)
    assert len(messages) == 2
    assert not mails(world.ana, "cancelled-")
    text = read(messages[1], mailoutbox)
    assert str(DAY.year) in text
    assert [line.code for line in shown(world.ana)].count(NoticeCode.POINTS_WILL_CHANGE) == 1


def test_former_holders_learn_that_the_replaced_plan_was_cancelled(world: World, mailoutbox: list[object]) -> None:
    (change,) = planned(world.body)
    tell_everybody()
    read(mails(world.ana)[0], mailoutbox)
    row = Registration.objects.get(member=world.ana, product=world.body)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=LATER)
    another = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=DAY + timedelta(days=30))
    planning.replace_change(change=change, plan=another, by=world.staff, at=LATER)
    for hours in (2, 3, 4):
        tell_everybody(LATER + timedelta(hours=hours))
    assert len(mails(world.ana)) == 1
    assert len(mails(world.ana, "cancelled-")) == 1


# --- The forecast ------------------------------------------------------------------------------------


def test_the_forecast_is_computed_live_and_folds_one_day_into_the_next(world: World) -> None:
    planned(world.body, on=DAY)
    planned(world.pro_body, on=DAY + timedelta(days=10))
    steps = forecast(world.ana, timezone.localdate(NOW))
    assert [(step.total_before, step.total_after, step.level_after) for step in steps] == [
        (1000, 820, Level.SILVER),
        (820, 520, Level.SILVER),
    ]
    assert (steps[0].gap, steps[1].gap) == (180, 0)
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=NOW)
    world.ana.refresh_from_db()
    assert [step.total_after for step in forecast(world.ana, timezone.localdate(NOW))] == [320]


def test_two_copies_fall_twice(world: World) -> None:
    validated(world.ana, world.body, "200000000001", at=NOW)
    planned(world.body)
    world.ana.refresh_from_db()
    (step,) = forecast(world.ana, timezone.localdate(NOW))
    assert (step.amount, step.falls[0].copies) == (-360, 2)
