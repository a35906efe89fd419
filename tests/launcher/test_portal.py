"""The whole portal, started as people start it: it answers, stops cleanly, and comes back after any kill."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from cps_portal.dev.embedded.folder import remove
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.urls import ROOT

pytestmark = [pytest.mark.launcher]
SERVICES = {"postgres", "valkey", "web", "worker", "webhooks", "fulfilment", "beat"}


class Portal:
    """One `run` in a state folder of its own."""

    def __init__(self, state: Path, port: int) -> None:
        self.state, self.port = state, port
        self.output = state.with_suffix(f".{time.monotonic_ns()}.txt")
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "SITE_URL")}
        environment |= {"PORTAL_STATE": str(state), "PORT": str(port)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cps_portal.dev.embedded", "run"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until(self, condition, seconds=300.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def wait_until_it_runs(self):
        self.wait_until(lambda: f"The portal runs at http://localhost:{self.port}" in self.said())
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

    def pids(self) -> dict[str, int]:
        places = [self.state, self.state / "log"]
        return {p.stem: int(p.read_text()) for place in places for p in place.glob("*.pid") if p.read_text()}

    def end(self, number=signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


@pytest.fixture
def start(tmp_path):
    state, port, portals = tmp_path / "state", free_port(), []

    def starting(port=port):
        portals.append(Portal(state, port))
        return portals[-1]

    yield starting
    for portal in portals:
        if portal.process.poll() is None:
            portal.end()
    if state.exists():
        remove(state)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_portal_starts_stops_and_survives_kills_of_every_part(start):
    portal = start().wait_until_it_runs()
    assert portal.status() == 200
    pids = portal.pids()
    assert set(pids) == SERVICES
    addresses = portal.state / "servers.json"
    assert set(json.loads(addresses.read_text())) == {"DATABASE_URL", "REDIS_URL"}
    assert addresses.stat().st_mode & 0o077 == 0

    second = start()
    assert second.process.wait(20) == 1
    assert second.said().startswith("Cannot start: the portal of this checkout is already running")
    assert second.said().count("\n") == 1

    for name in sorted(pids):
        # Read the pid again: a service that ended with the server it needs was restarted under another one.
        portal.wait_until(lambda name=name: alive(portal.pids()[name]), 30)
        pid = portal.pids()[name]
        os.kill(pid, signal.SIGKILL)
        portal.wait_until(lambda name=name, pid=pid: portal.pids()[name] != pid, 30)
        portal.wait_until(lambda: portal.status() == 200, 30)
        assert f"{name} ended (killed by SIGKILL); starting it again" in portal.said()

    before = portal.pids()
    portal.end(signal.SIGKILL)
    again = start().wait_until_it_runs()
    assert again.status() == 200
    assert not any(alive(pid) for pid in before.values())

    last = again.pids()
    assert again.end(signal.SIGINT) == 0
    assert not any(alive(pid) for pid in last.values())
    assert not addresses.exists()
    assert "Traceback" not in again.said()


def test_a_taken_port_ends_the_start_before_anything_is_made(start):
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        text=True,
    ) as other:
        port = int(other.stdout.readline().split("port ")[1].split()[0])
        portal = start(port)
        assert portal.process.wait(20) == 1
        other.kill()
    assert f"Cannot start: port {port} is taken" in portal.said()
    assert "Traceback" not in portal.said()
    assert not (portal.state / "postgres").exists()
