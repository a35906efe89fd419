"""A network that is slow or fails: requests that wait until a test lets them go on, and answers of something else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, Route

UPLOAD = "**/files/upload/"
MAX_WAIT_SECONDS = 20


class Held:
    """The requests of a page to some addresses, kept back until `release`."""

    def __init__(self, page: Page, pattern: str = UPLOAD, method: str = "POST") -> None:
        self.page, self.pattern, self.method = page, pattern, method
        self.routes: list[Route] = []
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if route.request.method == self.method:
            self.routes.append(route)
        else:
            route.continue_()

    def wait_for(self, count: int) -> None:
        """Return as soon as that many requests are held. Raises AssertionError after MAX_WAIT_SECONDS."""
        end = time.monotonic() + MAX_WAIT_SECONDS
        while len(self.routes) < count:
            assert time.monotonic() < end, f"{len(self.routes)} of {count} requests to {self.pattern}"
            self.page.wait_for_timeout(20)

    def release(self) -> None:
        """Let the oldest one go on."""
        self.routes.pop(0).continue_()

    def fail(self) -> None:
        self.routes.pop(0).abort()


@contextmanager
def answering(page: Page, pattern: str, status: int, body: str = "<html><body>nginx</body></html>") -> Iterator[None]:
    """Something between the page and the portal answers in its place; status 0 is a lost connection."""

    def answer(route: Route) -> None:
        if status:
            route.fulfill(status=status, body=body, content_type="text/html")
        else:
            route.abort()

    page.route(pattern, answer)
    yield
    page.unroute(pattern, answer)


def write_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
