"""How a process connects to PostgreSQL: directly, or through a pool of connections.

The portal needs some settings of PostgreSQL to differ from their defaults. A direct connection sends them when it
opens. A pool in transaction mode (PgBouncer) refuses that, because its connections serve many clients in turn: there
`manage.py prepare_database` writes the same settings to the roles. For the same reason nothing may be changed for a
whole session, no lock may outlive its transaction, and no cursor may stay open on the server between two statements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from cps_portal.core.lib.time_limits import LIMITS, NETWORK_OPTIONS

# pg_trgm reads the similarity that the product search needs from the connection. With the default random_page_cost
# the planner takes solid-state disks for spinning ones, and reads the whole table instead of the search index.
SEARCH_SETTINGS = {"pg_trgm.word_similarity_threshold": "0.5", "random_page_cost": "1.1"}


def server_settings(kind: str) -> dict[str, str]:
    """What a connection for this kind of work sets on the server. Raises KeyError for an unknown kind."""
    limits = LIMITS[kind]
    return {
        **SEARCH_SETTINGS,
        "statement_timeout": str(limits.statement),
        "lock_timeout": str(limits.lock),
        "idle_in_transaction_session_timeout": str(limits.idle_in_transaction),
        "transaction_timeout": str(limits.transaction),
    }


def direct_connection(server: dict[str, Any], *, kind: str, max_age: int) -> dict[str, Any]:
    """An entry of DATABASES for a connection to PostgreSQL itself; `max_age` in seconds."""
    options = " ".join(f"-c {name}={value}" for name, value in server_settings(kind).items())
    return {
        **server,
        "CONN_MAX_AGE": max_age,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {**server.get("OPTIONS", {}), **NETWORK_OPTIONS, "options": options},
    }


def pooled_connection(server: dict[str, Any]) -> dict[str, Any]:
    """An entry of DATABASES for a connection through PgBouncer in transaction mode."""
    options = {name: value for name, value in server.get("OPTIONS", {}).items() if name != "options"}
    return {
        **server,
        "CONN_MAX_AGE": 0,  # the pool keeps connections, and knows whether they are well
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {**options, **NETWORK_OPTIONS},
    }


@contextmanager
def connected_directly(kind: str) -> Iterator[None]:
    """Leave the pool out, with the limits of this kind of work: for what works on the schema. Closes what is open.

    Both addresses have to name the same database.
    """
    connection = connections["default"]
    before = dict(connection.settings_dict)
    direct = direct_connection(settings.DATABASE_DIRECT, kind=kind, max_age=0)
    connection.close()
    connection.settings_dict.update({**direct, "NAME": before["NAME"]})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
