"""Django's migrate, for a portal that goes on running: it waits for no lock long, and tries again.

A migration that waits for a lock on a table makes everybody who comes after it wait, too. So it gives up after some
seconds (`LIMITS["command"].lock`), lets the others go on, and tries again. Each migration is a transaction, so that
nothing is done twice. It connects to PostgreSQL itself, also if the portal uses a pool.
"""

import time
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError
from psycopg2 import errorcodes

from cps_portal.core.lib.databases import connected_directly

DEFAULT_TRIES = 10
MAX_PAUSE_SECONDS = 30.0
LOCKED_CODES = frozenset({errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED})


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--tries",
            type=int,
            default=DEFAULT_TRIES,
            help=f"how often to try if a table is in use ({DEFAULT_TRIES})",
        )

    def handle(self, *args: Any, tries: int = DEFAULT_TRIES, **options: Any) -> None:
        if options.get("database", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        for number in range(1, tries + 1):
            try:
                with connected_directly("command"):
                    super().handle(*args, **options)
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", None) not in LOCKED_CODES or number == tries:
                    raise
                self._wait(number)
            else:
                return

    def _wait(self, number: int) -> None:
        seconds = min(2 ** (number - 1), MAX_PAUSE_SECONDS)
        self.stderr.write(f"A table is in use. Trying again in {seconds:g} s.")
        time.sleep(seconds)
