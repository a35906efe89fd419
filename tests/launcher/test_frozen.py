"""What people get while PostgreSQL, the broker or both are frozen: words within seconds, and everything afterwards.

A frozen process goes on acknowledging packets, so that no timeout of the network ends the wait.
"""

import http.cookiejar
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.launcher.portal import Portal
from tests.launcher.processes import stopped, with_children

pytestmark = [pytest.mark.launcher]
WITHOUT_WAITING = 5  # seconds; whoever waits for a frozen server waits until the test gives up, after 30
DEMO = {"login": "ana@example.org", "password": "demo only portal"}


class Browser:
    """Cookies and forms, and how long each answer took."""

    def __init__(self, portal: Portal) -> None:
        self.base = f"http://127.0.0.1:{portal.port}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def get(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, float]:
        data = urllib.parse.urlencode(form).encode() if form else None
        began = time.monotonic()
        try:
            with self.opener.open(self.base + path, data, timeout=30) as answer:
                status, page = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, page = error.code, error.read().decode()
        return status, page, time.monotonic() - began

    def sign_in(self) -> None:
        page = self.get("/accounts/login/")[1]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        status, page, _seconds = self.get("/accounts/login/", {**DEMO, "csrfmiddlewaretoken": token[1]})
        assert status == 200 and "Good " in page


@contextmanager
def frozen(portal: Portal, *services: str) -> Iterator[None]:
    pids = [each for service in services for each in with_children(portal.pids()[service])]
    with stopped(pids):
        yield


def test_frozen_servers_end_in_words_and_nothing_hangs(start) -> None:
    portal = start(DEBUG="false").wait_until_it_runs()
    browser = Browser(portal)
    browser.sign_in()
    assert browser.get("/dashboard/")[0] == 200

    with frozen(portal, "postgres"):
        status, page, seconds = browser.get("/dashboard/")
        assert status == 503 and "This is taking too long" in page
        assert seconds < 10
        time.sleep(4)
        status, _page, seconds = browser.get("/health/ready")
        assert status == 503 and seconds < WITHOUT_WAITING
        status, _page, seconds = browser.get("/health/live")
        assert status == 200 and seconds < WITHOUT_WAITING
    portal.wait_until(lambda: browser.get("/health/ready")[0] == 200, 20)
    assert browser.get("/dashboard/")[0] == 200

    with frozen(portal, "valkey"):
        status, _page, seconds = browser.get("/dashboard/")
        assert status == 200 and seconds < WITHOUT_WAITING
        status, _page, seconds = browser.get("/health/ready")
        assert status == 200 and seconds < WITHOUT_WAITING

    with frozen(portal, "postgres", "valkey"):
        status, page, seconds = browser.get("/kitbag/")
        assert status == 503 and seconds < 12
        assert browser.get("/health/live")[0] == 200
    portal.wait_until(lambda: browser.get("/dashboard/")[0] == 200, 30)
