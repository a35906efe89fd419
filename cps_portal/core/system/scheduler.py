"""Celery's clock, which shows that it goes."""

from typing import Any

from celery.beat import PersistentScheduler

from cps_portal.core.system.alive import MAX_AGE_SECONDS, touch


class Scheduler(PersistentScheduler):
    """Touches the file of `beat` in each round, and never sleeps so long that the file becomes too old."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        touch("beat")
        seconds: float = super().tick(*args, **kwargs)
        return min(seconds, MAX_AGE_SECONDS / 4)
