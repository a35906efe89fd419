"""Connections to PostgreSQL, directly and through a pool, have the settings that the portal needs."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from cps_portal.core.lib.databases import direct_connection, pooled_connection, server_settings
from cps_portal.core.lib.time_limits import LIMITS, longer_statements

ROOT = Path(settings.BASE_DIR)
SERVER = {"NAME": "portal", "HOST": "pool", "OPTIONS": {"sslmode": "require", "options": "-c lock_timeout=1"}}
# What belongs to a session would meet other clients of a pool, or be lost. Allowed are the same words with LOCAL,
# TRANSACTION (the next one only) or CONSTRAINTS (of this transaction), and locks whose name has `_xact_`.
OF_A_SESSION = re.compile(
    r"pg_(try_)?advisory_lock"
    r"|(?:^|;)\s*(listen|notify|unlisten|reset) [\w.*]+\s*(,|;|$)"
    r"|(?:^|;)\s*(discard (all|temp|plans|sequences)|declare \w+ |prepare \w+ as |set session |create temp)"
    r"|(?:^|;)\s*(?-i:set|SET) (?!local|transaction|constraints)\w+ (=|to) ",  # prose begins with a capital
    re.IGNORECASE,
)


def strings_of(source: str) -> list[str]:
    """Strings of a Python file without its docstrings: what a database could be sent."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_nothing_that_belongs_to_a_session_is_used() -> None:
    sources = [
        path for name in ("cps_portal", "members", "kitbag", "servicing") for path in (ROOT / name).rglob("*.py")
    ]
    kept = [path for path in sources if "cps_portal/dev/" not in str(path) and path.parent.name != "migrations"]
    used = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in kept
        for text in strings_of(path.read_text())
        if OF_A_SESSION.search(text)
    }
    assert used == set()


def test_what_belongs_to_a_session_is_recognised() -> None:
    refused = ["select pg_advisory_lock(1)", "SET statement_timeout = 5", "set role to portal", "LISTEN changes"]
    refused += [
        "set session characteristics as x",
        "reset statement_timeout",
        "create temporary table x",
        "discard all",
    ]
    refused += [
        "select pg_try_advisory_lock(%s)",
        "declare c cursor for select",
        "prepare p as select 1",
        "notify changes",
    ]
    allowed = ["select pg_advisory_xact_lock(1)", "set local work_mem = '64MB'", "set transaction isolation level"]
    allowed += ["set constraints all deferred", "update x set a = 1", "select pg_try_advisory_xact_lock(%s)"]
    assert [text for text in refused if not OF_A_SESSION.search(text)] == []
    assert [text for text in allowed if OF_A_SESSION.search(text)] == []


def test_a_pooled_connection_asks_nothing_that_a_pool_refuses() -> None:
    pooled = pooled_connection(SERVER)
    assert "options" not in pooled["OPTIONS"] and pooled["OPTIONS"]["sslmode"] == "require"
    assert (pooled["CONN_MAX_AGE"], pooled["CONN_HEALTH_CHECKS"]) == (0, False)
    assert pooled["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert SERVER["OPTIONS"]["options"] == "-c lock_timeout=1", "the argument is left alone"
    direct = direct_connection(SERVER, kind="web", max_age=60)
    assert (direct["CONN_MAX_AGE"], direct["CONN_HEALTH_CHECKS"]) == (60, True)
    assert "-c statement_timeout=3000" in direct["OPTIONS"]["options"]


def test_roles_get_the_settings_of_their_work(db: None) -> None:
    with connection.cursor() as cursor:
        for kind in LIMITS:
            cursor.execute(f"create role tests_{kind}")
        call_command("prepare_database", role=[(f"tests_{kind}", kind) for kind in LIMITS], verbosity=0)
        for kind in LIMITS:
            cursor.execute(
                "select s.setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole "
                "join pg_database d on d.oid = s.setdatabase where rolname = %s and datname = current_database()",
                [f"tests_{kind}"],
            )
            ((written,),) = cursor.fetchall()
            assert dict(line.split("=") for line in written) == server_settings(kind)


def test_a_role_that_cannot_be_prepared_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="no role nobody_here.*docs/deployment.md"):
        call_command("prepare_database", role=[("nobody_here", "web")])
    for text, expected in {"portal": "NAME=KIND", "portal=job": "web, worker, command", "=web": "NAME=KIND"}.items():
        with pytest.raises(CommandError, match=expected):
            call_command("prepare_database", "--role", text)


def test_longer_statements_leave_nothing_behind_in_the_session(transactional_db: None) -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('statement_timeout')")
            return str(cursor.fetchone()[0])

    before = limit()
    with longer_statements(77):
        assert limit() == "77s"
        with connection.cursor() as cursor:
            cursor.execute("show statement_timeout")  # not one of the statements that take long
            assert cursor.fetchone()[0] == before
    assert limit() == before
