"""What else members hear, as they choose: R16, R56."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from kitbag import tasks
from kitbag.actions import registrations, removals
from kitbag.enums import RemovalReason
from members import actions
from tests.factories import draft, validated
from tests.world import World

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def letters() -> list[Message]:
    return list(Message.objects.filter(key__startswith="reminder-"))


def test_who_left_a_product_alone_is_reminded_once_a_month(world: World, mailoutbox: list[object]) -> None:
    draft(world.ben, world.body, NOW - timedelta(days=20))
    draft(world.chloe, world.body, NOW - timedelta(days=3))
    tasks.remind()
    tasks.remind()
    (letter,) = letters()
    assert letter.to == world.ben.user.email
    assert outbox.deliver(letter.pk, at=timezone.now() + timedelta(minutes=1))
    assert world.body.name in mailoutbox[0].body  # type: ignore[attr-defined]
    registrations.remind_unfinished(after=0, limit=10, at=NOW + timedelta(days=32))
    assert len(letters()) == 3, "a month later Chloe, too"


def test_a_reminder_of_what_is_finished_by_then_never_leaves(world: World, mailoutbox: list[object]) -> None:
    row = draft(world.ben, world.body, NOW - timedelta(days=20))
    tasks.remind()
    removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=None, at=NOW)
    outbox.deliver(letters()[0].pk, at=timezone.now() + timedelta(minutes=1))
    assert mailoutbox == []


def test_who_does_not_wish_it_is_not_reminded(world: World) -> None:
    draft(world.ben, world.body, NOW - timedelta(days=20))
    actions.change_profile(member=world.ben, wants_reminders=False)
    tasks.remind()
    assert letters() == []


def test_a_mail_each_time_a_product_counts_is_for_those_who_ask(world: World, as_ben: Client) -> None:
    validated(world.ben, world.lens, "1000009", at=NOW)
    given = {"first_name": "Ben", "last_name": "Example", "specialty": "", "wants_counted": "on", "language": "en"}
    as_ben.post("/profile/", given)
    world.ben.refresh_from_db()
    assert (world.ben.wants_counted, world.ben.wants_reminders) == (True, False)
    row = validated(world.ben, world.body, "400000000001", at=NOW)
    (message,) = Message.objects.filter(key__startswith="counted-")
    assert message.payload["context"] == {"registrations": [row.pk]}
