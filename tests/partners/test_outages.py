"""A partner is told of an endpoint that does not answer, once an outage, before it is suspended (R38, R55)."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import Kind, State
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from tests.partners.conftest import Announce
from tests.partners.receiver import OK, Receiver, answer

CONTACT = "tech@utrecht.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def dead(house: Partner, endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce) -> datetime:
    """Since when the endpoint has failed."""
    Partner.objects.filter(pk=house.pk).update(technical_contact=CONTACT)
    receiver.answer = answer(503, b"closed")
    message, now = announce(), timezone.now()
    assert not outbox.deliver(message.pk, at=now)
    return now


def mails() -> list[Message]:
    return list(Message.objects.filter(kind=Kind.MAIL).order_by("pk"))


def text_of(message: Message) -> str:
    mail = get_renderer(message.payload["renderer"])(**message.payload["context"])
    return f"{mail['subject']} {mail['text']}" if mail else ""


def watch(first: datetime, days: float) -> tuple[int, int]:
    return actions.watch_endpoints(at=first + timedelta(days=days))


def test_the_contact_is_told_once_with_the_day_and_then_it_is_suspended(
    dead: datetime, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    assert watch(dead, 0.9) == (0, 0)
    assert watch(dead, 1) == (1, 0)
    endpoint.refresh_from_db()
    assert endpoint.suspends_at == dead + 5 * DAY
    (mail,) = mails()
    assert (mail.to, mail.key) == (CONTACT, f"endpoint-{endpoint.pk}-failing-{int(dead.timestamp())}")
    day = timezone.localtime(endpoint.suspends_at)
    assert f"{day:%A} {day.day} {day:%B}" in text_of(mail)
    assert "Your server’s last answer was 503" in text_of(mail)
    assert [watch(dead, days) for days in (1.1, 2, 4.9)] == [(0, 0)] * 3
    assert watch(dead, 5) == (0, 1)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.reason) == (EndpointState.SUSPENDED, "It has not answered for days.")
    assert endpoint.suspends_at is None
    assert "is suspended" in text_of(mails()[1])
    assert watch(dead, 6) == (0, 0)
    waits = Message.objects.get(kind=Kind.WEBHOOK)
    assert waits.state == State.QUEUED  # nothing is lost
    receiver.answer = OK
    actions.resume_endpoint(endpoint=endpoint, by=None, at=dead + 6 * DAY)
    outbox.sweep(at=dead + 6 * DAY)
    waits.refresh_from_db()
    assert (waits.state, len(mails())) == (State.SENT, 2)
    assert text_of(mails()[1]) == ""  # what is no longer true is not sent


def test_an_endpoint_that_answers_again_is_not_suspended_and_the_next_outage_is_told_of_anew(
    dead: datetime, endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    watch(dead, 1)
    receiver.answer = OK
    assert outbox.deliver(Message.objects.get(kind=Kind.WEBHOOK).pk, at=dead + 2 * DAY)
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.suspends_at) == (None, None)
    assert text_of(mails()[0]) == ""
    assert watch(dead, 5) == (0, 0)
    receiver.answer = answer(500)
    message, again = announce("pack-2"), dead + 6 * DAY
    assert not outbox.deliver(message.pk, at=again)
    assert [watch(again, days) for days in (0.5, 1, 2)] == [(0, 0), (1, 0), (0, 0)]
    assert len({mail.key for mail in mails()}) == 2


def test_without_a_technical_contact_nothing_is_suspended(dead: datetime, house: Partner) -> None:
    Partner.objects.update(technical_contact="")
    assert [watch(dead, days) for days in (1, 5, 50)] == [(0, 0)] * 3
    Partner.objects.update(technical_contact=CONTACT)  # entered late: they still get their days
    assert [watch(dead, days) for days in (50, 53, 54)] == [(1, 0), (0, 0), (0, 1)]


def test_an_endpoint_that_nothing_waits_for_is_left_alone(dead: datetime) -> None:
    Message.objects.filter(kind=Kind.WEBHOOK).update(state=State.CANCELLED, next_at=None)
    assert [watch(dead, days) for days in (1, 5)] == [(0, 0)] * 2


def test_a_partner_that_is_not_active_is_not_written_to(dead: datetime) -> None:
    Partner.objects.update(active=False)
    assert watch(dead, 1) == (0, 0)


def test_a_410_is_told_at_once(
    house: Partner, endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    Partner.objects.filter(pk=house.pk).update(technical_contact=CONTACT)
    receiver.answer = answer(410)
    outbox.deliver(announce().pk)
    (mail,) = mails()
    assert "Your server’s last answer was 410" in text_of(mail)


def test_what_a_person_suspends_is_not_told(dead: datetime, endpoint: WebhookEndpoint) -> None:
    actions.suspend_endpoint(endpoint=endpoint, reason="We move.", by=None, at=dead)
    assert (watch(dead, 1), mails()) == ((0, 0), [])


def test_the_numbers_come_from_the_settings(dead: datetime, settings: Settings) -> None:
    settings.WEBHOOK_WARNED_AFTER, settings.WEBHOOK_SUSPENDED_AFTER = HOUR, 2 * HOUR
    assert actions.watch_endpoints(at=dead + HOUR) == (1, 0)
    assert actions.watch_endpoints(at=dead + 3 * HOUR) == (0, 1)


def test_the_first_version_has_no_thin_events_in_the_database_either(endpoint: WebhookEndpoint) -> None:
    endpoint.version, endpoint.payload = 1, "thin"
    with pytest.raises(ValidationError, match="version 2"):
        endpoint.validate_constraints()
