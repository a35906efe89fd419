"""A service is stopped with its child processes, stopped after its launcher was killed, and restarted when it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cps_portal.dev.embedded.bootstrap import ROOT
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.services import Service, wait_for_lock
from cps_portal.dev.embedded.watch import MAX_CRASHES, Supervisor

# A process and its child that both ignore SIGTERM.
STUBBORN = "trap '' TERM; (trap '' TERM; sleep 300) & echo $! > child; echo ready; wait; sleep 300"
LAUNCH_AND_WAIT = """
import sys, time
from pathlib import Path
from cps_portal.dev.embedded.services import Service
place = Path(sys.argv[1])
Service(name="sleeper", command=["sh", "-c", sys.argv[2]], folder=place, working_directory=place).start()
print("started", flush=True)
time.sleep(60)
"""


def service(tmp_path, script, **options):
    return Service(name="sleeper", command=["sh", "-c", script], folder=tmp_path, working_directory=tmp_path, **options)


def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def has_ended(tmp_path) -> bool:
    lock = os.open(tmp_path / "sleeper.pid", os.O_RDWR)
    try:
        return wait_for_lock(lock, 0)
    finally:
        os.close(lock)


def test_stopping_ends_the_whole_process_group_even_if_it_ignores_sigterm(tmp_path):
    stubborn = service(tmp_path, STUBBORN, stop_timeout=0.2)
    stubborn.start()
    until(lambda: stubborn.log.read_text() == "ready\n")
    assert not has_ended(tmp_path)
    stubborn.stop()
    until(lambda: has_ended(tmp_path))


def test_a_log_is_private(tmp_path):
    short = service(tmp_path, "echo token")
    short.start()
    short.process.wait()
    assert short.log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("script", ["exec sleep 300", STUBBORN])
def test_a_process_left_by_a_killed_launcher_is_ended_before_the_next_start(tmp_path, script):
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCH_AND_WAIT, str(tmp_path), script], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert launcher.stdout.readline() == b"started\n"
    launcher.kill()
    launcher.communicate()
    following = service(tmp_path, "exec sleep 300", stop_timeout=0.5)
    following.start()
    assert not following.has_ended()
    following.stop()
    assert has_ended(tmp_path)


def test_a_process_that_reuses_a_stale_pid_is_not_signalled(tmp_path):
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    (tmp_path / "sleeper.pid").write_text(str(stranger.pid))
    ours = service(tmp_path, "exec sleep 300")
    ours.start()
    ours.stop()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_killed_service_is_started_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cps_portal.dev.embedded.watch.RESTART_DELAY_SECONDS", 0.0)
    sleeper = service(tmp_path, "exec sleep 300")
    sleeper.start()
    supervisor = Supervisor([sleeper], shown=[sleeper])
    first = sleeper.process.pid
    os.killpg(first, signal.SIGKILL)
    until(lambda: supervisor.check() or sleeper.process.pid != first)
    assert not sleeper.has_ended()
    assert "sleeper ended (killed by SIGKILL); starting it again" in capsys.readouterr().err
    sleeper.stop()


def test_a_service_that_keeps_ending_stops_the_portal_and_shows_its_last_log_line(tmp_path, monkeypatch):
    monkeypatch.setattr("cps_portal.dev.embedded.watch.RESTART_DELAY_SECONDS", 0.0)
    broken = service(tmp_path, "echo 'ImportError: no such thing'; exit 3")
    broken.start()
    supervisor = Supervisor([broken], shown=[])
    with pytest.raises(CannotStart, match=r"sleeper keeps crashing \(exit code 3\): ImportError: no such thing"):
        until(lambda: supervisor.check() or False)
    assert broken.log.read_text().count("no such thing") == MAX_CRASHES


def test_new_log_lines_are_shown_with_the_name(tmp_path, capsys):
    talker = service(tmp_path, "echo first; sleep 0.1; printf half")
    talker.log.write_text("from an earlier start\n")
    supervisor = Supervisor([], shown=[talker])
    talker.start()
    talker.process.wait()
    supervisor.check()
    assert capsys.readouterr().out == "sleeper | first\n"
