"""How gunicorn serves the portal, in production and in development: `gunicorn --config cps_portal/gunicorn.py`."""

import gc
from typing import Any

from django.urls import get_resolver

wsgi_app = "cps_portal.wsgi"
workers = 2
threads = 4
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Import all views before the workers fork, so that they share the memory.

    Frozen objects are skipped by the garbage collector. Otherwise its marks would make each worker copy their pages.
    """
    if server.cfg.preload_app:
        get_resolver().url_patterns  # noqa: B018 (it imports every view)
        gc.collect()
        gc.freeze()
