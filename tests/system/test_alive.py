"""Containers say whether their process is well, in one line and an exit code."""

import os
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from celery.signals import heartbeat_sent
from django.core.management import call_command

from cps_portal.celery import app
from cps_portal.core.system.alive import MAX_AGE_SECONDS, alive_file
from cps_portal.core.system.scheduler import Scheduler

Health = Callable[..., tuple[int, str]]


@pytest.fixture
def health(capsys: pytest.CaptureFixture[str]) -> Health:
    """Runs the command; its exit code and what it printed."""

    def run(process: str, **options: int) -> tuple[int, str]:
        code = 0
        try:
            call_command("health", process, **options)
        except SystemExit as exit_:
            code = int(str(exit_.code))
        return code, capsys.readouterr().out.strip()

    return run


@pytest.mark.parametrize("process", ["worker", "hooks", "beat"])
def test_a_process_is_well_as_long_as_it_touches_its_file(
    process: str, health: Health, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIVE_FOLDER", "")
    assert health(process) == (1, f"{process}: unknown, because ALIVE_FOLDER is not set")
    monkeypatch.setenv("ALIVE_FOLDER", str(tmp_path))
    assert health(process) == (1, f"{process}: no sign of life for 60 s")
    if process == "beat":
        scheduler = Scheduler(app=app, schedule_filename=str(tmp_path / "schedule"))
        assert 0 <= scheduler.tick() <= MAX_AGE_SECONDS / 2
        scheduler.close()
    else:
        heartbeat_sent.send(sender=None)
    assert health(process) == (0, f"{process}: well")
    long_ago = time.time() - MAX_AGE_SECONDS - 1
    os.utime(alive_file("beat" if process == "beat" else "worker"), (long_ago, long_ago))
    assert health(process)[0] == 1


def test_without_a_folder_nothing_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIVE_FOLDER", "")
    heartbeat_sent.send(sender=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, (0, "web: well")), (503, (1, "web: the database does not answer")), (500, (1, "web: answers 500"))],
)
def test_the_web_is_well_when_it_is_ready(status: int, expected: tuple[int, str], health: Health) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Not interesting."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert health("web", port=server.server_port) == expected
        thread.join()
    code, line = health("web", port=1)
    assert code == 1 and line.startswith("web: does not answer")
