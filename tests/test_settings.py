"""Settings come from one table of environment variables; documents are made from it, bad values are named."""

import re
from datetime import date, time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from cps_portal.core.lib.opening_hours import Hours
from cps_portal.settings.environment import VARIABLES, env
from cps_portal.settings.variables import COMPOSE
from cps_portal.site.management.commands.list_settings import describe_all, documents

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("cps_portal", "members", "kitbag", "servicing")
# What decides how a process starts, before there are settings; and what only developers use.
OWN_READERS = {"cps_portal/settings/environment.py", "cps_portal/settings/dev.py", "cps_portal/settings/test.py"}

BAD_VALUES = {
    "SITE_URL": ["portal.example", "https://portal.example/", "ftp://portal.example"],
    "DATABASE_URL": [
        "mysql://user:hidden@host/name",
        "hidden",
        "sqlite:///hidden",
        "postgres://user:hidden@host:port/name",
    ],
    "REDIS_URL": ["localhost:6379", "http://:hidden@localhost"],
    "ENCRYPTION_KEYS": ["hidden", "x" * 31, f"{'x' * 32},hidden", f"hidden, {'x' * 40}"],
    "EMAIL_URL": ["mail.example", "smtpx://user:hidden@mail.example", "smtp://mail.example:port"],
    "DATABASE_LIMITS": ["job", "webs", "0"],
    "BEHIND_PROXY": ["maybe", "2", "tru"],
    "CONN_MAX_AGE": ["-1", "1.5", "ten", "100000"],
    "REVIEW_SAMPLE_PERCENT": ["101", "-0.1", "nan", "1 %", "inf"],
    "TIME_ZONE": ["Africa", "Africa/Nowhere", "../etc/passwd", "/etc/passwd", "GMT+99"],
    "SUPPORT_HOURS": [
        "9-17",
        "Mo 25:00-26:00",
        "Mo-Fr 17:00-09:00",
        "Mo 9:00-17:00",
        "Mo 09:00-17:00; Mo 09:00-12:00",
        ";",
    ],
    "SUPPORT_HALF_DAYS": ["2026-12-24", "2026-12-24=noon", "13:00"],
    "SUPPORT_SEASONS": [
        "2026-02-18=09:00-15:00",
        "2026-03-19/2026-02-18=09:00-15:00",
        "2026-02-18/2026-03-19=15:00-09:00",
    ],
    "SUPPORT_DAYS_OFF": ["24.12.2026", "2026-13-01", "2026-12-24;2026-12-31"],
    "SUPPORT_COUNTRY": ["South Africa", "Z", "12"],
    "LOG_LEVEL": ["LOUD", "20"],
    "LOG_FORMAT": ["xml"],
}
GOOD_VALUES = {
    "SITE_URL": ("https://portal.example", "https://portal.example"),
    "ALLOWED_HOSTS": ("a.example, b.example,", ["a.example", "b.example"]),
    "BEHIND_PROXY": ("True", True),
    "SECURE_SSL_REDIRECT": ("0", False),
    "CONN_MAX_AGE": ("0", 0),
    "REVIEW_SAMPLE_PERCENT": ("2.5", 2.5),
    "SECRET_KEY": ("$5,x", "$5,x"),
    "SUPPORT_HOURS": ("Su 09:00-17:00", {7: Hours(time(9), time(17))}),
    "SUPPORT_HALF_DAYS": ("2026-12-24=13:00", [(date(2026, 12, 24), time(13))]),
    "SUPPORT_COUNTRY": ("ke", "KE"),
    "LOG_LEVEL": (" warning ", "WARNING"),
}


def production_sources() -> dict[str, str]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths if "cps_portal/dev/" not in str(path)}


def test_the_documents_list_exactly_the_variables_that_there_are() -> None:
    outdated = [path.name for path, text in documents(ROOT).items() if path.read_text() != text]
    assert outdated == [], "run manage.py list_settings --update"
    assert all(f"`{name}`" in describe_all() for name in VARIABLES)


def test_every_declared_variable_is_read_and_nothing_else_is() -> None:
    sources = production_sources()
    read = {name for text in sources.values() for name in re.findall(r"\benv\(\s*\"(\w+)\"\s*\)", text)}
    assert read == set(VARIABLES)
    readers = {
        name
        for name, text in sources.items()
        if re.search(r"os\.(environ(?!\.setdefault)|getenv)|environ\.Env\(|\benv\.\w+\(", text)
    }
    assert readers - OWN_READERS == {"cps_portal/gunicorn.py"}  # which has set DATABASE_LIMITS itself


def test_a_bad_value_stops_the_start_and_the_message_names_the_variable_and_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, values in BAD_VALUES.items():
        for value in values:
            monkeypatch.setenv(name, value)
            with pytest.raises(ImproperlyConfigured, match=re.escape(VARIABLES[name].kind.name)) as error:
                env(name)
            assert str(error.value).startswith(f"{name}: ") and "hidden" not in str(error.value)


def test_values_are_read_as_their_kind_says_and_an_empty_one_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (text, value) in GOOD_VALUES.items():
        monkeypatch.setenv(name, text)
        assert env(name) == value, name
    for name in ("CONN_MAX_AGE", "SUPPORT_ZONE", "BEHIND_PROXY", "SUPPORT_HOURS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TIME_ZONE", "Africa/Nairobi")
    monkeypatch.setenv("REDIS_URL", "redis://broker/0")
    monkeypatch.delenv("CACHE_URL", raising=False)
    assert env("CACHE_URL") == "redis://broker/0"
    monkeypatch.setenv("CACHE_URL", "redis://cache/0")
    assert (env("CACHE_URL"), env("REDIS_URL")) == ("redis://cache/0", "redis://broker/0")
    assert (env("CONN_MAX_AGE"), env("SUPPORT_ZONE"), env("BEHIND_PROXY")) == (60, "Africa/Nairobi", False)


def test_all_missing_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    required = [name for name, variable in VARIABLES.items() if variable.default is None]
    for name in required:
        monkeypatch.setenv(name, " ")
    with pytest.raises(ImproperlyConfigured) as error:
        env("SECRET_KEY")
    assert all(name in str(error.value) for name in required)


def test_every_default_can_be_read() -> None:
    for variable in [*VARIABLES.values(), *COMPOSE]:
        if variable.default is not None and not variable.falls_back_to:
            variable.kind.read(variable.default)
