"""What partners are told arrives, signed, and whatever they answer it is told again until they have it (R38)."""

import json
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.models import Attempt, EndpointSecret, Partner, WebhookEndpoint
from cps_portal.site.retention import delete_all
from tests.factories import UserFactory
from tests.partners.conftest import TYPE, Announce
from tests.partners.receiver import DRIPPING, DROP, ENDLESS, HOLDS_SECONDS, OK, Receiver, answer, receiving
from tests.rows import each_row
from tests.workers import wait_until

Told = tuple[WebhookEndpoint, str]


def test_the_receiver_verifies_what_it_gets_with_the_published_library(
    told: Told, receiver: Receiver, announce: Announce
) -> None:
    message = announce(pack=7)
    assert "Grüße" not in json.dumps(message.payload)  # worded when it leaves
    assert outbox.deliver(message.pk)
    (got,) = receiver.got
    body = got.verify(told[1])
    assert body["type"] == TYPE
    assert body["data"] == {"facts": {"pack": 7}, "greeting": "Grüße 👋"}
    assert datetime.fromisoformat(body["timestamp"]) == message.created_at
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == "pack-1"
    attempt = Attempt.objects.get()
    assert (attempt.endpoint, attempt.key, attempt.type) == (told[0], message.key, TYPE)
    assert (attempt.status, attempt.answer, attempt.error) == (200, "thanks", "")
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.SENT, "200 thanks")


def test_a_repeated_key_is_sent_once_and_reaches_endpoints_added_later(
    house: Partner, endpoint: WebhookEndpoint, announce: Announce
) -> None:
    announce()
    with receiving() as second:
        actions.add_endpoint(partner=house, url=second.url, by=None, at=timezone.now())
        with transaction.atomic():
            actions.enqueue_webhook(
                partner=house,
                type=TYPE,
                key="pack-1",
                subject="packs/1",
                sequence=1,
                renderer="tests.sum_up",
                at=timezone.now(),
            )
        assert Message.objects.count() == 2
        outbox.sweep()
        assert [one.headers["webhook-id"] for one in second.got] == ["pack-1"]


def test_an_event_is_sent_only_to_endpoints_that_subscribe_to_it(
    house: Partner, endpoint: WebhookEndpoint, settings: Settings
) -> None:
    WebhookEndpoint.objects.update(types=["welcome_pack.cancelled"])
    with transaction.atomic():
        told = actions.enqueue_webhook(
            partner=house, type=TYPE, key="a", subject="packs/1", sequence=1, renderer="tests.sum_up", at=timezone.now()
        )
    assert told == []


@each_row("wrong", [{"type": "pigeon"}, {"key": "a.b"}, {"key": "a\nb"}, {"renderer": "nobody"}])
def test_unknown_event_types_renderers_and_bad_keys_raise_at_once(house: Partner, wrong: dict[str, str]) -> None:
    values = {"type": TYPE, "key": "a", "renderer": "tests.sum_up", **wrong}
    with pytest.raises(ValueError, match=r"cannot be|there is no"), transaction.atomic():
        actions.enqueue_webhook(partner=house, subject="packs/1", sequence=1, at=timezone.now(), **values)


def test_what_is_no_longer_true_is_cancelled_and_never_sent(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    message = announce(over=True)
    outbox.sweep()
    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert not receiver.got


ANSWERS = {
    "500": (answer(500), 0, 500, ""),
    "404": (answer(404), 0, 404, ""),
    "redirect": (answer(301, extra=b"Location: http://127.0.0.1:1/\r\n"), 0, 301, ""),
    "garbage": (b"\x00\x01 no HTTP at all\r\n\r\n", 0, 0, "BadStatusLine"),
    "999": (b"HTTP/1.1 999 What\r\n\r\n", 0, 0, "not an HTTP response"),
    "drop": (DROP, 0, 0, "RemoteDisconnected"),
    "slow": (OK, 1, 0, "in time"),
    "dripping": (DRIPPING, 0, 0, "in time"),
}


@each_row("kind", ANSWERS)
def test_anything_but_an_acknowledgement_is_tried_again(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce, kind: str
) -> None:
    receiver.got.clear()
    receiver.answer, receiver.wait, status, error = ANSWERS[kind]
    message = announce()
    at = timezone.now()
    assert not outbox.deliver(message.pk, at=at)
    message.refresh_from_db()
    assert (message.state, message.next_at, message.attempts) == (State.QUEUED, at + timedelta(minutes=1), 1)
    attempt = Attempt.objects.get()
    assert attempt.status == status
    assert error in attempt.error
    assert attempt.status or attempt.error
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.quiet_until) == (at, at + timedelta(seconds=5))
    assert len(receiver.got) == 1


