"""How gunicorn serves the portal, in production and in development: `gunicorn --config cps_portal/gunicorn.py`."""

import gc
import os
from typing import Any

from django.urls import get_resolver

from cps_portal.core.lib.health import probe
from cps_portal.core.lib.time_limits import limit_waiting

os.environ.setdefault("DATABASE_LIMITS", "web")

wsgi_app = "cps_portal.wsgi"
workers = 2
threads = 6  # half of them at most for one session: core/lib/fair_share.py
keepalive = 75  # seconds; longer than the front server keeps idle connections
timeout = 60
graceful_timeout = 30
max_requests = 5000
max_requests_jitter = 500
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Import all views before the workers fork, so that they share the memory.

    Frozen objects are skipped by the garbage collector. Otherwise its marks would make each worker copy their pages.
    """
    if server.cfg.preload_app:
        get_resolver().url_patterns  # noqa: B018 (it imports every view)
        gc.collect()
        gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Limit how long this process waits for the database, and begin to ask whether it answers."""
    limit_waiting(os.environ["DATABASE_LIMITS"])
    probe()
