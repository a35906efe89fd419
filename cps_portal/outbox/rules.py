"""When to try again, and when to stop trying."""

from datetime import timedelta

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
MOST_ATTEMPTS = 30  # with these pauses about four days


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after this many failed attempts; None means give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    doublings = min(attempts - 1, 10)  # far past the longest pause, and no overflow
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
