"""No session takes all threads of a web process.

Requests that change something may wait for a lock for seconds. Without this, ten presses of one person whose row is
locked would hold all threads, and everybody else would wait with them.
"""

import threading
from collections import Counter
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

MAX_CONCURRENT = 3  # changing requests of one session in one process: half of its threads
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TooManyAtOnce(Exception):
    """The session has too many requests running in this process. They answer soon: try again in a second."""


class FairShareMiddleware:
    """Raises TooManyAtOnce, which is answered with 503 and Retry-After, before the view is called."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        # Uploads take long and lock nothing; browsers send several at once.
        if key is None or request.method in SAFE_METHODS or request.path_info.startswith(settings.UPLOADS_PATH):
            return self.get_response(request)
        with self._lock:
            if self._running[key] >= MAX_CONCURRENT:
                raise TooManyAtOnce
            self._running[key] += 1
        try:
            return self.get_response(request)
        finally:
            with self._lock:
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]
