"""Who is behind a change, and through which page: the context of the rows of history that it leaves (R54).

The triggers of pghistory read it from two settings of the transaction. Its own `pghistory.context` sends these with
every statement that is no SELECT, savepoints and tables without a history included. This one sends them with statements
that can leave history; as long as nothing is known about who is behind them, their rows of history name no context.
"""

import json
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.handlers.wsgi import WSGIRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.http import HttpRequest, HttpResponse

from cps_portal.core.lib.snapshot import is_snapshot_open

SET_SQL = "select set_config('pghistory.context_id', {}, true), set_config('pghistory.context_metadata', {}, true); "
BY_PLACE = SET_SQL.format("%s", "%s")
BY_NAME = SET_SQL.format("%(history_context_id)s", "%(history_context_metadata)s")
WRITES = re.compile(r"(?:^|;)\s*(?:insert|update|delete|merge|with)\b", re.IGNORECASE)
KEPT_STATEMENTS = 2048  # texts of statements of which it is known whether they can leave history


@dataclass(frozen=True)
class HistoryContext:
    """One row of `pghistory_context`, which all changes of a request or an action share."""

    key: str
    metadata: dict[str, Any]


_open: ContextVar[HistoryContext | None] = ContextVar("context of the history that is written", default=None)


@contextmanager
def history_context(**metadata: Any) -> Iterator[None]:
    """Every row of history written inside gets these facts. Nested, they are added to those of the outermost one."""
    if _open.get() is not None:
        add_to_history_context(**metadata)
        yield
        return
    token = _open.set(HistoryContext(str(ordered_uuid()), metadata))
    try:
        with connection.execute_wrapper(_send_context):
            yield
    finally:
        _open.reset(token)


def add_to_history_context(**metadata: Any) -> None:
    """Add facts to the context that is open, until it ends. Does nothing outside of one."""
    if context := _open.get():
        context.metadata.update(metadata)


def attributed_to(by: AbstractBaseUser | None, **details: Any) -> AbstractContextManager[None]:
    """Context manager: every history row written inside names this person, whatever entry point they came through.

    The middleware does the same for the signed-in user, but actions are also called by tasks, commands and the API.
    With `None`, the portal itself, nothing is added: all changes of a request share one context, and the person who is
    signed in must not be overwritten.
    """
    return history_context(**({"user": by.pk} if by else {}), **details)


def ordered_uuid() -> uuid.UUID:
    """A UUID of version 7: those made later are greater, so that an index of them grows at its end and stays small."""
    milliseconds = time.time_ns() // 1_000_000
    high, low = secrets.randbits(12), secrets.randbits(62)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


class HistoryMiddleware:
    """Names the signed-in person and the page behind every change; inside of SnapshotMiddleware.

    A page that is read from a snapshot changes nothing, and its statements need not carry who reads it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as request.history:  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        """Must not call the view: the checks of later middlewares would be skipped."""
        if not is_snapshot_open():
            facts = {"user": request.user.pk, "url": request.path}
            request.history.enter_context(history_context(**facts))  # type: ignore[attr-defined]
            request.__class__ = AttributedRequest


class AttributedRequest(WSGIRequest):
    """Tells the context when `request.user` is set: REST framework and a view that signs in find it out later."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "user":
            add_to_history_context(user=getattr(value, "pk", None))
        super().__setattr__(name, value)


@cache
def _tracked_tables() -> re.Pattern[str]:
    models = (getattr(model, "pgh_tracked_model", None) for model in apps.get_models())
    tables = sorted({model._meta.db_table for model in models if model is not None})
    return re.compile(rf"\b(?:{'|'.join(tables)})\b")


@lru_cache(KEPT_STATEMENTS)
def can_leave_history(statement: str) -> bool:
    """Whether a statement writes and names a tracked table. No trigger writes to another table than its history."""
    return bool(WRITES.search(statement) and _tracked_tables().search(statement))


def _send_context(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    history = _open.get()
    if history is None or not can_leave_history(statement):
        return execute(statement, params, many, context)
    # Empty ones are sent, too: the settings of an earlier context would last until the transaction ends.
    key, metadata = (history.key, json.dumps(history.metadata, cls=DjangoJSONEncoder)) if history.metadata else ("", "")
    if many:
        return execute(BY_PLACE + statement, [(key, metadata, *row) for row in params], many, context)
    if isinstance(params, dict):
        named = {**params, "history_context_id": key, "history_context_metadata": metadata}
        return execute(BY_NAME + statement, named, many, context)
    return execute(BY_PLACE + statement, (key, metadata, *(params or ())), many, context)
