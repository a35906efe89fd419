"""Real threads on real Postgres."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

NUMBERS = itertools.count(1)
PATIENCE = 300  # seconds, after which a test fails that cannot end: never what a test is about


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs at the same moment, each in a thread with a connection of its own; results in order.

    An exception of a job is its result.
    """
    gate = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(place: int, job: Callable[[], Any]) -> None:
        try:
            gate.wait(timeout=PATIENCE)
            results[place] = job()
        except Exception as error:  # noqa: BLE001 the caller looks at it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, job)) for place, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a job never ended"
    return results


class Background:
    """One job in a thread of its own, to be waited for later."""

    def __init__(self, job: Callable[[], Any]) -> None:
        self.result: Any = None
        # Through a pool a connection has another process of the database in each transaction, but keeps this name.
        self._name = f"background {next(NUMBERS)}"
        self._job = job
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("set application_name = %s", [self._name])
            self.result = self._job()
        except Exception as error:  # noqa: BLE001 the caller looks at it
            self.result = error
        finally:
            connection.close()

    def is_waiting(self) -> bool:
        """True once the job waits for a lock of the database, False once it has ended: however long that takes here."""
        end = time.monotonic() + PATIENCE
        while self._thread.is_alive():
            if _waits_for_a_lock(self._name):
                return True
            assert time.monotonic() < end, "the job neither ended nor waits for a lock"
            self._thread.join(timeout=0.02)
        return False

    def finish(self) -> Any:
        self._thread.join(timeout=PATIENCE)
        assert not self._thread.is_alive(), "the job never ended"
        return self.result


def _waits_for_a_lock(name: str) -> bool:
    waiting = "select exists (select from pg_stat_activity where application_name = %s and wait_event_type = 'Lock')"
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")  # a transaction keeps what it has seen of other processes
        cursor.execute(waiting, [name])
        (found,) = cursor.fetchone()
    return bool(found)
