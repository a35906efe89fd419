"""Watch running services: print what they log, and start again what ends by itself."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.services import Service

POLL_SECONDS = 0.3
RESTART_DELAY_SECONDS = 2.0
MAX_CRASHES, CRASH_WINDOW_SECONDS = 5, 60.0  # more often than this, starting again does not help


@dataclass
class Restarts:
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_CRASHES))
    start_at: float | None = None


class Supervisor:
    def __init__(self, services: Sequence[Service], *, shown: Sequence[Service]) -> None:
        self.restarts = {service.name: Restarts() for service in services}
        self.services = services
        self.readers = [LogReader(service) for service in shown]

    def run_forever(self) -> None:
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Print new log lines; start again, after a delay, what has ended."""
        for reader in self.readers:
            reader.show()
        for service in self.services:
            if service.has_ended():
                self._restart(service, self.restarts[service.name], time.monotonic())

    def _restart(self, service: Service, restarts: Restarts, now: float) -> None:
        if restarts.start_at is None:
            restarts.crashes.append(now)
            if len(restarts.crashes) == MAX_CRASHES and now - restarts.crashes[0] < CRASH_WINDOW_SECONDS:
                raise CannotStart(f"{service.name} keeps crashing ({service.exit_reason()}): {service.log_summary()}")
            restarts.start_at = now + RESTART_DELAY_SECONDS
            sys.stderr.write(f"{service.name} ended ({service.exit_reason()}); starting it again\n")
        elif now >= restarts.start_at:
            restarts.start_at = None
            service.start()


class LogReader:
    """Print what is added to a log file from now on, each line after the service's name."""

    def __init__(self, service: Service) -> None:
        self.name = service.name
        self.path = service.log
        self.position = self.path.stat().st_size if self.path.exists() else 0

    def show(self) -> None:
        with suppress(FileNotFoundError), self.path.open("rb") as log:
            if log.seek(0, 2) < self.position:
                self.position = 0  # a fresh file after a large one
            log.seek(self.position)
            text = log.read(64 * 1024)
            complete = text[: text.rfind(b"\n") + 1]
            self.position += len(complete)
            for line in complete.decode(errors="replace").splitlines():
                sys.stdout.write(f"{self.name:>6} | {line}\n")
            sys.stdout.flush()