@each_row("status", [429, 503])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce, status: int
) -> None:
    receiver.got.clear()
    receiver.answer = answer(status, extra=b"Retry-After: 7200\r\n")
    message, at = announce(), timezone.now()
    assert not outbox.deliver(message.pk, at=at)
    endpoint.refresh_from_db()
    assert endpoint.quiet_until == at + timedelta(hours=2)
    receiver.answer = OK
    assert not outbox.deliver(message.pk, at=at + timedelta(minutes=119))
    message.refresh_from_db()
    assert (len(receiver.got), message.attempts) == (1, 1)
    assert outbox.deliver(message.pk, at=at + timedelta(hours=2))
    endpoint.refresh_from_db()
    assert endpoint.quiet_until is None


def test_a_2xx_answer_that_never_ends_is_an_acknowledgement(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    receiver.answer = ENDLESS
    assert outbox.deliver(announce().pk)
    assert Attempt.objects.get().answer == "x" * 500


def test_a_failed_connection_is_retried(house: Partner, announce: Announce) -> None:
    actions.add_endpoint(partner=house, url="http://127.0.0.1:1/", by=None, at=timezone.now())
    assert not outbox.deliver(announce().pk)
    assert "refused" in Attempt.objects.get().error


def test_it_is_tried_for_ever_with_pauses_up_to_a_day(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    receiver.answer = answer(500)
    message = announce()
    Message.objects.update(attempts=400)
    at = timezone.now() + timedelta(days=400)
    assert not outbox.deliver(message.pk, at=at)
    message.refresh_from_db()
    assert (message.state, message.next_at, message.attempts) == (State.QUEUED, at + timedelta(days=1), 401)
    receiver.answer = OK
    assert outbox.deliver(message.pk, at=message.next_at)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.quiet_until) == (None, None)
    assert {one.headers["webhook-id"] for one in receiver.got} == {"pack-1"}


def test_a_410_suspends_and_everything_waits_uncounted_until_it_is_resumed(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    receiver.answer = answer(410)
    for n in range(3):
        announce(f"pack-{n}")
    now = timezone.now()
    outbox.sweep(at=now)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.suspended_at, endpoint.reason) == ("suspended", now, "It answered 410: gone.")
    assert len(receiver.got) == 1
    announce("pack-4")  # and what comes meanwhile waits with the rest
    outbox.sweep(at=now + timedelta(days=3))
    assert set(Message.objects.values_list("state", "attempts")) == {(State.QUEUED, 0)}
    assert len(receiver.got) == 1
    receiver.answer = OK
    later = now + timedelta(days=3, minutes=1)
    actions.resume_endpoint(endpoint=endpoint, by=UserFactory(), at=later)
    outbox.sweep(at=later)
    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.suspended_at, endpoint.reason) == (EndpointState.ACTIVE, None, "")


