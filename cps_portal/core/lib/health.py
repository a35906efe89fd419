"""Health checks for front servers and orchestrators: `/health/live` and `/health/ready`.

Live: this process answers; restart it only if it does not. Ready: its database answers, too; send it no requests until
it does. Nothing else makes a process unready: a dead worker must not take all web servers out of service. What else can
be wrong raises alerts and is not asked here.

The database is asked by a thread, and a request only reads its last answer: so it gets one at once even if the database
is frozen. Needs no host name, no https and no session.
"""

import threading
import time
from collections.abc import Callable
from functools import cache

import psycopg2
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from cps_portal.core.lib.time_limits import time_budget

SAMPLE_SECONDS = 1.0  # between two questions, and how long an answer may take
MAX_AGE_SECONDS = 3.5  # of the last answer: a question, its pause and some delay
FIRST_ANSWER_SECONDS = 0.8


class DatabaseProbe(threading.Thread):
    """Asks the database again and again, on a connection of its own."""

    def __init__(self) -> None:
        super().__init__(name="database-probe", daemon=True)
        self.answered_at: float | None = None
        self.asked, self._stopped = threading.Event(), threading.Event()
        self._connection: psycopg2.extensions.connection | None = None

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS if self.asked.is_set() else 0):
            if self._ask():
                self.answered_at = time.monotonic()
            self.asked.set()
        if self._connection:
            self._connection.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def answers(self) -> bool:
        """Whether the database has answered lately. Waits for the first answer."""
        self.asked.wait(FIRST_ANSWER_SECONDS)
        return self.answered_at is not None and time.monotonic() - self.answered_at < MAX_AGE_SECONDS

    def _ask(self) -> bool:
        try:
            with time_budget(SAMPLE_SECONDS):
                if self._connection is None:
                    parameters = connections["default"].get_connection_params()
                    self._connection = psycopg2.connect(**_plain(parameters))
                    self._connection.autocommit = True
                with self._connection.cursor() as cursor:
                    cursor.execute("select 1")
                    return bool(cursor.fetchone() == (1,))
        except psycopg2.Error:
            self._connection = None  # psycopg2 has closed it
            return False


def _plain(parameters: dict[str, object]) -> dict[str, object]:
    """Connection parameters without what only Django's cursors need."""
    return {name: value for name, value in parameters.items() if name not in ("cursor_factory", "isolation_level")}


@cache
def probe() -> DatabaseProbe:
    """The probe of this process, started when first asked for. Threads do not survive a fork: ask after it."""
    thread = DatabaseProbe()
    thread.start()
    return thread


def stop_probe() -> None:
    """Stop the probe of this process, if there is one: its connection keeps a database from being dropped."""
    if probe.cache_info().currsize:
        probe().stop()
        probe.cache_clear()


class HealthMiddleware:
    """Answers the two addresses before anything else looks at the request. Must be the first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info.rstrip("/")
        if path == settings.LIVE_PATH:
            return _answer(is_well=True)
        if path == settings.READY_PATH:
            return _answer(is_well=probe().answers())
        return self.get_response(request)


def _answer(*, is_well: bool) -> JsonResponse:
    response = JsonResponse({"ok": is_well}, status=200 if is_well else 503)
    response["Cache-Control"] = "no-store"
    return response
