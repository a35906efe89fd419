"""When to try again, and when to stop trying."""

from dataclasses import dataclass
from datetime import timedelta

MAX_DOUBLINGS = 20  # far past any longest pause, and no overflow


@dataclass(frozen=True)
class RetryPolicy:
    """The pauses between attempts double from `first` to `longest`; after `most` attempts it is given up."""

    first: timedelta
    longest: timedelta
    most: int | None = None  # None: never


def retry_delay(attempts: int, pauses: RetryPolicy) -> timedelta | None:
    """How long to wait after this many failed attempts; None means give up."""
    if pauses.most is not None and attempts >= pauses.most:
        return None
    return min(pauses.first * (1 << min(attempts - 1, MAX_DOUBLINGS)), pauses.longest)


def is_exhausted(attempts: int, pauses: RetryPolicy) -> bool:
    """Whether there were more attempts than may be: those who made them never lived to report."""
    return pauses.most is not None and attempts > pauses.most
