"""A burst is one message, told when it is over (R56, R70)."""

from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from kitbag.actions import planning, removals
from kitbag.actions.stage_change_notices import notify_holders_step
from kitbag.enums import RemovalReason, Stage
from kitbag.models import Announcement, Product, Registration
from members import actions
from members.enums import Level, NoticeCode
from members.models import LevelChange, Member, Notice, PendingLevelNotice
from tests.factories import ProductFactory, announced, plan, validated
from tests.mails import mails_to
from tests.notices import archive, shown
from tests.rows import each_row
from tests.world import World

NOW = timezone.now().replace(microsecond=0)
PAUSE = timedelta(minutes=5)
MAX_PAUSE = timedelta(minutes=30)
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


def seven(world: World, at: datetime = NOW) -> list[Product]:
    """Products that are going to be superseded on two days; everybody knows who held one."""
    products = [worth(125 + n, 60 + n) for n in range(7)]
    days = [timezone.localdate(at) + timedelta(days=90 + 20 * (n % 2)) for n in range(7)]
    before = at - timedelta(days=2)
    for product, day in zip(products, days, strict=True):
        announced(plan(product, Stage.SUPERSEDED, before, effective_on=day, successor=world.pro_body), before)
    return products


def worth(points: int, superseded: int = 5) -> Product:
    return ProductFactory(points_current=points, points_superseded=superseded, points_unserviceable=5)


def finish(member: Member, products: list[Product], at: datetime = NOW) -> None:
    """Two seconds apart."""
    for n, product in enumerate(products):
        validated(member, product, f"50000000000{n}", at=at + 2 * n * SECOND)
    member.refresh_from_db()


def tell(at: datetime) -> None:
    """What the workers do at this moment."""
    while actions.notify_level_changes(limit=100, at=at):
        pass
    while outbox.sweep(at=at):
        pass


def test_seven_products_in_a_burst_are_one_mail_and_one_notice_with_the_numbers_of_the_dashboard(
    world: World, as_ben: Client, mailoutbox: list[object]
) -> None:
    """R70: seven products with planned changes, finished within 13 s."""
    finish(world.ben, seven(world))
    tell(NOW + timedelta(minutes=1))
    assert not [mail for mail in mailoutbox if "ben@example.org" in mail.to and "points" in mail.subject]  # type: ignore[attr-defined]
    tell(NOW + timedelta(minutes=10))
    told = [mail for mail in mailoutbox if "ben@example.org" in mail.to]  # type: ignore[attr-defined]
    (points,) = [mail for mail in told if "Your points change on 2 days" in mail.subject]  # type: ignore[attr-defined]
    (level,) = [mail for mail in told if mail.subject == "You’re Silver now"]  # type: ignore[attr-defined]
    assert world.ben.points == sum(125 + n for n in range(7)) == 896
    assert "That makes 896 points; Silver starts at 500." in level.body  # type: ignore[attr-defined]
    (line,) = [line for line in shown(world.ben) if line.code == NoticeCode.POINTS_WILL_CHANGE]
    (reached,) = [line for line in shown(world.ben) if line.code == NoticeCode.LEVEL_UP]
    assert reached.detail == "You have 896 points."
    page = " ".join(as_ben.get("/dashboard/").content.decode().split())
    assert line.detail in page and "Your total will be 636." in line.detail
    assert "from 896 to 636 points" in points.body and "from 636 to 441 points" in points.body  # type: ignore[attr-defined]
    assert "636" in page
    assert Announcement.objects.filter(member=world.ben).count() == 7
    assert Notice.objects.filter(member=world.ben, code=NoticeCode.POINTS_WILL_CHANGE).count() == 1


