"""Rate, errors and duration of requests by view, for Prometheus.

Each web process counts in files of PROMETHEUS_MULTIPROC_DIR, and each can answer with the sum of all: they share a
port. Without that variable nothing is counted.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # a client can send any word
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds

REQUESTS = Counter("portal_http_requests", "Requests answered.", ["view", "method", "status"])
SECONDS = Histogram("portal_http_request_seconds", "How long requests took.", ["view"], buckets=BUCKETS)
METRICS = {"portal_http_requests_total": REQUESTS, "portal_http_request_seconds": SECONDS}


class MetricsMiddleware:
    """Counts how each request is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.METRICS_FOLDER:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, status = time.perf_counter(), 500  # also if even the page that says so fails
        try:
            response = self.get_response(request)
            status = response.status_code
        finally:
            match = request.resolver_match
            view = match.view_name if match else ""
            method = request.method if request.method in METHODS else "OTHER"
            REQUESTS.labels(view, method, str(status)).inc()
            SECONDS.labels(view).observe(time.perf_counter() - began)
        return response


def empty_folder(folder: str) -> None:
    """Delete what an earlier start has counted: processes with the same number would go on from it."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path in Path(folder).glob("*.db"):
        path.unlink()


def forget_process(pid: int) -> None:
    """To be called when a web process has ended."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library has only some types


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Scrapes are not worth a line."""


class _Server(ThreadingMixIn, WSGIServer):
    allow_reuse_port = True  # all web processes listen; the kernel chooses one
    daemon_threads = True


def serve_web_metrics(*, folder: str, port: int) -> None:
    """Answer scrapes with the sum of all web processes, in a thread of this process."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    server = make_server("", port, make_wsgi_app(registry), server_class=_Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
