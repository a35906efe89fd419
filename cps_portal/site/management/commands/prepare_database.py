"""Writes to the roles of PostgreSQL what a connection through a pool cannot set itself."""

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection, transaction
from psycopg2 import errorcodes, sql

from cps_portal.core.lib.databases import connected_directly, server_settings
from cps_portal.core.lib.time_limits import LIMITS


class Command(BaseCommand):
    help = (
        "Writes search settings and time limits to roles of PostgreSQL, for this database only. Needed with "
        "DATABASE_POOLED=true, after the first migrate and again after each new version."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--role",
            action="append",
            type=_role_and_kind,
            metavar="NAME=KIND",
            help="a role and what its connections do: web, worker or command; can be repeated. "
            "Without it: the role of DATABASE_URL with DATABASE_LIMITS",
        )

    def handle(self, *_args: Any, role: list[tuple[str, str]] | None, **_options: Any) -> None:
        roles = role or [(settings.DATABASES["default"]["USER"], settings.DATABASE_LIMITS)]
        with ExitStack() as stack:
            if settings.DATABASE_POOLED:
                stack.enter_context(connected_directly("command"))
            stack.enter_context(transaction.atomic())
            self._write(roles)
        for name, kind in roles:
            self.stdout.write(f"{name}: settings for {kind}")

    def _write(self, roles: list[tuple[str, str]]) -> None:
        with connection.cursor() as cursor:
            try:
                cursor.execute("select show_trgm(''), current_database()")  # loads pg_trgm, or its setting is unknown
            except ProgrammingError as error:
                raise CommandError("The database has no pg_trgm yet. Run manage.py migrate first.") from error
            database = sql.Identifier(cursor.fetchone()[1])
            for role, kind in roles:
                statement = sql.SQL("alter role {} in database {} ").format(sql.Identifier(role), database)
                try:
                    for name, value in server_settings(kind).items():
                        cursor.execute(statement + sql.SQL(f"set {name} = %s"), [value])
                except ProgrammingError as error:
                    raise CommandError(_explain(role, error)) from error


def _role_and_kind(text: str) -> tuple[str, str]:
    name, _, kind = text.partition("=")
    if not name or kind not in LIMITS:
        raise ArgumentTypeError(f"{text!r}: write NAME=KIND, with one of {', '.join(LIMITS)}")
    return name, kind


def _explain(role: str, error: ProgrammingError) -> str:
    code = getattr(error.__cause__, "pgcode", None)
    if code == errorcodes.UNDEFINED_OBJECT:
        return f"There is no role {role}. Create it first: docs/deployment.md, connections through a pool."
    if code == errorcodes.INSUFFICIENT_PRIVILEGE:
        return f"This role may not change {role}. Call the command as a role that may (DATABASE_DIRECT_URL)."
    return str(error)
