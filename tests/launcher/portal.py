"""The whole portal, started as people start it, in a state folder of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cps_portal.dev.embedded.urls import ROOT

NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "SITE_URL")


class Portal:
    """One `run` in a state folder of its own."""

    def __init__(self, state: Path, port: int, **environment: str) -> None:
        self.state, self.port = state, port
        self.output = state.with_suffix(f".{time.monotonic_ns()}.txt")
        kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        environment = {**kept, "PORTAL_STATE": str(state), "PORT": str(port), **environment}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cps_portal.dev.embedded", "run"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def printed(self) -> str:
        return self.output.read_text()

    def wait_until(self, condition, seconds=300.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)

    def wait_until_it_runs(self):
        self.wait_until(lambda: f"The portal runs at http://localhost:{self.port}" in self.printed())
        return self

    def status(self, path="/") -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def body(self, path: str) -> str:
        return self._ask(path)[0].decode()

    def encoding(self, path: str) -> str:
        """How what is at this address comes over the wire: "gzip", or "" if uncompressed."""
        return self._ask(path, {"Accept-Encoding": "gzip"})[1]

    def _ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[bytes, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
                return answer.read(), answer.headers.get("Content-Encoding", "")
        except urllib.error.HTTPError as error:
            return error.read(), error.headers.get("Content-Encoding", "")

    def pids(self) -> dict[str, int]:
        places = [self.state, self.state / "log"]
        return {p.stem: int(p.read_text()) for place in places for p in place.glob("*.pid") if p.read_text()}

    def end(self, number=signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
