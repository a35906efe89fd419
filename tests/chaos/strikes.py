"""What is done to the parts of the portal while members use it."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from cps_portal.dev.embedded.services import Service
from tests.chaos.installation import Installation
from tests.launcher import processes

KILLED = ("nginx", "web 1", "web 2", "worker", "webhooks", "beat", "second beat", "fulfilment", "valkey", "postgres")
FROZEN_SECONDS = {"postgres": 10, "cache": 4, "valkey": 3, "fulfilment": 3}
MOVED_CLOCKS = ("web 2", "worker", "webhooks", "second beat")
CLOCK_SECONDS = (-30, 30)  # five times the lease of a message
FULL_DISK_SECONDS = 4
NAMES = {"valkey": "broker", "fulfilment": "simulator"}
Strike = Callable[[], None]


class Strikes:
    """All kinds of strikes, each at least once and at most `max_rounds` times, in an order that the dice decide."""

    def __init__(
        self, installation: Installation, dice: random.Random, *, pause: float, max_rounds: int | None = None
    ) -> None:
        self.installation, self.dice, self.pause, self.max_rounds = installation, dice, pause, max_rounds
        self.counts: Counter[str] = Counter()
        self.skipped = [] if installation.has_small_disk else ["disk full: only root can make a small file system"]

    def go_on_while(self, is_running: Callable[[], bool]) -> None:
        """Strike every `pause` seconds or so, until every kind has been and nobody is busy any more.

        After `max_rounds` only what has ended by itself is started again.
        """
        for number, (name, strike) in enumerate(self._rounds()):
            if number >= len(self._kinds()) and not is_running():
                return
            time.sleep(self.pause * self.dice.uniform(0.4, 1.6))
            self.installation.start_ended()
            strike()
            self.counts[name] += 1
        while is_running():
            self.installation.start_ended()
            time.sleep(0.2)

    def _rounds(self) -> Iterator[tuple[str, Strike]]:
        for _number in itertools.count() if self.max_rounds is None else range(self.max_rounds):
            kinds = self._kinds()
            self.dice.shuffle(kinds)
            yield from kinds

    def _kinds(self) -> list[tuple[str, Strike]]:
        services = self.installation.services
        kinds: list[tuple[str, Strike]] = []
        kinds += [(f"{_title(name)} killed", lambda name=name: self._kill(services[name])) for name in KILLED]
        kinds += [(f"{_title(name)} frozen", lambda name=name: self._freeze(services[name])) for name in FROZEN_SECONDS]
        kinds += [("clock moved", self._move_clock)]
        kinds += [("disk full", self._fill_disk)] if self.installation.has_small_disk else []
        return kinds

    def _kill(self, service: Service) -> None:
        """SIGKILL the process and all that it has started, and start it again."""
        assert service.process
        processes.kill(service.process.pid)
        service.process.wait()
        time.sleep(self.dice.uniform(0, 1.5))
        service.start()

    def _freeze(self, service: Service) -> None:
        assert service.process
        processes.freeze(service.process.pid, FROZEN_SECONDS[service.name])

    def _move_clock(self) -> None:
        """Let the clock of one process go wrong, against all others and against PostgreSQL's."""
        service = self.installation.services[self.dice.choice(MOVED_CLOCKS)]
        ahead = self.dice.choice(CLOCK_SECONDS)
        service.environment = {**(service.environment or {}), "CLOCK_AHEAD_SECONDS": str(ahead)}
        self._kill(service)

    def _fill_disk(self) -> None:
        filler = self.installation.files / "filler"
        try:
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(b"0" * 65536):
                    pass
            time.sleep(FULL_DISK_SECONDS)
        finally:
            filler.unlink()


def _title(name: str) -> str:
    return NAMES.get(name, name)
