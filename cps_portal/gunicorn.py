"""How gunicorn serves the portal, in production and in development: `gunicorn --config cps_portal/gunicorn.py`."""

import gc
import os
from typing import Any

from django.conf import settings
from django.urls import get_resolver

from cps_portal.core.files.decoding import decoder
from cps_portal.core.lib.health import probe
from cps_portal.core.lib.http_metrics import empty_folder, forget_process, serve_web_metrics
from cps_portal.core.lib.server_version import require_new_server
from cps_portal.core.lib.time_limits import limit_waiting

os.environ.setdefault("DATABASE_LIMITS", "web")

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name, which it reads from the environment, too

wsgi_app = "cps_portal.wsgi"
workers = 2
threads = 6  # half of them at most for one session: core/lib/fair_share.py
keepalive = 75  # seconds; longer than the front server keeps idle connections
timeout = 60
graceful_timeout = 30
max_requests = 5000
max_requests_jitter = 500
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Check the database server, and empty the folder of the metrics.

    Once, and not when gunicorn loads its workers again.
    """
    require_new_server()
    if folder := os.environ.get(METRICS_FOLDER):
        empty_folder(folder)


def when_ready(server: Any) -> None:
    """Import all views before the workers fork, so that they share the memory.

    Frozen objects are skipped by the garbage collector. Otherwise its marks would make each worker copy their pages.
    """
    if server.cfg.preload_app:
        get_resolver().url_patterns  # noqa: B018 (it imports every view)
        gc.collect()
        gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Limit how long this process waits for the database, begin to ask whether it answers, and start its decoder."""
    limit_waiting(os.environ["DATABASE_LIMITS"])
    probe()
    decoder().start()
    if folder := os.environ.get(METRICS_FOLDER):
        serve_web_metrics(folder=folder, port=settings.METRICS_PORT)


def child_exit(_server: Any, worker: Any) -> None:
    """Take what this worker was doing at the moment out of the metrics."""
    if os.environ.get(METRICS_FOLDER):
        forget_process(worker.pid)
