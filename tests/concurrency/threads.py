"""Real threads on real Postgres."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs at the same moment, each in a thread with a connection of its own; results in order.

    An exception of a job is its result.
    """
    gate = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(place: int, job: Callable[[], Any]) -> None:
        try:
            gate.wait(timeout=10)
            results[place] = job()
        except Exception as error:  # noqa: BLE001 the caller looks at it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, job)) for place, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return results


class Background:
    """One job in a thread of its own, to be waited for later."""

    def __init__(self, job: Callable[[], Any]) -> None:
        self.result: Any = None
        self._job = job
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._job()
        except Exception as error:  # noqa: BLE001 the caller looks at it
            self.result = error
        finally:
            connection.close()

    def is_waiting(self, seconds: float = 0.3) -> bool:
        self._thread.join(timeout=seconds)
        return self._thread.is_alive()

    def finish(self) -> Any:
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "the job never ended"
        return self.result