def test_a_level_reached_in_steps_is_told_once_with_the_level_of_the_moment(world: World) -> None:
    """At 875 points Silver, then Gold at 1,460: the old notice is gone, and one mail says Gold."""
    for n, points in enumerate((600, 275, 585)):
        validated(world.ben, worth(points), f"60000000000{n}", at=NOW + n * SECOND)
    tell(NOW + PAUSE - SECOND)
    assert PendingLevelNotice.objects.exists() and not mails_to(world.ben, "level-")
    actions.notify_level_changes(limit=100, at=NOW + PAUSE + 5 * SECOND)
    (mail,) = mails_to(world.ben, "level-")
    assert mail["subject"] == "You’re Gold now" and "That makes 1,460 points; Gold starts at 1,000." in mail["text"]
    (line,) = [line for line in shown(world.ben) if line.code == NoticeCode.LEVEL_UP]
    assert (line.title, line.detail) == ("You’re Gold now", "You have 1,460 points.")


def test_a_notice_of_silver_is_gone_when_the_member_is_gold(world: World) -> None:
    validated(world.ben, worth(875), "600000000001", at=NOW)
    tell(NOW + PAUSE)
    (silver,) = [line for line in shown(world.ben) if line.code == NoticeCode.LEVEL_UP]
    validated(world.ben, worth(585), "600000000002", at=NOW + timedelta(hours=1))
    assert silver.key not in {line.key for line in shown(world.ben)}, "at once, before the new one is told"
    tell(NOW + timedelta(hours=1) + PAUSE)
    assert [line.title for line in shown(world.ben) if line.code == NoticeCode.LEVEL_UP] == ["You’re Gold now"]
    assert [line.is_current for line in archive(world.ben) if line.key == silver.key] == [False]


@each_row("seconds", [1, 30, 200, 299])
def test_a_level_that_is_lost_again_within_the_pause_is_not_told(world: World, seconds: int) -> None:
    row = validated(world.ben, world.pro_body, "200000000001", at=NOW)
    later = NOW + seconds * SECOND
    removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=world.ben.user, at=later)
    tell(NOW + timedelta(hours=1))
    assert LevelChange.objects.filter(member=world.ben).count() == 2
    assert not mails_to(world.ben, "level-") and not PendingLevelNotice.objects.exists()
    assert not Notice.objects.filter(member=world.ben, code__in=["level_up", "level_down"]).exists()


def test_a_level_lost_after_it_was_told_is_told(world: World) -> None:
    row = validated(world.ben, world.pro_body, "200000000001", at=NOW)
    tell(NOW + PAUSE)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ben.user, at=NOW + 2 * PAUSE)
    tell(NOW + 3 * PAUSE)
    assert [line.title for line in shown(world.ben) if "level" in line.code] == ["You’re Red now"]
    assert Message.objects.filter(key__startswith="level-", state="sent", to=world.ben.user.email).count() == 2


def test_a_mail_that_never_left_counts_as_not_told(world: World) -> None:
    """Silver was never mailed: Red to Gold is one message, and back to Red none."""
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    actions.notify_level_changes(limit=9, at=NOW + PAUSE)  # enqueued, and the mail server is down
    validated(world.ben, worth(600), "200000000002", at=NOW + 2 * PAUSE)
    actions.notify_level_changes(limit=9, at=NOW + 3 * PAUSE)
    (mail,) = mails_to(world.ben, "level-")
    assert "Gold starts at 1,000." in mail["text"]
    for row in Registration.objects.filter(member=world.ben):
        at = NOW + 4 * PAUSE
        removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ben.user, at=at)
    actions.notify_level_changes(limit=9, at=NOW + 5 * PAUSE)
    assert not mails_to(world.ben, "level-")
    assert not [line for line in shown(world.ben) if "level" in line.code]


def test_a_burst_without_an_end_is_told_after_the_longest_pause(world: World) -> None:
    """A level that changes every four minutes."""
    for minutes in range(0, 32, 4):
        at = NOW + timedelta(minutes=minutes)
        if minutes % 8 == 0:
            row = validated(world.ben, world.pro_body, f"2100000000{minutes:02}", at=at)
        else:
            removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ben.user, at=at)
        actions.notify_level_changes(limit=9, at=at)
        assert not mails_to(world.ben, "level-")
    validated(world.ben, world.pro_body, "220000000001", at=NOW + MAX_PAUSE - SECOND)
    actions.notify_level_changes(limit=9, at=NOW + MAX_PAUSE)
    (mail,) = mails_to(world.ben, "level-")
    assert mail["subject"] == "You’re Silver now"


