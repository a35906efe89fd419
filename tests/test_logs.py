"""Logs contain nothing that opens something by itself, and the id that a request had from the front server on."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter
from django.urls.resolvers import RegexPattern, RoutePattern

from cps_portal.core.lib.logs import JsonFormatter, LineFormatter, cut_secrets
from tests.factories import PASSWORD
from tests.rows import each_row
from tests.world import World

TOKEN = "AbC-_9" * 7 + "x"
FORMATTERS = (JsonFormatter(), LineFormatter())


@pytest.mark.parametrize(
    "text",
    [
        f"Not Found: /c/{TOKEN}/",
        f"Forbidden (CSRF cookie not set.): /contact/case/{TOKEN}/",
        f'"GET /accounts/password/reset/key/{TOKEN}/ HTTP/1.1" 200',
        f"Not Found: /accounts/confirm-email/{TOKEN}/",
        f"Not Found: /accounts/email/undo/{TOKEN}:1wAb:{TOKEN}/",
        f"https://portal.example/c/{TOKEN}",
        f"/help/?key={TOKEN}&q=card",
        f"refresh_token={TOKEN}",
        f"access_token={TOKEN} expired",
        f"client_secret={TOKEN}",
        f"password={TOKEN}",
        f"at /c/{TOKEN}?download=1",
    ],
)
@each_row("formatter", [JsonFormatter(), LineFormatter()])
def test_secrets_are_cut_out_of_log_lines(text: str, formatter: logging.Formatter) -> None:
    line = formatter.format(logging.LogRecord("django.request", logging.WARNING, "", 0, "%s", (text,), None))
    assert TOKEN not in line and "[cut]" in line


@each_row("text", ["/kitbag/12/", "/centres/", "/cases/ABCD1234/", "the key is lost", "code review"])
def test_other_text_stays(text: str) -> None:
    assert cut_secrets(text) == text


def test_errors_are_logged_without_secrets() -> None:
    error = ValueError(f"no card at /c/{TOKEN}/")
    record = logging.LogRecord("portal", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__))
    line = JsonFormatter().format(record)
    assert TOKEN not in line and json.loads(line)["error"].startswith("ValueError: no card at /c/[cut]")


@each_row(
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


# --- Addresses that are secrets ---

SECRET_PARAMETERS = {"token", "key", "uidb36", "undo"}  # of paths
NO_SECRETS = {  # they name a row, and open it only to whom it belongs
    "files:file",
}


def secret_addresses() -> dict[str, str]:
    """Every address of the portal that opens something by itself, with a token in it."""
    addresses = {}
    for name, pattern in named_patterns(get_resolver()):
        parameters = parameters_of(pattern)
        texts = {parameter for parameter, kind in parameters.items() if not isinstance(kind, IntConverter)}
        if texts & SECRET_PARAMETERS and name not in NO_SECRETS and not name.startswith(("admin:", "api")):
            values = {parameter: TOKEN if parameter in SECRET_PARAMETERS else 1 for parameter in parameters}
            try:
                addresses[name] = reverse(name, kwargs=values)
            except NoReverseMatch:  # a pattern that is a regular expression
                addresses[name] = reverse(name, kwargs={"uidb36": "1", "key": TOKEN})
    return addresses


def parameters_of(pattern: RoutePattern | RegexPattern) -> dict[str, object]:
    """The names in the path, with their converters; None for those of a regular expression."""
    if isinstance(pattern, RegexPattern):
        return dict.fromkeys(pattern.regex.groupindex)
    return dict(pattern.converters)


def named_patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, RoutePattern | RegexPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from named_patterns(entry, inner)
        elif entry.name:
            yield f"{namespace}{entry.name}", entry.pattern


def test_no_log_line_contains_the_token_of_an_address_that_is_a_secret(
    caplog: pytest.LogCaptureFixture, db: None
) -> None:
    """Whoever reads the logs must not be able to open what the addresses open."""
    addresses = secret_addresses()
    known = {"card_check", "account_confirm_email", "account_reset_password_from_key", "cases:visitor"}
    assert known <= set(addresses)
    shown = []
    client = Client(raise_request_exception=False)
    with caplog.at_level(logging.DEBUG):
        for name, address in addresses.items():
            for method in (client.get, client.post, client.put):
                caplog.clear()
                method(address)
                method(address.rstrip("/") + "/nothing-here/")
                lines = [formatter.format(record) for formatter in FORMATTERS for record in without_sql(caplog.records)]
                shown += [(name, line) for line in lines if TOKEN in line]
    assert shown == []


def without_sql(records: list[logging.LogRecord]) -> list[logging.LogRecord]:
    """SQL is never logged in production: that needs DEBUG."""
    return [record for record in records if record.name != "django.db.backends"]


def test_the_front_server_cuts_the_same_addresses() -> None:
    template = (settings.BASE_DIR / "deploy/nginx/portal.conf.template").read_text()
    (prefixes,) = re.findall(r'"~\^\(\?<kept>([^)]+)\)"', template)
    wrong = {name: url for name, url in secret_addresses().items() if not re.match(f"({prefixes})", url)}
    assert wrong == {}


# --- Signing in ---


def test_sign_in_and_what_it_takes_are_logged_without_what_was_typed(
    caplog: pytest.LogCaptureFixture, world: World
) -> None:
    client, user = Client(), world.ana.user
    with caplog.at_level(logging.INFO, logger="portal.security"):
        client.post("/accounts/login/", {"login": user.email, "password": "wrong horse battery"})
        client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.post("/accounts/logout/")
    lines = [
        json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "portal.security"
    ]
    events = [(line["event"], line.get("user"), line.get("again", False)) for line in lines]
    assert events == [
        ("wrong password", None, False),
        ("a step of signing in", user.pk, False),
        ("signed in", user.pk, False),
        ("a step of signing in", user.pk, True),
        ("signed out", user.pk, False),
    ]
    assert not any(typed in json.dumps(lines) for typed in (user.email, PASSWORD, "battery"))


def test_refused_rights_are_logged(caplog: pytest.LogCaptureFixture, as_ana: Client) -> None:
    with caplog.at_level(logging.WARNING):
        assert as_ana.get("/admin/login/").status_code == 403
    assert any("Forbidden" in record.getMessage() for record in caplog.records)


# --- Form of the lines ---


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\u2028b", "a\x1b[2Jb", 'a", "level": "ERROR', "a\x00b", "\u202eabc"]
)
def test_a_line_of_the_log_is_one_line_whatever_it_contains(text: str) -> None:
    record = logging.LogRecord("portal", logging.INFO, "", 0, "typed: %s", (text,), None)
    line = JsonFormatter().format(record)
    assert line.isascii() and line.isprintable()
    assert json.loads(line)["message"] == f"typed: {text}" and json.loads(line)["level"] == "INFO"


def test_times_are_utc() -> None:
    line = JsonFormatter().format(logging.LogRecord("portal", logging.INFO, "", 0, "", None, None))
    moment = datetime.fromisoformat(json.loads(line)["time"])
    assert moment.utcoffset() == timedelta(0)
