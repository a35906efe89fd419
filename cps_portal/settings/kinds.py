"""What the value of an environment variable may be, in words, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import environ

from cps_portal.core.lib.opening_hours import Hours, Season, parse_week
from cps_portal.core.lib.web_push import public_key

MIN_KEY_LENGTH = 32


@dataclass(frozen=True)
class Kind:
    """What a value may be: in words, and how it is read. `read` raises ValueError or KeyError for anything else."""

    name: str
    read: Callable[[str], Any]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """`default` is written as in the environment; None if the variable is required."""

    name: str
    kind: Kind
    default: str | None
    meaning: str
    falls_back_to: str = ""  # the variable whose value counts if this one is not set
    example: str = ""  # for .env.example
    is_secret: bool = False  # its value is never printed
    is_set_by_compose: bool = False  # docker-compose.yml says it


def one_of(*values: str) -> Kind:
    """One of these values, however it is written in upper and lower case."""
    known = {value.lower(): value for value in values}
    return Kind(" or ".join(values), lambda text: known[text.lower()])


def number(minimum: float, maximum: float) -> Kind:
    """A number within bounds, both included."""

    def read(text: str) -> float:
        value = float(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"number from {minimum:.15g} to {maximum:.15g}", read)


def whole_number(minimum: int, maximum: int) -> Kind:
    """A whole number within bounds, both included."""

    def read(text: str) -> int:
        value = int(text)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"whole number from {minimum} to {maximum}", read)


def list_of(name: str, read: Callable[[str], Any]) -> Kind:
    return Kind(
        f"{name}, separated by commas", lambda text: [read(part.strip()) for part in text.split(",") if part.strip()]
    )


def _read_url(text: str) -> str:
    """An address without a slash at the end: paths are appended to it."""
    if not text.startswith(("http://", "https://")) or text.endswith("/"):
        raise ValueError
    return text


def _read_contact(text: str) -> str:
    if text and not text.startswith(("https://", "mailto:")):
        raise ValueError
    return text


def _read_key(text: str) -> str:
    if len(text) < MIN_KEY_LENGTH:
        raise ValueError
    return text


def _read_push_key(text: str) -> str:
    if text:
        public_key(text)
    return text


def _read_broker(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError
    return text


def _read_database(text: str) -> dict[str, Any]:
    if not text.startswith(("postgres://", "postgresql://")):
        raise ValueError
    return dict(environ.Env.db_url_config(text))


def _read_pairs(text: str) -> dict[str, str]:
    """Values may contain further equals signs, as keys in base64 do."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and sign for name, sign, _value in pairs):
        raise ValueError
    return {name.strip().upper(): value.strip() for name, _sign, value in pairs}


def _read_mail_server(text: str) -> dict[str, Any]:
    return dict(environ.Env.email_url_config(text))


def _read_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except OSError:  # a part of a name is a folder
        raise ValueError from None


def _read_half_day(text: str) -> tuple[date, time]:
    day, _equals, closes = text.partition("=")
    return date.fromisoformat(day), time.fromisoformat(closes)


def _read_season(text: str) -> Season:
    """Raises ValueError, also for a season that ends before it begins."""
    days, _equals, hours = text.partition("=")
    first, last = (date.fromisoformat(day) for day in days.split("/"))
    opens, closes = (time.fromisoformat(moment) for moment in hours.split("-"))
    if last < first:
        raise ValueError
    return Season(first, last, Hours(opens, closes))


def _read_country(text: str) -> str:
    if len(text) != 2 or not text.isalpha():
        raise ValueError
    return text.upper()


DAY = 24 * 3600  # seconds
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
TEXT = Kind("text", str)
YES_OR_NO = Kind("true or false", lambda text: {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}[text.lower()])
TEXTS = list_of("texts", str)
KEYS = list_of(f"texts of {MIN_KEY_LENGTH} characters or more", _read_key)
URL = Kind("http or https address", _read_url)
CONTACT = Kind("https or mailto address", _read_contact)
DATABASE = Kind("address: postgres://user:password@host:port/name", _read_database)
REDIS = Kind("address: redis://host:port/number", _read_broker)
MAIL_SERVER = Kind("address: smtp+tls://user:password@host:587", _read_mail_server)
ZONE = Kind("time zone of the IANA database", _read_zone)
HOURS = Kind("hours by weekday, as Mo-Th 09:00-18:00; Fr 09:00-12:00", parse_week)
HALF_DAYS = list_of("days and closing times as 2026-12-24=13:00", _read_half_day)
SEASONS = list_of("days and hours as 2026-02-18/2026-03-19=09:00-15:00", _read_season)
DAYS = list_of("days as 2026-12-24", date.fromisoformat)
COUNTRY = Kind("two letters of ISO 3166", _read_country)
PUSH_KEY = Kind("key, as manage.py make_push_key prints it", _read_push_key)
PAIRS = Kind("NAME=value, separated by commas", _read_pairs)
