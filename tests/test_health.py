"""Health checks answer at once, whatever is frozen or misconfigured."""

import time
from collections.abc import Iterator
from functools import cache

import pytest
from django.test import Client

from cps_portal.core.lib import health
from tests.rows import each_row


@pytest.fixture(autouse=True)
def own_probe() -> Iterator[None]:
    """Each test asks a probe of its own."""
    yield
    health.stop_probe()


@each_row("path", ["/health/live", "/health/live/", "/health/ready", "/health/ready/"])
@each_row("host", ["testserver", "10.0.0.7:8000", "no such host"])
@each_row("is_secure", [True, False])
def test_health_needs_no_host_name_and_no_https(
    path: str, host: str, is_secure: bool, db: None, settings: object
) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]
    response = Client().get(path, secure=is_secure, headers={"host": host})
    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert response["Cache-Control"] == "no-store"


def test_ready_says_so_within_a_second_if_the_database_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    probe = health.DatabaseProbe()  # never started: as if its first question had no answer yet
    monkeypatch.setattr(health, "probe", cache(lambda: probe))
    monkeypatch.setattr(probe, "stop", lambda: None)
    began = time.monotonic()
    assert Client().get("/health/ready").status_code == 503
    assert time.monotonic() - began < 1.5
    assert Client().get("/health/live").status_code == 200


def test_an_old_answer_of_the_database_does_not_count() -> None:
    probe = health.DatabaseProbe()
    probe.asked.set()
    probe.answered_at = time.monotonic()
    assert probe.answers()
    probe.answered_at -= health.MAX_AGE_SECONDS + 0.1
    assert not probe.answers()
