"""No session takes all threads of a web process, and no person all decoders of uploads.

Requests that change something may wait for a lock for seconds. Without this, ten presses of one person whose row is
locked would hold all threads, and everybody else would wait with them.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


class Gate:
    """Lets `slots` in at once, and one of each owner. Others wait, at most `max_present` with those who are in.

    So neither many files of one owner nor many owners hold all threads of the process.
    """

    def __init__(self, *, slots: int, max_present: int) -> None:
        self._slots, self._max_present = slots, max_present
        self._inside: set[str] = set()
        self._present: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, owner: str, *, seconds: float) -> Iterator[None]:
        """Wait for a turn. Raises TooManyAtOnce after `seconds`, or at once if too many wait already."""
        with self._changed:
            is_full = self._present.total() >= self._max_present
            if is_full or self._present[owner] >= max(1, self._max_present // 2):
                raise TooManyAtOnce
            self._present[owner] += 1
        try:
            with self._changed:
                if not self._changed.wait_for(lambda: self._has_room_for(owner), seconds):
                    raise TooManyAtOnce
                self._inside.add(owner)
            try:
                yield
            finally:
                with self._changed:
                    self._inside.discard(owner)
        finally:
            with self._changed:
                self._present[owner] -= 1
                self._present += Counter()  # forgets those with none
                self._changed.notify_all()

    def _has_room_for(self, owner: str) -> bool:
        return owner not in self._inside and len(self._inside) < self._slots