def test_a_receiver_that_is_down_is_probed_with_one_message_at_a_time(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    receiver.answer = answer(503)
    for n in range(20):
        announce(f"pack-{n}")
    now = timezone.now()
    outbox.sweep(at=now)
    assert len(receiver.got) == 1
    outbox.sweep(at=now + timedelta(seconds=4))
    assert len(receiver.got) == 1
    outbox.sweep(at=now + timedelta(seconds=6))
    assert len(receiver.got) == 2
    receiver.answer = OK
    outbox.sweep(at=now + timedelta(minutes=3))
    assert Message.objects.filter(state=State.SENT).count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_occupies_one_worker_and_delays_no_other_receiver(
    house: Partner, endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce, settings: Settings
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = HOLDS_SECONDS
    receiver.hold_from = 1
    for n in range(6):
        announce(f"pack-{n}")
    with ExitStack() as stack:
        stack.callback(receiver.go_on.set)
        other = stack.enter_context(receiving())
        quick = Partner.objects.create(name="Other", slug="other", kind="fulfilment")
        quick_endpoint, _secret = actions.add_endpoint(partner=quick, url=other.url, by=None, at=timezone.now())
        for n in range(6):
            announce(f"other-{n}", partner=quick)

        def work() -> None:
            try:
                outbox.sweep(seconds=0.1)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: receiver.busy == 1)

        def others_have_theirs() -> bool:
            outbox.sweep(ordering_key=quick_endpoint.ordering_key)
            return len(other.got) == 6

        wait_until(others_have_theirs)
        assert len(receiver.got) == receiver.busy == 1, "while the slow one has not answered its first"
        receiver.go_on.set()
        for thread in threads:
            thread.join(HOLDS_SECONDS)
        assert receiver.most_at_once == 1


def test_a_new_secret_takes_over_without_a_message_that_fails(
    told: Told, receiver: Receiver, announce: Announce, settings: Settings
) -> None:
    endpoint, old = told
    now = timezone.now()
    new = actions.rotate_secret(endpoint=endpoint, by=None, at=now)
    outbox.deliver(announce("a").pk)
    for secret in (old, new):
        assert receiver.got[0].verify(secret)
    with pytest.raises(Refusal, match="older secret"):
        actions.rotate_secret(endpoint=endpoint, by=None, at=now)
    assert actions.partner_secrets(partner=endpoint.partner, at=now) == [new, old]
    assert actions.partner_secrets(partner=endpoint.partner, at=now + timedelta(hours=24)) == [new]
    newest = actions.rotate_secret(endpoint=endpoint, by=None, at=now, at_once=True)
    assert actions.partner_secrets(partner=endpoint.partner, at=now) == [newest]
    assert newest not in "".join(EndpointSecret.objects.values_list("sealed", flat=True))
    settings.ENCRYPTION_KEYS = ["another", *settings.ENCRYPTION_KEYS]
    assert actions.live_secrets(endpoint=endpoint, at=now) == [newest]


def test_staff_can_resend_a_webhook_that_the_receiver_missed(
    endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    message, by, now = announce(), UserFactory(), timezone.now()
    assert outbox.deliver(message.pk)
    actions.resend_webhook(message=message, by=by, at=now)
    assert outbox.deliver(message.pk)
    assert [one.headers["webhook-id"] for one in receiver.got] == ["pack-1", "pack-1"]
    actions.suspend_endpoint(endpoint=endpoint, reason="They asked us to.", by=by, at=now)
    with pytest.raises(Refusal, match="suspended"):
        actions.resend_webhook(message=message, by=by, at=now)


def test_a_message_to_an_unknown_or_deleted_endpoint_fails_without_a_crash(announce: Announce, told: Told) -> None:
    message = announce()
    Message.objects.update(payload={})
    assert not outbox.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED


def test_answers_are_deleted_after_a_month(endpoint: WebhookEndpoint, announce: Announce) -> None:
    outbox.deliver(announce().pk)
    outbox.deliver(announce("pack-11").pk)
    assert actions.erase_answers(keys=["pack-1"]) == 1  # before, if the person goes
    assert sorted(Attempt.objects.values_list("answer", flat=True)) == ["", "thanks"]
    assert delete_all(label="partners.Attempt", at=timezone.now() + timedelta(days=29)) == 0
    assert delete_all(label="partners.Attempt", at=timezone.now() + timedelta(days=31)) == 2
