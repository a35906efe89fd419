"""How gunicorn serves the portal, in production and in development: `gunicorn --config cps_portal/gunicorn.py`."""

import gc
from typing import Any

from django.urls import get_resolver

wsgi_app = "cps_portal.wsgi"
workers = 2
threads = 4
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Before the workers part: what the first request would load is loaded, and stays shared.

    Frozen objects are left alone by the garbage collector, whose marks would make each worker copy their pages.
    """
    if server.cfg.preload_app:
        get_resolver().url_patterns  # noqa: B018 (it imports every view)
        gc.collect()
        gc.freeze()
