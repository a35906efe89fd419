import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.models import Message
from tests.factories import UserFactory
from tests.outbox.conftest import LETTER
from tests.rows import each_row

Post = Callable[..., Message]


@pytest.mark.django_db(transaction=True)
def test_posting_outside_a_transaction_raises_and_writes_nothing() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        actions.enqueue(key="a", kind="mail", to="ana@example.org", payload=LETTER)
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_nothing() -> None:
    with transaction.atomic():
        actions.enqueue(key="a", kind="mail", to="ana@example.org", payload=LETTER)
        transaction.set_rollback(True)
    assert not Message.objects.exists()
    assert not mail.outbox


@pytest.mark.django_db
def test_the_same_key_again_changes_nothing(post: Post) -> None:
    first = post("a")
    second = post("a", to="ben@example.org", payload={**LETTER, "subject": "Other"})
    assert second == first
    assert second.to == "ana@example.org"
    assert second.payload["subject"] == "Hello"


@pytest.mark.django_db(transaction=True)
def test_the_same_key_from_two_transactions_at_once_is_one_message(post: Post) -> None:
    found: list[int] = []

    def other() -> None:
        try:
            found.append(post("a").pk)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        mine = actions.enqueue(key="a", kind="mail", to="ana@example.org", payload=LETTER)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()  # it waits for this transaction, and then finds the key taken
    thread.join(5)
    assert mine is not None
    assert found == [mine.pk]
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_without_a_receiver_no_message_is_written() -> None:
    assert actions.enqueue(key="a", kind="mail", to="", payload=LETTER) is None


@pytest.mark.django_db
def test_a_kind_without_a_sender_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="pigeon"):
        actions.enqueue(key="a", kind="pigeon", to="ana@example.org", payload=LETTER)


@pytest.mark.django_db
def test_many_are_posted_in_two_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    letters = [actions.OutgoingMessage(f"k-{n}", "ana@example.org", LETTER) for n in range(300)]
    with django_assert_num_queries(2, exact=False):
        posted = actions.enqueue_many(kind="mail", messages=letters)
    assert len(posted) == 300


@pytest.mark.django_db
@each_row(
    "wrong",
    [
        {"state": "lost"},
        {"next_at": None},
        {"state": "sent"},
        {"state": "sending"},
        {"blanked_at": timezone.now()},
        {"claim": "00000000-0000-0000-0000-000000000001"},
        {"state": "failed"},
    ],
)
def test_the_row_refuses_a_state_that_its_dates_deny(post: Post, wrong: dict[str, object]) -> None:
    message = post()
    with pytest.raises(IntegrityError):
        Message.objects.filter(pk=message.pk).update(**wrong)


@pytest.mark.django_db
def test_content_is_deleted_after_the_retention_and_only_then(post: Post) -> None:
    now = timezone.now()
    old, young, waiting = post("old"), post("young"), post("waiting")
    for message in (old, young):
        actions.cancel(message=message, by=UserFactory.build(pk=1), at=now)
    Message.objects.filter(pk__in=[old.pk, waiting.pk]).update(created_at=now - timedelta(days=31))
    assert actions.blank_old(at=now) == 1
    old.refresh_from_db()
    assert (old.to, old.payload, old.answer) == ("", {}, "")
    assert old.blanked_at == now
    for message in (young, waiting):
        message.refresh_from_db()
        assert message.payload == LETTER
    assert actions.blank_old(at=now) == 0
