"""Watches running services: shows what they log, and starts again what ends by itself."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.services import Service

GLANCE = 0.3
PAUSE = 2.0
DEATHS, WITHIN = 5, 60.0  # so many ends within so many seconds: starting again does not help


@dataclass
class Health:
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))
    start_at: float | None = None


class Watch:
    def __init__(self, services: Sequence[Service], *, shown: Sequence[Service]) -> None:
        self.health = {service.name: Health() for service in services}
        self.services = services
        self.readers = [LogReader(service) for service in shown]

    def forever(self) -> None:
        while True:
            self.once()
            time.sleep(GLANCE)

    def once(self) -> None:
        """One glance: new log lines to the terminal; whoever ended is started again after a pause."""
        for reader in self.readers:
            reader.show()
        for service in self.services:
            if service.ended():
                self._revive(service, self.health[service.name], time.monotonic())

    def _revive(self, service: Service, health: Health, now: float) -> None:
        if health.start_at is None:
            health.deaths.append(now)
            if len(health.deaths) == DEATHS and now - health.deaths[0] < WITHIN:
                raise CannotStart(f"{service.name} keeps ending ({service.how_it_ended()}): {service.last_words()}")
            health.start_at = now + PAUSE
            sys.stderr.write(f"{service.name} ended ({service.how_it_ended()}); it is started again\n")
        elif now >= health.start_at:
            health.start_at = None
            service.start()


class LogReader:
    """Shows what is added to a log file from now on, with the service's name before each line."""

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
            whole = text[: text.rfind(b"\n") + 1]
            self.position += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                sys.stdout.write(f"{self.name:>6} | {line}\n")
            sys.stdout.flush()
