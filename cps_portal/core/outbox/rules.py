"""When to retry a message, and when to give up."""

from dataclasses import dataclass
from datetime import timedelta

MAX_DOUBLINGS = 20  # far beyond any max_delay, and small enough not to overflow a timedelta


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff: the delay doubles from `first_delay` up to `max_delay`.

    After `max_attempts` the message has failed; None retries for ever.
    """

    first_delay: timedelta
    max_delay: timedelta
    max_attempts: int | None = None


def retry_delay(attempts: int, policy: RetryPolicy) -> timedelta | None:
    """How long to wait after this many failed attempts; None means give up."""
    if policy.max_attempts is not None and attempts >= policy.max_attempts:
        return None
    return min(policy.first_delay * (1 << min(attempts - 1, MAX_DOUBLINGS)), policy.max_delay)


def is_exhausted(attempts: int, policy: RetryPolicy) -> bool:
    """Whether more attempts were begun than the policy allows.

    Only workers that died before they could record a failure get a message this far.
    """
    return policy.max_attempts is not None and attempts > policy.max_attempts
