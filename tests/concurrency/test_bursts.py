"""Bursts against the workers that tell of them, on real Postgres (R70)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from members import actions as members
from members.models import LevelChange, Member, Notice, PendingLevelNotice
from tests.concurrency.threads import Background, together
from tests.factories import ProductFactory, validated
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db(transaction=True)


def add(item: int, at: datetime = NOW, pause: timedelta = timedelta(0)) -> None:
    payload = {"renderer": "partners.test", "context": {"items": [item]}}
    with transaction.atomic():
        outbox.enqueue_collected(
            group="g-1", kind="mail", to="ana@example.org", payload=payload, at=at, pause=pause, max_pause=HOUR
        )


def collected() -> list[int]:
    return sorted(item for message in Message.objects.all() for item in message.payload["context"]["items"])


def test_a_burst_from_many_transactions_at_once_is_one_message_with_all_of_it(committed_world: World) -> None:
    Message.objects.all().delete()
    assert together(*[lambda n=n: add(n, pause=HOUR) for n in range(8)]) == [None] * 8
    assert (Message.objects.count(), collected()) == (1, list(range(8)))


def test_a_worker_that_takes_the_message_meanwhile_loses_nothing(committed_world: World) -> None:
    """In forced order: while an addition is open, no worker takes the message; afterwards it sends all of it."""
    Message.objects.all().delete()
    add(1)
    with transaction.atomic():
        outbox.enqueue_collected(
            group="g-1",
            kind="mail",
            to="ana@example.org",
            payload={"renderer": "partners.test", "context": {"items": [2]}},
            at=NOW,
            pause=timedelta(0),
            max_pause=HOUR,
        )
        assert Background(lambda: outbox.deliver(Message.objects.get().pk, at=NOW + HOUR)).finish() is False
    message = Message.objects.get()
    assert (message.state, message.attempts, collected()) == (State.QUEUED, 0, [1, 2])


def test_what_comes_while_a_message_is_being_sent_is_another_message(committed_world: World) -> None:
    """In forced order: the worker has taken the message, and the addition waits for that to be committed."""
    Message.objects.all().delete()
    add(1)
    with transaction.atomic():
        message = Message.objects.select_for_update().get()
        addition = Background(lambda: add(2))
        assert addition.is_waiting()
        Message.objects.filter(pk=message.pk).update(
            state=State.SENDING, attempts=1, claim="00000000-0000-0000-0000-000000000001"
        )
    assert addition.finish() is None
    assert (Message.objects.count(), collected()) == (2, [1, 2])


def test_a_level_that_changes_while_it_is_told_is_told_later_and_not_lost(committed_world: World) -> None:
    """In forced order: the change is committed before the transaction that tells of the one before."""
    ben, product = committed_world.ben, ProductFactory(points_current=600)
    validated(ben, committed_world.pro_body, "200000000001", at=NOW)
    with transaction.atomic():
        assert members.notify_level_changes(limit=9, at=NOW + HOUR)
        counting = Background(lambda: validated(ben, product, "200000000002", at=NOW + HOUR))
        assert counting.finish().state == "validated"
    assert PendingLevelNotice.objects.filter(member=ben).count() == 1
    assert members.notify_level_changes(limit=9, at=NOW + 2 * HOUR)
    assert Notice.objects.filter(member=ben, code="level_up").count() == 2


def test_workers_and_validations_at_once_tell_each_member_the_level_of_the_end(committed_world: World) -> None:
    products = ProductFactory.create_batch(4, points_current=510)
    people = [committed_world.ben, committed_world.chloe]

    def tell() -> None:
        for _turn in range(20):
            members.notify_level_changes(limit=1, at=NOW + HOUR)

    jobs = [
        lambda p=p, n=n, m=m: validated(m, p, f"30000000{people.index(m)}00{n}", at=NOW)
        for m in people
        for n, p in enumerate(products)
    ]
    results = together(*jobs, tell, tell)
    assert not [result for result in results if isinstance(result, BaseException)]
    tell()
    assert not PendingLevelNotice.objects.filter(member__in=people).exists()
    for member in Member.objects.filter(pk__in=[person.pk for person in people]):
        newest = Notice.objects.filter(member=member, code="level_up").first()
        assert newest is not None
        assert LevelChange.objects.get(pk=newest.params["last"]).to_level == member.level == "platinum"
