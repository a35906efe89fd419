"""When to retry a message, when to give up, and when to stop writing to an address."""

from collections.abc import Iterator, Mapping, Sequence
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


GONE = frozenset({"bounced", "invalid"})  # why a provider rejects an address that is no good
# Where providers say that a bounce may pass (a full mailbox, a busy server), which their common form leaves out.
TEMPORARY_FIELDS = frozenset({"Type", "bounceType", "event", "severity", "type"})
TEMPORARY_WORDS = ("soft", "transient", "temporary", "blocked", "undetermined")
PERMANENT_CLASSES = frozenset({"10", "30"})  # SparkPost: invalid recipient; no such mailbox
MAX_NESTING = 5


def suppression_reason(event_type: str, reject_reason: str | None, report: object) -> str | None:
    """Whether a provider's report means that an address gets no more mails: "bounced", "complained" or None.

    `event_type` and `reject_reason` are anymail's; `report` is the provider's own, which may tell that it will pass.
    """
    if event_type == "complained" or (event_type == "rejected" and reject_reason == "spam"):
        return "complained"
    if event_type in ("bounced", "rejected") and reject_reason in GONE and not is_temporary(report):
        return "bounced"
    return None


def is_temporary(report: object) -> bool:
    """Whether the provider's own words say that the next mail may arrive."""
    return any(
        (name in TEMPORARY_FIELDS and any(word in str(value).lower() for word in TEMPORARY_WORDS))
        or (name == "hard_bounce" and value is False)  # Mailjet
        or (name == "bounce_class" and str(value) not in PERMANENT_CLASSES)
        for name, value in _fields(report, MAX_NESTING)
    )


def _fields(report: object, depth: int) -> Iterator[tuple[object, object]]:
    """The names and values in a report, at any place in it."""
    if isinstance(report, Mapping) and depth:
        yield from report.items()
        parts: Sequence[object] = list(report.values())
    elif isinstance(report, list) and depth:
        parts = report
    else:
        return
    for part in parts:
        yield from _fields(part, depth - 1)
