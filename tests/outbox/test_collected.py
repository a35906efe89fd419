"""A burst is collected in one message, and none of it is lost (R70)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from tests.rows import each_row

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PAUSE, MAX_PAUSE = timedelta(minutes=5), timedelta(minutes=30)


def add(item: int, at: datetime = NOW, group: str = "g-1", to: str = "ana@example.org", **changes: Any) -> Message:
    payload = {"renderer": "partners.test", "context": {"items": [item], "member": 1}}
    with transaction.atomic():
        message = actions.enqueue_collected(
            group=group, kind="mail", to=to, payload=payload, at=at, max_pause=MAX_PAUSE, **{"pause": PAUSE, **changes}
        )
    assert message
    return message


def items(message: Message) -> list[int]:
    message.refresh_from_db()
    collected: list[int] = message.payload["context"]["items"]
    return collected


@pytest.mark.django_db
def test_what_comes_in_a_burst_is_one_message() -> None:
    first = add(1)
    for number in range(2, 8):
        assert add(number, NOW + number * SECOND).pk == first.pk
    assert items(first) == [1, 2, 3, 4, 5, 6, 7]
    assert first.next_at == NOW + 7 * SECOND + PAUSE


@pytest.mark.django_db
def test_groups_are_kept_apart_also_if_one_name_begins_like_the_other() -> None:
    assert add(1).pk != add(2, group="g-12").pk != add(3, group="g").pk
    assert Message.objects.count() == 3


@pytest.mark.django_db
def test_the_same_thing_twice_is_in_it_once() -> None:
    first = add(1)
    add(1)
    assert items(first) == [1]


@pytest.mark.django_db
def test_the_longest_pause_is_kept_however_often_something_is_added() -> None:
    first = add(1)
    for minutes in range(4, 40, 4):
        if NOW + timedelta(minutes=minutes) < NOW + MAX_PAUSE:
            add(minutes, NOW + timedelta(minutes=minutes))
    first.refresh_from_db()
    assert first.next_at == NOW + MAX_PAUSE


@pytest.mark.django_db
def test_something_urgent_makes_it_due_at_once_and_it_stays_due() -> None:
    first = add(1)
    add(2, NOW + SECOND, pause=timedelta(0))
    add(3, NOW + 2 * SECOND)
    assert items(first) == [1, 2, 3] and first.next_at == NOW + SECOND


@pytest.mark.django_db
@each_row(
    "state",
    [
        {"state": State.SENT, "attempts": 1, "next_at": None, "sent_at": NOW},
        {"state": State.CANCELLED, "next_at": None},
        {"state": State.FAILED, "attempts": 30, "next_at": None},
        {"state": State.QUEUED, "attempts": 1},  # tried: it may have been received
    ],
)
def test_what_comes_after_a_message_has_left_is_another_one(state: dict[str, Any]) -> None:
    first = add(1)
    Message.objects.filter(pk=first.pk).update(**state)
    second = add(2, NOW + SECOND)
    assert second.pk != first.pk
    assert (items(first), items(second)) == ([1], [2])


@pytest.mark.django_db
def test_it_goes_to_the_newest_address() -> None:
    first = add(1)
    add(2, to="new@example.org")
    first.refresh_from_db()
    assert first.to == "new@example.org"


@pytest.mark.django_db
def test_a_withdrawn_message_is_cancelled_and_one_that_left_is_not() -> None:
    waiting, sent = add(1), add(2, group="g-2")
    Message.objects.filter(pk=sent.pk).update(state=State.SENT, attempts=1, next_at=None, sent_at=NOW)
    with transaction.atomic():
        assert actions.withdraw_unsent([waiting.key, sent.key]) == {waiting.key}
    states = dict(Message.objects.values_list("pk", "state"))
    assert states == {waiting.pk: State.CANCELLED, sent.pk: State.SENT}
