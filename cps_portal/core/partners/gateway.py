"""Posting to a stranger's server: only to machines on the open internet, and never for longer than agreed.

Names are looked up once, every address is checked, and the connection is made to the checked address: a name that
says something else a moment later leads nowhere. Redirects are not followed and no proxy of the environment is used.
"""

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from cps_portal.core.partners import rules

MAX_ANSWER_BYTES = 2000  # bytes of an answer; the rest is not waited for
TROUBLE = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
LATE = "no whole answer in time"
_running = threading.local()


class NotAllowed(OSError):
    """The name leads to an address that must not be reached from here."""


@dataclass(frozen=True)
class Answer:
    """`status` is 0 when there was none; `error` says why."""

    status: int
    text: str
    took_ms: int
    error: str = ""

    @property
    def is_acknowledged(self) -> bool:
        return 200 <= self.status < 300


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post `body`; whatever goes wrong is an Answer too."""
    began = time.monotonic()
    status, text, error = 0, b"", ""
    seconds = settings.WEBHOOK_TIMEOUT_SECONDS
    try:
        with _deadline(seconds) as cut, _session() as session:
            response = session.post(
                url, data=body, headers=dict(headers), timeout=seconds, allow_redirects=False, stream=True
            )
            if cut.is_set():  # in the middle of the headers, whose end is then taken for granted
                raise TimeoutError("no whole answer in time")
            status = response.status_code
            with response, suppress(*TROUBLE):  # what it says with it matters less than that it answered
                text = response.raw.read(MAX_ANSWER_BYTES, decode_content=False)
    except TROUBLE as trouble:
        error = _said(trouble)
    took = int((time.monotonic() - began) * 1000)
    if not 200 <= status <= 599:
        status, error = 0, LATE if took >= seconds * 1000 else error or "no answer of HTTP"
    return Answer(status, text.decode("utf-8", "replace").replace("\x00", ""), took, error)


def _said(trouble: BaseException) -> str:
    """The innermost reason, which says what happened; what is around it says how often it was tried."""
    inner: BaseException | None = trouble
    while inner is not None:
        trouble = inner
        within = [getattr(trouble, "reason", None), *trouble.args]
        inner = next((one for one in within if isinstance(one, BaseException)), None)
    return f"{type(trouble).__name__}: {trouble}".replace("\x00", "")


@contextmanager
def _deadline(seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after so long in all. A timeout of the socket begins again with every byte that comes."""
    lines: list[socket.socket] = []
    passed = threading.Event()

    def cut() -> None:
        passed.set()
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    _running.lines = lines
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
        for line in lines:
            line.close()
        del _running.lines


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc of this machine
    session.adapters.clear()
    session.mount("https://", _Adapter())
    if settings.WEBHOOKS_MAY_REACH_PRIVATE:
        session.mount("http://", _Adapter())
    return session


def _connected(host: str, port: int, timeout: float | None) -> socket.socket:
    """A connection to the first address of `host` that answers, if all of them may be reached."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    private = [str(where[0]) for *_, where in found if not rules.is_public(str(where[0]))]
    if private and not settings.WEBHOOKS_MAY_REACH_PRIVATE:
        raise NotAllowed(f"{host} is {private[0]}, which is not on the open internet")
    failure: OSError = NotAllowed(f"{host} has no address")
    for family, kind, protocol, _name, where in found:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(timeout)
            line.connect(where)
        except OSError as error:
            failure = error
            line.close()
        else:
            _running.lines.append(line.dup())  # the line itself is taken over by TLS
            return line
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _new_line(self)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _new_line(self)


def _new_line(connection: HTTPConnection) -> socket.socket:
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
    return _connected(connection.host, connection.port or connection.default_port, timeout)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
