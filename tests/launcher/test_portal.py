"""The whole portal, started as people start it: it answers, stops cleanly, and comes back after any kill."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.launcher.portal import alive

pytestmark = [pytest.mark.launcher]
SERVICES = {"postgres", "valkey", "web", "worker", "webhooks", "fulfilment", "beat"}


def test_the_portal_starts_stops_and_survives_kills_of_every_part(start):
    portal = start().wait_until_it_runs()
    assert portal.status() == 200
    pids = portal.pids()
    assert set(pids) == SERVICES
    assert "Out of frame" in portal.body("/no-such-page/"), "errors have our own pages"
    assert portal.encoding("/static/css/portal.css") == "gzip"
    addresses = portal.state / "servers.json"
    assert set(json.loads(addresses.read_text())) == {"DATABASE_URL", "REDIS_URL"}
    assert addresses.stat().st_mode & 0o077 == 0

    second = start()
    assert second.process.wait(20) == 1
    assert second.printed().startswith("Cannot start: the portal of this checkout is already running")
    assert second.printed().count("\n") == 1

    for name in sorted(pids):
        # Read the pid again: a service that ended with the server it needs was restarted under another one.
        portal.wait_until(lambda name=name: alive(portal.pids()[name]), 30)
        pid = portal.pids()[name]
        os.kill(pid, signal.SIGKILL)
        portal.wait_until(lambda name=name, pid=pid: portal.pids()[name] != pid, 30)
        portal.wait_until(lambda: portal.status() == 200, 30)
        assert f"{name} ended (killed by SIGKILL); starting it again" in portal.printed()

    before = portal.pids()
    portal.end(signal.SIGKILL)
    again = start().wait_until_it_runs()
    assert again.status() == 200
    assert not any(alive(pid) for pid in before.values())

    last = again.pids()
    assert again.end(signal.SIGINT) == 0
    assert not any(alive(pid) for pid in last.values())
    assert not addresses.exists()
    assert "Traceback" not in again.printed()


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
    assert f"Cannot start: port {port} is taken" in portal.printed()
    assert "Traceback" not in portal.printed()
    assert not (portal.state / "postgres").exists()
