"""Everything that a page shows is read from one snapshot of the database, and reading writes nothing.

Two statements of an ordinary transaction may see different states: what others commit in between is in the second only,
and a total need not agree with the sum of its entries. `read_snapshot` opens a REPEATABLE READ, READ ONLY transaction.
SnapshotMiddleware opens one for each GET and HEAD, so that views, templates and serializers need not think of it.

What may be written by a GET, and how:

- the session: read with the account before the snapshot, saved by SessionMiddleware after it;
- the log of API calls and when a credential was last used: buffered in Redis, written by a task;
- when a session was last in use: before the snapshot, every few minutes (members/middleware.py);
- a record of what was looked at or downloaded: by `after_snapshot`, or by a middleware outside of this one;
- the pages named in settings.VIEWS_OUTSIDE_SNAPSHOT, which write before they read, or wait for something else.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

STACK_ATTRIBUTE = "open_snapshot"  # of the request: an ExitStack
READ_METHODS = frozenset({"GET", "HEAD"})
BEGIN_SNAPSHOT_SQL = "set transaction isolation level repeatable read, read only"
READ_ONLY_SQL = "set local transaction_read_only = on"  # of a savepoint: undone by rolling back to it

_callbacks: ContextVar[list[Callable[[], object]] | None] = ContextVar("callbacks of the open snapshot", default=None)


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Read everything inside from one snapshot. Writing raises InternalError; nested in another one it does nothing.

    Inside a transaction it is a savepoint that refuses writes, with the isolation of that transaction: so ordinary
    tests prove that pages write nothing. Do not wait for anything but the database inside.
    """
    if is_snapshot_open():
        yield
        return
    callbacks: list[Callable[[], object]] = []
    token = _callbacks.set(callbacks)
    try:
        with _read_only_transaction():
            yield
    finally:
        _callbacks.reset(token)
    for callback in callbacks:
        callback()


@contextmanager
def _read_only_transaction() -> Iterator[None]:
    statement = READ_ONLY_SQL if connection.in_atomic_block else BEGIN_SNAPSHOT_SQL
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)
        yield
        transaction.set_rollback(True)  # there is nothing to commit, and a savepoint must not leave READ ONLY behind


def is_snapshot_open() -> bool:
    """Whether what is read now comes from a snapshot, and nothing can be written."""
    return _callbacks.get() is not None


def after_snapshot(callback: Callable[[], object]) -> None:
    """Call it once the open snapshot has ended without an error, or now if there is none: for what a GET must write."""
    callbacks = _callbacks.get()
    if callbacks is None:
        callback()
    else:
        callbacks.append(callback)


@contextmanager
def nothing_after_snapshot() -> Iterator[None]:
    """Inside, `after_snapshot` does nothing: for showing a page of somebody who is not there (R68)."""
    token = _callbacks.set([])
    try:
        yield
    finally:
        _callbacks.reset(token)


class SnapshotMiddleware:
    """Reads each page from one snapshot. Outside of MemberMiddleware, whose member belongs to the page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as stack:
            setattr(request, STACK_ATTRIBUTE, stack)
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Open the snapshot, once the view is known. It ends when the answer has been rendered."""
        match = request.resolver_match
        if request.method in READ_METHODS and match and match.view_name not in settings.VIEWS_OUTSIDE_SNAPSHOT:
            _authenticate(request)
            getattr(request, STACK_ATTRIBUTE).enter_context(read_snapshot())
        return None


def _authenticate(request: HttpRequest) -> None:
    """Load the lazy `request.user`, which deletes the session if the password was changed since."""
    bool(request.user.is_authenticated)
