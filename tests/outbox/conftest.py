from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.models import Message
from tests.outbox.smtp import Server, mail_server
from tests.workers import broker, no_broker, start_worker

__all__ = ["broker", "no_broker", "start_worker"]
LETTER = {"subject": "Hello", "text": "Hello Ana", "html": "<p>Hello Ana</p>"}


@pytest.fixture(autouse=True)
def quiet(no_broker: None) -> None:
    """Nothing is published unless a test asks for a broker."""


@pytest.fixture
def mail_host(settings: Settings) -> Iterator[Server]:
    """A real mail server on loopback that answers as the test tells it."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def post() -> Callable[..., Message]:
    """Post one mail in a transaction of its own."""

    def post_one(key: str = "hello-1", **fields: Any) -> Message:
        values: dict[str, Any] = {"kind": "mail", "to": "ana@example.org", "payload": LETTER, **fields}
        with transaction.atomic():
            message = actions.enqueue(key=key, **values)
        assert message is not None
        return message

    return post_one
