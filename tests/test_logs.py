"""Logs contain nothing that opens something by itself, and the id that a request had from the front server on."""

import json
import logging

import pytest
from django.test import Client

from cps_portal.core.lib.logs import JsonFormatter, LineFormatter, cut_secrets

TOKEN = "AbC-_9" * 7 + "x"


@pytest.mark.parametrize(
    "text",
    [
        f"Not Found: /c/{TOKEN}/",
        f"Forbidden (CSRF cookie not set.): /contact/case/{TOKEN}/",
        f'"GET /accounts/password/reset/key/{TOKEN}/ HTTP/1.1" 200',
        f"Not Found: /accounts/confirm-email/{TOKEN}/",
        f"https://portal.example/c/{TOKEN}",
        f"/help/?key={TOKEN}&q=card",
        f"refresh_token={TOKEN}",
        f"access_token={TOKEN} expired",
        f"client_secret={TOKEN}",
        f"password={TOKEN}",
        f"at /c/{TOKEN}?download=1",
    ],
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter()])
def test_secrets_are_cut_out_of_log_lines(text: str, formatter: logging.Formatter) -> None:
    line = formatter.format(logging.LogRecord("django.request", logging.WARNING, "", 0, "%s", (text,), None))
    assert TOKEN not in line and "[cut]" in line


@pytest.mark.parametrize("text", ["/kitbag/12/", "/centres/", "/cases/ABCD1234/", "the key is lost", "code review"])
def test_other_text_stays(text: str) -> None:
    assert cut_secrets(text) == text


def test_errors_are_logged_without_secrets() -> None:
    error = ValueError(f"no card at /c/{TOKEN}/")
    record = logging.LogRecord("portal", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__))
    line = JsonFormatter().format(record)
    assert TOKEN not in line and json.loads(line)["error"].startswith("ValueError: no card at /c/[cut]")


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("0123456789abcdef", True),
        ("a-b-c-d-e-f", True),
        ("short", False),
        ("x" * 65, False),
        ('injected" } {', False),
        ("", False),
    ],
)
def test_the_id_of_a_request_is_that_of_the_front_server_if_it_is_one(sent: str, is_kept: bool, db: None) -> None:
    answer = Client().get("/terms/", headers={"X-Request-ID": sent} if sent else {})
    assert (answer["X-Request-ID"] == sent) is is_kept
    assert len(answer["X-Request-ID"]) >= 8


def test_each_request_is_logged_by_view_without_its_address(caplog: pytest.LogCaptureFixture, db: None) -> None:
    with caplog.at_level(logging.INFO, logger="portal.requests"):
        Client().get(f"/c/{TOKEN}/", headers={"X-Request-ID": "0123456789abcdef"})
    (record,) = [record for record in caplog.records if record.name == "portal.requests"]
    line = json.loads(JsonFormatter().format(record))
    assert (line["view"], line["status"], line["method"]) == ("card_check", 200, "GET")
    assert TOKEN not in json.dumps(line)
