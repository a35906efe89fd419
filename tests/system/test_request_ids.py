"""One id from the page to the mail and the webhook: what belongs together is found by it (R56)."""

import json
import logging
from collections.abc import Iterator

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.logs import JsonFormatter, bound_request_id, current_request_id
from cps_portal.core.lib.task_headers import add_headers, bind_id_of_task, unbind_id_of_task
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.tasks import deliver
from members.offers.actions.reference_data import load_offers
from tests.offers.packing import add_partner
from tests.partners.receiver import receiving
from tests.workers import no_broker
from tests.world import World

__all__ = ["no_broker"]

REQUEST = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def seen() -> Iterator[list[str]]:
    """The ids that log lines of the outbox carried."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter().format(record)).get("request_id", ""))

    handler = Handler()
    logger = logging.getLogger("cps_portal.core.outbox.actions")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_a_mail_and_a_webhook_carry_the_id_of_the_page(world: World, as_ana: Client, no_broker: None) -> None:
    load_offers()
    with receiving() as receiver:
        add_partner(receiver.url)
        earlier = list(Message.objects.values_list("pk", flat=True))
        pack = {"name": "Ana Example", "country": "ZA", "street": "14 Oak Avenue", "city": "Johannesburg"}
        pack |= {"postal_code": "2092", "phone": "082 123 4567", "go": "confirm"}
        case = {"kind": "contact", "subject": "A question", "text": "How do I post my camera?"}
        for page, typed in (("/offers/welcome-pack/", pack), ("/contact/", case)):
            answer = as_ana.post(page, typed, headers={"X-Request-ID": REQUEST})
            assert (answer.status_code, answer["X-Request-ID"]) == (302, REQUEST)
        messages = Message.objects.exclude(pk__in=earlier)
        assert {message.kind for message in messages} == {"mail", "webhook"}
        assert {message.request_id for message in messages} == {REQUEST}
        assert all(actions.deliver(message.pk) for message in messages)
        (hook,) = receiver.got
    assert hook.headers["x-request-id"] == REQUEST
    assert {each.extra_headers["X-Request-ID"] for each in mail.outbox} == {REQUEST}


def test_a_failing_delivery_is_logged_under_the_id_of_the_page(
    world: World, settings: Settings, seen: list[str]
) -> None:
    settings.EMAIL_BACKEND = "tests.system.backends.Failing"
    with bound_request_id(REQUEST), transaction.atomic():
        message = actions.enqueue(
            key="k", kind="mail", to="ana@example.org", payload={"subject": "s", "text": "t"}, at=timezone.now()
        )
    assert message
    with bound_request_id("the-task-that-sweeps"):
        actions.deliver(message.pk)
    assert seen == [REQUEST]


def test_what_no_request_wrote_is_sent_without_the_header(db: None) -> None:
    with transaction.atomic():
        message = actions.enqueue(
            key="k", kind="mail", to="ana@example.org", payload={"subject": "s", "text": "t"}, at=timezone.now()
        )
    assert message and message.request_id == ""
    actions.deliver(message.pk)
    assert "X-Request-ID" not in mail.outbox[-1].extra_headers


def test_a_task_carries_the_id_to_the_worker_and_forgets_it_afterwards() -> None:
    headers: dict[str, object] = {}
    with bound_request_id(REQUEST):
        add_headers(headers=headers)
    assert headers["request_id"] == REQUEST
    deliver.push_request(**headers)
    try:
        bind_id_of_task(task=deliver)
        assert current_request_id() == REQUEST
    finally:
        unbind_id_of_task()
        deliver.pop_request()
    assert current_request_id() == ""


def test_each_task_of_the_clock_has_an_id_of_its_own() -> None:
    ids = set()
    for _n in range(2):
        deliver.push_request(request_id="")
        bind_id_of_task(task=deliver)
        ids.add(current_request_id())
        unbind_id_of_task()
        deliver.pop_request()
    assert len(ids - {""}) == 2