@each_row(
    ("days_before", "hour", "is_at_once"),
    [
        (61, 12, False),  # the pause ends on the same day
        (60, 12, False),  # the last day, at noon
        (60, 23, True),  # the last day, and the pause would end on the next
        (61, 23, False),  # the pause ends on the last day
        (30, 23, False),  # too late for the notice period anyway
        (1, 23, True),  # the day itself would come first
    ],
)
def test_no_pause_breaks_the_notice_period(world: World, days_before: int, hour: int, *, is_at_once: bool) -> None:
    """R22: a change whose last day for notice ends within the pause is told at once."""
    day = date(2027, 6, 1)
    zone = timezone.get_default_timezone()
    at = datetime.combine(day - timedelta(days=days_before), time(hour, 45), zone)
    before = datetime(2026, 12, 1, 9, tzinfo=zone)
    announced(plan(world.body, Stage.SUPERSEDED, before, effective_on=day), before)
    validated(world.ben, world.body, "200000000001", at=at)
    (message,) = Message.objects.filter(key__startswith=f"holder-{world.ben.pk}.")
    assert message.next_at is not None
    assert (message.next_at == at) is is_at_once
    assert timezone.localdate(message.next_at) < day


def test_an_urgent_change_in_a_burst_takes_the_others_along(world: World) -> None:
    zone = timezone.get_default_timezone()
    at = datetime(2027, 4, 2, 23, 50, tzinfo=zone)
    before = datetime(2026, 12, 1, 9, tzinfo=zone)
    announced(plan(world.lens, Stage.SUPERSEDED, before, effective_on=date(2027, 8, 1)), before)
    announced(plan(world.body, Stage.SUPERSEDED, before, effective_on=date(2027, 6, 1)), before)
    validated(world.ben, world.lens, "2000003", at=at)
    validated(world.ben, world.body, "200000000001", at=at + SECOND)
    validated(world.ben, world.body, "200000000002", at=at + 2 * SECOND)
    (message,) = Message.objects.filter(key__startswith=f"holder-{world.ben.pk}.")
    assert message.next_at == at + SECOND
    assert len(message.payload["context"]["changes"]) == 2


def test_plans_of_several_days_loaded_together_are_one_mail(world: World) -> None:
    day = timezone.localdate(NOW) + timedelta(days=100)
    plans = [
        plan(product, Stage.SUPERSEDED, NOW, effective_on=day + timedelta(days=n), successor=world.grip)
        for n, product in enumerate((world.body, world.lens, world.pro_body))
    ]
    changes = planning.plan_changes(plans=plans, by=None, at=NOW)
    for change in changes:
        while notify_holders_step(change=change.pk, limit=10, at=NOW + timedelta(hours=1)):
            pass
    (mail,) = mails_to(world.ana, "change-")
    assert "Your points change on 3 days" in mail["subject"]
    (line,) = [line for line in shown(world.ana) if line.code == NoticeCode.POINTS_WILL_CHANGE]
    assert "on 2 more days" in line.title


def test_products_that_begin_to_count_in_a_burst_are_one_mail(world: World) -> None:
    Member.objects.filter(pk=world.ben.pk).update(wants_counted=True)
    products = [worth(100 + n) for n in range(5)]
    finish(world.ben, products)
    (mail,) = mails_to(world.ben, "counted-")
    assert mail["subject"] == "5 products count now" and "That makes 510 points, and you’re Silver." in mail["text"]
    row = Registration.objects.get(member=world.ben, product=products[0])
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ben.user, at=NOW)
    (mail,) = mails_to(world.ben, "counted-")
    assert mail["subject"] == "4 products count now" and products[0].name not in mail["text"]
    assert world.ben.level == Level.SILVER
