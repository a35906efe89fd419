from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from cps_portal.celery import app
from cps_portal.embedded import valkey
from cps_portal.lib import background
from cps_portal.outbox import actions
from cps_portal.outbox.models import Message
from tests.outbox.smtp import Server, mail_server

NOWHERE = "redis://127.0.0.1:1/0"
LETTER = {"subject": "Hello", "text": "Hello Ana", "html": "<p>Hello Ana</p>"}


def use_broker(url: str) -> None:
    """Let this process publish to another broker."""
    app.conf.broker_url = app.conf.broker_write_url = url
    background.forget_failures()


@pytest.fixture(autouse=True)
def no_broker() -> Iterator[None]:
    """Nothing is published unless a test asks for a broker: what is written waits for the sweep."""
    before = app.conf.broker_url
    use_broker(NOWHERE)
    yield
    use_broker(before)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """A real broker of the test's own; this process publishes to it."""
    home = tmp_path / "broker"
    home.mkdir()
    service, url = valkey.start(home, durable=False)
    use_broker(url)
    try:
        yield url
    finally:
        use_broker(NOWHERE)
        service.stop()


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
            message = actions.post(key=key, **values)
        assert message is not None
        return message

    return post_one
