"""Reports of errors say where the code failed, and nothing about whom it failed for."""

import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.db import ProgrammingError, connection
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from cps_portal.core.lib.error_reports import clean_event, report_errors, scrub
from tests.world import World

TOKEN = "AbC-_9" * 7 + "x"


@pytest.mark.parametrize(
    "text",
    [
        "no card at /c/{}/",
        "https://portal.example/accounts/password/reset/key/{}/",
        "GET /kitbag/?q={}",
        "Authorization: Bearer {}",
        "cannot send to {}@example.org",
        "no member 'ana.{}@example.org'",
        'duplicate key value violates unique constraint "u" DETAIL:  Key (email)=({}) already exists.',
        "DETAIL:  Key (serial_key, product_id)=({}, 7) already exists.",
        "Failing row contains (7, {}, null).",
        "access_token={}",
    ],
)
def test_secrets_and_addresses_are_cut(text: str) -> None:
    assert TOKEN not in scrub(text.format(TOKEN))


def test_numbers_of_people_products_and_machines_are_cut() -> None:
    texts = [
        *("4400 0000 0016", "012345678901", "AB12345678", "+27 82 123 4567", "+27821234567", "203.0.113.9"),
        *(
            "2001:db8:0:0:0:0:0:1",
            "7KQM-3XHA-9RTC-2222",
            "0123-4567",
            "SN-20480199",
            "550e8400-e29b-41d4-a716-446655440000",
        ),
    ]
    kept = [text for text in texts if text in scrub(f"serial {text} is wrong")]
    assert kept == []


def test_words_that_say_what_failed_stay() -> None:
    for text in (
        "division by zero",
        "'NoneType' object has no attribute 'member'",
        "list index out of range",
        "relation kitbag_registration does not exist",
        "expected 3 values, got 2",
        "HTTP 503",
    ):
        assert scrub(text) == text


def test_what_is_not_listed_is_dropped() -> None:
    event = {
        "event_id": "1",
        "level": "error",
        "user": {"id": "7", "ip_address": "203.0.113.9"},
        "extra": {"celery-job": {"args": [TOKEN]}},
        "server_name": "web-1",
        "logentry": {"message": "sent to %s", "params": [TOKEN], "formatted": TOKEN},
        "contexts": {"runtime": {"name": "CPython"}, "reply": {"to": TOKEN}},
        "request": {
            "method": "POST",
            "url": f"https://portal.example/c/{TOKEN}/",
            "query_string": f"t={TOKEN}",
            "cookies": {"sessionid": TOKEN},
            "headers": {"Authorization": TOKEN},
            "env": {"REMOTE_ADDR": "203.0.113.9"},
            "data": {"password": TOKEN},
        },
        "exception": {
            "values": [{"type": "ValueError", "value": TOKEN, "stacktrace": {"frames": [{"vars": {"token": TOKEN}}]}}]
        },
        "breadcrumbs": {"values": [{"category": "http", "message": "", "data": {"url": TOKEN}}]},
    }
    cleaned = clean_event(event)
    assert TOKEN not in json.dumps(cleaned) and "203.0.113.9" not in json.dumps(cleaned)
    assert cleaned["request"] == {"method": "POST", "url": "https://portal.example/c/[cut]"}
    assert cleaned["exception"]["values"][0]["type"] == "ValueError"
    assert cleaned["contexts"] == {"runtime": {"name": "CPython"}}


class Catching(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events += [item.payload.json for item in envelope.items if item.payload.json]


@pytest.fixture
def reports() -> Iterator[Catching]:
    transport = Catching()
    report_errors(dsn="https://public@sentry.example/1", environment="test", transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.wide  # Sentry changes Django and Celery for the rest of the process
def test_errors_behind_links_with_secrets_are_reported_without_them(world: World, reports: Catching) -> None:
    token, serial, query, cookie, bearer = (secrets.token_urlsafe(24) + "1" for _n in range(5))
    email, address = f"{secrets.token_hex(4)}@example.org", f"203.0.113.{70 + 7}"
    hidden = {"token": token, "serial": serial, "query": query, "cookie": cookie, "bearer": bearer, "email": email}

    def fail(*_args: object) -> None:
        raise ProgrammingError(f"DETAIL:  Key (serial_key, email)=({serial}, {email}) already exists at /c/{token}/.")

    client = Client(raise_request_exception=False)
    client.force_login(world.ana.user)
    client.cookies["kept"] = cookie
    paths = [
        f"/c/{token}/",
        f"/accounts/password/reset/key/{token}/",
        f"/accounts/confirm-email/{token}/",
        f"/contact/case/{token}/",
        "/kitbag/",
        "/profile/",
    ]
    headers = {"authorization": f"Bearer {bearer}", "x-forwarded-for": address, "x-request-id": "0123456789abcdef"}
    with connection.execute_wrapper(fail):
        for path in paths:
            answer = client.get(path, {"q": query}, headers=headers, REMOTE_ADDR=address)
            assert answer.status_code == 500, path
            client.post(path, {"email": email, "serial": serial, "password": token}, headers=headers)
    logging.getLogger("cps_portal").error("could not send to %s: %s", email, serial)
    assert len(reports.events) >= len(paths)
    text = json.dumps(reports.events, default=str)
    assert {name for name, value in {**hidden, "address": address}.items() if value in text} == set()
    assert client.cookies["sessionid"].value not in text
    event = next(event for event in reports.events if event.get("exception"))
    assert event["exception"]["values"][-1]["type"] == "ProgrammingError"
    assert event["tags"]["request_id"] == "0123456789abcdef"
