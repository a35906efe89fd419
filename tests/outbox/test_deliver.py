"""What is written leaves, once if it can be helped, and whatever happens to those who carry it."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib import background
from cps_portal.core.outbox import actions, senders
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from tests.outbox import backends
from tests.outbox.conftest import LETTER
from tests.outbox.smtp import Server
from tests.rows import each_row
from tests.workers import use_broker

Post = Callable[..., Message]
A_LEASE = timedelta(seconds=121)
MAX_ATTEMPTS = 30


@pytest.mark.django_db
def test_a_mail_leaves_as_text_and_html_with_its_own_message_id(post: Post) -> None:
    message = post()
    assert actions.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.claim, message.next_at) == (State.SENT, 1, None, None)
    assert message.sent_at is not None
    (sent,) = mail.outbox
    assert (sent.subject, sent.to, sent.body) == ("Hello", ["ana@example.org"], "Hello Ana")
    assert sent.alternatives[0][0] == "<p>Hello Ana</p>"
    assert sent.message()["Message-ID"] == senders.message_id(message)
    assert sent.message()["Date"].endswith("+0000")


@pytest.mark.django_db
def test_what_was_sent_is_not_sent_again(post: Post) -> None:
    message = post()
    assert actions.deliver(message.pk)
    assert not actions.deliver(message.pk)
    actions.sweep()
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_what_is_meant_for_later_waits(post: Post) -> None:
    now = timezone.now()
    message = post(at=now + timedelta(hours=1))
    assert not actions.deliver(message.pk, at=now)
    actions.sweep(at=now)
    assert not mail.outbox
    actions.sweep(at=now + timedelta(hours=1))
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_with_the_broker_down_the_commit_holds_and_the_sweep_delivers(post: Post) -> None:
    for n in range(3):
        post(f"k-{n}")
    assert not mail.outbox
    assert not actions.sweep()
    assert len(mail.outbox) == 3
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_hangs_does_not_cost_every_commit_a_second(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        use_broker(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        began = time.monotonic()
        for n in range(60):
            post(f"k-{n}")
        assert time.monotonic() - began < 20  # sixty seconds, were each to wait
    assert Message.objects.count() == 60


@pytest.mark.django_db
def test_a_sweep_stops_at_its_limit_and_says_so(post: Post) -> None:
    for n in range(3):
        post(f"k-{n}")
    assert actions.sweep(limit=2)
    assert len(mail.outbox) == 2
    assert not actions.sweep(limit=2)
    assert len(mail.outbox) == 3


@pytest.fixture
def slow(settings: Settings) -> type[backends.Slow]:
    settings.EMAIL_BACKEND = "tests.outbox.backends.Slow"
    backends.Slow.begun.clear()
    backends.Slow.go_on.clear()
    return backends.Slow


def start(message: Message, at: object = None) -> threading.Thread:
    def work() -> None:
        try:
            actions.deliver(message.pk, at=at)  # type: ignore[arg-type]
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_it_once(post: Post, slow: type[backends.Slow]) -> None:
    message = post()
    threads = [start(message) for _ in range(4)]
    assert slow.begun.wait(60)
    actions.sweep()  # and the sweep keeps its hands off what somebody is sending
    slow.go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(mail.outbox) == 1
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.SENT, 1)


@pytest.mark.django_db(transaction=True)
def test_who_held_it_past_the_lease_cannot_overwrite_the_answer(
    post: Post, slow: type[backends.Slow], settings: Settings
) -> None:
    message = post()
    thread = start(message)
    assert slow.begun.wait(60)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    later = timezone.now() + A_LEASE
    assert actions.deliver(message.pk, at=later)
    slow.go_on.set()
    thread.join(10)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.sent_at) == (State.SENT, 2, later)


@pytest.mark.django_db(transaction=True)
def test_a_crash_while_sending_is_sent_again_after_the_lease_under_the_same_message_id(
    post: Post, settings: Settings
) -> None:
    message = post()
    now = timezone.now()
    settings.EMAIL_BACKEND = "tests.outbox.backends.PowerCut"
    with pytest.raises(backends.PowerCutError):
        actions.deliver(message.pk, at=now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    actions.sweep(at=now + timedelta(seconds=60))
    assert len(mail.outbox) == 1
    actions.sweep(at=now + A_LEASE)
    first, second = mail.outbox
    assert first.message()["Message-ID"] == second.message()["Message-ID"]
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.SENT, 2)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_kills_every_worker_is_given_up(post: Post, settings: Settings) -> None:
    message = post()
    Message.objects.update(attempts=MAX_ATTEMPTS)
    settings.EMAIL_BACKEND = "tests.outbox.backends.PowerCut"
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert not mail.outbox


@pytest.mark.django_db
def test_a_mail_server_accepts_what_the_portal_writes(post: Post, mail_host: Server) -> None:
    assert actions.deliver(post().pk)
    assert "Subject: Hello" in mail_host.mails[0]


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["450 mailbox busy", "421 too many"])
def test_a_temporary_refusal_is_tried_again_with_growing_pauses(post: Post, mail_host: Server, answer: str) -> None:
    mail_host.recipient = answer
    message = post()
    at = timezone.now()
    pauses = []
    for _ in range(3):
        assert not actions.deliver(message.pk, at=at)
        message.refresh_from_db()
        assert (message.state, message.claim) == (State.QUEUED, None)
        assert message.next_at is not None
        pauses.append(message.next_at - at)
        at = message.next_at
    assert pauses == [timedelta(minutes=n) for n in (1, 2, 4)]
    mail_host.recipient = "250 fine"
    assert actions.deliver(message.pk, at=at)
    assert len(mail_host.mails) == 1


@pytest.mark.django_db
def test_a_mail_server_that_does_not_answer_is_tried_again_and_given_up_in_the_end(
    post: Post, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    message = post()
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.QUEUED
    Message.objects.update(attempts=MAX_ATTEMPTS - 1, next_at=timezone.now())
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert "refused" in message.answer


@pytest.mark.django_db
@pytest.mark.parametrize("told", [{"recipient": "550 no such person"}, {"data": "554 not this one"}])
def test_a_permanent_refusal_fails_at_once_and_says_why(post: Post, mail_host: Server, told: dict[str, str]) -> None:
    for name, answer in told.items():
        setattr(mail_host, name, answer)
    message = post()
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.next_at) == (State.FAILED, None)
    assert next(iter(told.values()))[:3] in message.answer


@pytest.mark.django_db
@each_row(
    "wrong",
    [
        {"to": "nobody"},
        {"to": "ana@example.org\nBcc: everybody@example.org"},
        {"payload": {**LETTER, "subject": "Hello\nBcc: everybody@example.org"}},
        {"payload": {"subject": "Hello"}},
    ],
)
def test_a_mail_that_cannot_be_one_fails_at_once(post: Post, wrong: dict[str, object]) -> None:
    message = post(**wrong)
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert not mail.outbox


@pytest.mark.django_db
def test_a_sweep_does_not_hammer_a_server_that_is_down(post: Post, mail_host: Server) -> None:
    mail_host.recipient = "450 busy"
    for n in range(6):
        post(f"k-{n}")
    assert not actions.sweep()
    assert Message.objects.filter(attempts=0).count() == 3


@pytest.mark.django_db(transaction=True)
def test_after_commit_needs_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        background.after_commit("outbox.deliver", 1)


@pytest.mark.django_db
def test_a_receiver_that_is_down_delays_only_its_own_messages(settings: Settings, mail_host: Server) -> None:
    mail_host.recipient = "450 busy"
    now = timezone.now()
    with transaction.atomic():
        letters = [actions.OutgoingMessage(f"m-{n}", "ana@example.org", LETTER) for n in range(6)]
        actions.enqueue_many(kind="mail", messages=letters, at=now - timedelta(minutes=1))
        letters = [
            actions.OutgoingMessage(f"c-{n}", "ben@example.org", LETTER, ordering_key=f"receiver-{n % 2}")
            for n in range(8)
        ]
        actions.enqueue_many(kind="mail", messages=letters, at=now)
    assert not actions.sweep(at=now)
    tried = Message.objects.filter(attempts=1).values_list("ordering_key", flat=True)
    assert sorted(tried) == ["mail"] * 3 + ["receiver-0"] * 3 + ["receiver-1"] * 3
    assert actions.due_ordering_keys(at=now) == ["receiver-0", "receiver-1"]


@pytest.mark.django_db(transaction=True)
def test_messages_with_an_ordering_key_are_sent_one_at_a_time(slow: type[backends.Slow]) -> None:
    with transaction.atomic():
        letters = [
            actions.OutgoingMessage(f"c-{n}", "ben@example.org", LETTER, ordering_key="ordering_key") for n in range(4)
        ]
        messages = actions.enqueue_many(kind="mail", messages=letters)
    threads = [start(message) for message in messages]
    assert slow.begun.wait(60)
    for thread in threads:
        thread.join(0.3)
    assert Message.objects.filter(state=State.SENDING).count() == 1
    slow.go_on.set()
    for thread in threads:
        thread.join(10)
    actions.sweep(ordering_key="ordering_key")
    assert len(mail.outbox) == 4
