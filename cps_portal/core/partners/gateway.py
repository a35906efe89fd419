"""HTTP requests to servers of partners, protected against SSRF and slow responses.

A name is resolved once, all its addresses are checked, and the connection goes to a checked address: so a DNS name
that changes in between (DNS rebinding) cannot lead into our network. Redirects are not followed, and proxies from the
environment are not used.
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

MAX_ANSWER_BYTES = 2000  # the rest of a response is not read
CONNECTION_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
TIMED_OUT = "no complete response in time"
_running = threading.local()


class NotAllowed(OSError):
    """The name resolves to an address that must not be reached from here."""


@dataclass(frozen=True)
class Answer:
    """The response. If there was none, `status` is 0 and `error` says why."""

    status: int
    text: str
    took_ms: int
    error: str = ""
    retry_after: str = ""  # the header, as it was sent

    @property
    def is_acknowledged(self) -> bool:
        return 200 <= self.status < 300


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post `body`. Never raises for what goes wrong on the way: it is in the Answer."""
    began = time.monotonic()
    status, text, error, retry_after = 0, b"", "", ""
    seconds = settings.WEBHOOK_TIMEOUT_SECONDS
    try:
        with _deadline(seconds) as cut, _session() as session:
            response = session.post(
                url, data=body, headers=dict(headers), timeout=seconds, allow_redirects=False, stream=True
            )
            if cut.is_set():  # cut off within the headers: http.client then takes them for complete
                raise TimeoutError(TIMED_OUT)
            status, retry_after = response.status_code, response.headers.get("Retry-After", "")
            with response, suppress(*CONNECTION_ERRORS):  # the status counts, even if the body breaks off
                text = response.raw.read(MAX_ANSWER_BYTES, decode_content=False)
    except CONNECTION_ERRORS as exception:
        error = _innermost(exception)
    took = int((time.monotonic() - began) * 1000)
    if not 200 <= status <= 599:
        status, error = 0, TIMED_OUT if took >= seconds * 1000 else error or "not an HTTP response"
    return Answer(status, text.decode("utf-8", "replace").replace("\x00", ""), took, error, retry_after)


def _innermost(exception: BaseException) -> str:
    """The original error, which says what happened. requests and urllib3 wrap it in theirs."""
    cause: BaseException | None = exception
    while cause is not None:
        exception = cause
        candidates = [getattr(exception, "reason", None), *exception.args]
        cause = next((each for each in candidates if isinstance(each, BaseException)), None)
    return f"{type(exception).__name__}: {exception}".replace("\x00", "")


@contextmanager
def _deadline(seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after this time in all. A socket timeout is not enough: it starts again with every byte."""
    sockets: list[socket.socket] = []
    passed = threading.Event()

    def cut() -> None:
        passed.set()
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    _running.sockets = sockets
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
        for each in sockets:
            each.close()
        del _running.sockets


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # ignore proxies and .netrc of this machine
    session.adapters.clear()
    session.mount("https://", _Adapter())
    if settings.WEBHOOKS_MAY_REACH_PRIVATE:
        session.mount("http://", _Adapter())
    return session


def _connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to the first address of `host` that answers, provided that all its addresses are allowed."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    private = [str(where[0]) for *_, where in addresses if not rules.is_public(str(where[0]))]
    if private and not settings.WEBHOOKS_MAY_REACH_PRIVATE:
        raise NotAllowed(f"{host} is {private[0]}, which is not on the public internet")
    failure: OSError = NotAllowed(f"{host} has no address")
    for family, kind, protocol, _name, where in addresses:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(where)
        except OSError as error:
            failure = error
            connection.close()
        else:
            _running.sockets.append(connection.dup())  # a copy, because TLS takes over the socket itself
            return connection
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _open_socket(self)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _open_socket(self)


def _open_socket(connection: HTTPConnection) -> socket.socket:
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
    return _connect(connection.host, connection.port or connection.default_port, timeout)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
