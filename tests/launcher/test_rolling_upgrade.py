"""One version of the portal takes over from another while people work, and no request fails."""

import os
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from cps_portal.dev.embedded.urls import ROOT
from tests.launcher.front import HOST, Front, move_web, running_nginx, running_web, wait_until_ready
from tests.launcher.test_front import csrf_of

pytestmark = [pytest.mark.launcher]
CLIENTS = 4


class Client(threading.Thread):
    """Reads a page with a form, sends the form, and counts the answers until it is told to stop."""

    def __init__(self, front: Front, number: int) -> None:
        super().__init__()
        self.front, self.number = front, number
        self.answers: Counter[int] = Counter()
        self.finished = threading.Event()
        self.slowest = 0.0

    def run(self) -> None:
        while not self.finished.is_set():
            page = self._request("/contact/")
            cookie, field = csrf_of(page)
            lines = [f"Cookie: __Host-csrftoken={cookie}", f"Origin: https://{HOST}"]
            # Refused beside its fields, after the form has been read and checked against the database.
            self._request("/contact/", *lines, method="POST", body=f"csrfmiddlewaretoken={field}&subject=&text=")

    def _request(self, path: str, *lines: str, method: str = "GET", body: str = "") -> str:
        began = time.monotonic()
        status, text = self.front.request(path, *lines, method=method, body=body)
        self.answers[status] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)
        return text


def base_version() -> str:
    """What people run before an upgrade: the last release. Before the first one, the last commit."""
    named = os.environ.get("UPGRADE_FROM", "")
    describe = ["git", "describe", "--tags", "--abbrev=0"]
    tag = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return named or tag or "HEAD"


def check_out(version: str, folder: Path) -> Path:
    folder.mkdir()
    archive = subprocess.run(["git", "archive", version], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "--extract", f"--directory={folder}"], input=archive.stdout, check=True)
    return folder


def test_an_upgrade_of_two_web_servers_in_turn_fails_no_request_and_both_versions_share_one_schema(
    tmp_path: Path,
) -> None:
    """The older code runs on the schema of the newer one, as it does between migrating and the last restart."""
    older = check_out(base_version(), tmp_path / "older")
    with running_nginx(tmp_path, webs=2) as front, ExitStack() as newer:
        olds = [ExitStack(), ExitStack()]
        for number, stack in enumerate(olds):
            newer.callback(stack.close)
            stack.enter_context(running_web(front, number, source=older))
            wait_until_ready(front.webs[number])
        clients = [Client(front, number) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for number, stack in enumerate(olds):
                time.sleep(1)
                move_web(front, number, "take-out")
                time.sleep(2)
                stack.close()
                newer.enter_context(running_web(front, number))
                wait_until_ready(front.webs[number])
                move_web(front, number, "put-back")
            time.sleep(2)
        finally:
            for client in clients:
                client.finished.set()
            for client in clients:
                client.join()
        answers = sum((client.answers for client in clients), Counter())
        assert answers.keys() == {200, 422}, answers
        assert answers.total() > 20 * CLIENTS
        assert max(client.slowest for client in clients) < 20
