"""No process waits for PostgreSQL without an end.

There are two kinds of limits. PostgreSQL's own end a statement, a wait for a lock or an idle transaction; they are
settings of the connection, by kind of work (`cps_portal/core/lib/databases.py`). But a server that is frozen goes on
acknowledging packets, so that neither these nor TCP keepalives end the wait. For that, psycopg2 calls `_wait` while it
waits, which raises when the time is over: the time of a single statement, or what is left of the budget of a request.
"""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from psycopg2 import InterfaceError, OperationalError, errorcodes, extensions


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a connection, in milliseconds; 0 is no limit."""

    statement: int
    lock: int
    idle_in_transaction: int
    transaction: int


LIMITS = {
    "web": Limits(statement=3_000, lock=2_000, idle_in_transaction=15_000, transaction=120_000),
    # Below the time limit of Celery's tasks, so that a task can still write down that it failed.
    "worker": Limits(statement=60_000, lock=10_000, idle_in_transaction=60_000, transaction=280_000),
    # Migrations, commands, backups: they may work for hours, but must not make the portal wait behind their lock.
    "command": Limits(statement=0, lock=5_000, idle_in_transaction=0, transaction=0),
}
# Others, as ROLLBACK TO SAVEPOINT, must come first in a transaction that has failed.
LIMITED_STATEMENTS = frozenset({"select", "insert", "update", "delete", "with"})
GRACE_SECONDS = 1.0  # PostgreSQL's own limit should come first: it says why
NETWORK_OPTIONS = {
    "connect_timeout": 3,  # seconds, as the following ones
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
OUT_OF_TIME_CODES = frozenset(
    {
        errorcodes.QUERY_CANCELED,
        errorcodes.LOCK_NOT_AVAILABLE,
        errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        "25P04",  # transaction_timeout, which psycopg2 has no name for
        errorcodes.ADMIN_SHUTDOWN,
        errorcodes.CRASH_SHUTDOWN,
        errorcodes.CANNOT_CONNECT_NOW,
        errorcodes.TOO_MANY_CONNECTIONS,
        errorcodes.DEADLOCK_DETECTED,
    }
)


@dataclass
class Budget:
    """How long may still be waited for the database, in seconds. Time spent in Python does not count."""

    left: float


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)
_statement_seconds: ContextVar[float] = ContextVar("statement_seconds", default=0)


def limit_waiting(kind: str) -> None:
    """Let this process give up on a database that does not answer. Call it once, after the process was forked.

    COPY does not work afterwards: psycopg2 cannot do both. Commands do not call it.
    """
    seconds = LIMITS[kind].statement / 1000 + GRACE_SECONDS
    extensions.set_wait_callback(lambda raw: _wait(raw, seconds))


def stop_limiting() -> None:
    """Undo `limit_waiting`."""
    extensions.set_wait_callback(None)


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """All statements inside together may wait this long for the database. The inner of two budgets counts."""
    token = _budget.set(Budget(seconds))
    try:
        yield
    finally:
        _budget.reset(token)


def send_statement_limit(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 (Django calls it so)
    """A wrapper of statements: sends with each the limit of `statement_limit`, and nothing without one."""
    is_on_server = context["cursor"].cursor.name is not None  # DECLARE is written before the statement
    seconds = _statement_seconds.get()
    if seconds and not is_on_server and sql.split(maxsplit=1)[0].lower() in LIMITED_STATEMENTS:
        sql = f"set local statement_timeout = {int(seconds * 1000)};{sql}"
    return execute(sql, params, many, context)


@contextmanager
def statement_limit(seconds: float) -> Iterator[None]:
    """How long each statement may run that `send_statement_limit` wraps. The inner of two limits counts."""
    token = _statement_seconds.set(seconds)
    try:
        yield
    finally:
        _statement_seconds.reset(token)


@contextmanager
def longer_statements(seconds: float) -> Iterator[None]:
    """Let single statements run this long: for exports and reports. Also sets the budget.

    The limit is sent with each statement and ends with its transaction, which is that statement alone if none is open:
    in a pool of connections a setting of the session would meet the requests of others.
    """
    with time_budget(seconds), statement_limit(seconds), connection.execute_wrapper(send_statement_limit):
        yield


def _wait(raw: Any, seconds: float) -> None:
    """Wait until the connection is ready. Raises OperationalError when the time is over.

    It must never close the connection: psycopg2 would wait for itself for ever. psycopg2 does so when this raises.
    """
    budget = _budget.get() or Budget(seconds)
    poll = select.poll()
    while (state := raw.poll()) != extensions.POLL_OK:
        poll.register(raw.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        began = time.monotonic()
        has_answered = budget.left > 0 and poll.poll(budget.left * 1000)
        budget.left -= time.monotonic() - began
        if not has_answered:
            raise OperationalError("the database did not answer in time")


class TimeBudgetMiddleware:
    """Gives each request its budget; pages that are named in settings.SLOW_VIEWS get a longer one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Wrapped here, although the limit is known only later: Django unwraps in the order of calls, and would take off
        # the wrapper of pghistory instead of one that was added inside of it.
        with (
            time_budget(settings.REQUEST_BUDGET_SECONDS),
            ExitStack() as request.budget,  # type: ignore[attr-defined]
            connection.execute_wrapper(send_statement_limit),
        ):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        """Must not call the view: the checks of all later middlewares (CSRF, signing in) would be skipped."""
        match = request.resolver_match
        seconds = match and (settings.SLOW_VIEWS.get(match.view_name) or settings.SLOW_VIEWS.get(match.app_name))
        if seconds:
            request.budget.enter_context(time_budget(seconds))  # type: ignore[attr-defined]
            request.budget.enter_context(statement_limit(seconds))  # type: ignore[attr-defined]


def is_out_of_time(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a limit, a lost connection or a database that is shutting down."""
    while error is not None:
        code = getattr(error, "pgcode", None)
        if code in OUT_OF_TIME_CODES or (isinstance(error, OperationalError | InterfaceError) and code is None):
            return True
        error = error.__cause__ or error.__context__
    return False
