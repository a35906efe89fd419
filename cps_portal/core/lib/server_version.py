"""The portal needs PostgreSQL 17 or newer, and says so at start.

Its connections set transaction_timeout, which older servers do not know: they would refuse every connection with a
sentence about an unknown parameter. So the version is asked for on a connection without any settings.
"""

import sys
from typing import Any

import psycopg2
from django.core.checks import CheckMessage, Error
from django.db import connections

MIN_MAJOR_VERSION = 17
WHAT_TO_DO = (
    "Upgrade the server (pg_upgrade, or pg_dump and restore into a new one), or set DATABASE_URL to a newer one. "
    "See docs/backup.md."
)
PLACE_PARAMETERS = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "connect_timeout")


def find_fault(version: int, *, minimum: int = MIN_MAJOR_VERSION) -> str:
    """What is wrong with a server of this version, as `server_version_num` has it (180001); "" if nothing is."""
    if version >= minimum * 10_000:
        return ""
    return f"This is PostgreSQL {_worded(version)}. The portal needs PostgreSQL {minimum} or newer."


def read_server_version(parameters: dict[str, Any]) -> int | None:
    """The version of the server that these parameters lead to; None if it does not answer."""
    try:
        connection = psycopg2.connect(**{name: parameters[name] for name in PLACE_PARAMETERS if name in parameters})
    except psycopg2.OperationalError:
        return None
    try:
        return int(connection.server_version)
    finally:
        connection.close()


def server_is_new_enough(app_configs: Any, *, databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """System check, made by `migrate` and by `check --database default`."""
    if "default" not in (databases or ()):
        return []
    fault = _fault_of_default()
    return [Error(fault, hint=WHAT_TO_DO, id="portal.E001")] if fault else []


def require_new_server() -> None:
    """Exit with a sentence if the server is too old. One that does not answer is waited for as usual."""
    if fault := _fault_of_default():
        sys.exit(f"{fault} {WHAT_TO_DO}")


def _fault_of_default() -> str:
    version = read_server_version(connections["default"].get_connection_params())
    return find_fault(version) if version else ""


def _worded(version: int) -> str:
    major, minor = divmod(version, 10_000)
    return f"{major}.{minor}" if major >= 10 else f"{major}.{minor // 100}.{minor % 100}"
