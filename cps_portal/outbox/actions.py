"""Posting, delivering and clearing away what leaves the building."""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.background import after_commit
from cps_portal.lib.errors import Refusal
from cps_portal.outbox import rules
from cps_portal.outbox.enums import OPEN, State
from cps_portal.outbox.models import Message, MessageQuerySet
from cps_portal.outbox.senders import Obsolete, Rejected

logger = logging.getLogger(__name__)

ANSWER_LENGTH = 500
FEW = 20  # more than these at once are left to the sweep, which queues itself on
SWEEP_LIMIT = 200
SWEEP_SECONDS = 60
FAILURES_IN_A_ROW = 3  # the other side seems to be down: leave the rest to the next sweep
BLANK_BATCH = 1000


@dataclass(frozen=True)
class Letter:
    """What `post_many` takes: one message, not yet a row."""

    key: str
    to: str
    payload: Mapping[str, Any]


def to_word(compose: str, **facts: Any) -> dict[str, Any]:
    """The payload of a mail that is worded when it leaves, by what settings.OUTBOX_COMPOSERS names.

    For many at once, and for what may no longer be true by then: the composer returns None and it is cancelled.
    """
    if compose not in settings.OUTBOX_COMPOSERS:
        raise ValueError(f"nobody words {compose!r}")
    return {"compose": compose, "facts": facts}


def post(*, key: str, kind: str, to: str, payload: Mapping[str, Any], at: datetime | None = None) -> Message | None:
    """Write a message that leaves once the open transaction has committed, not before `at`.

    The same key again changes nothing and returns the message there is. Returns None when there is nobody to
    send to. Raises TransactionManagementError outside a transaction.
    """
    found = post_many(kind=kind, letters=[Letter(key, to, payload)], at=at)
    return found[0] if found else None


def post_many(*, kind: str, letters: Iterable[Letter], at: datetime | None = None) -> list[Message]:
    """As `post`, for many of one kind, in a fixed number of statements."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("posting needs an open transaction")
    if kind not in settings.OUTBOX_SENDERS:
        raise ValueError(f"nobody sends {kind!r}")
    when = at or timezone.now()
    rows = [
        Message(key=letter.key, kind=kind, to=letter.to, payload=dict(letter.payload), created_at=when, next_at=when)
        for letter in letters
        if letter.to
    ]
    rows.sort(key=lambda row: row.key)  # two transactions that post the same keys must not wait for each other
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    found = list(Message.objects.filter(key__in=[row.key for row in rows]).order_by("pk"))
    waiting = [message.pk for message in found if message.state == State.QUEUED]
    if len(waiting) > FEW:
        after_commit("outbox.sweep")
    else:
        for pk in waiting:
            after_commit("outbox.deliver", pk)
    return found


def never_left(keys: Iterable[str]) -> set[str]:
    """Which of these messages nobody can have received: not tried yet, cancelled, or refused by the other side."""
    untried = Q(state=State.QUEUED, attempts=0)
    found = Message.objects.filter(untried | Q(state__in=[State.CANCELLED, State.FAILED]), key__in=list(keys))
    return set(found.values_list("key", flat=True))


def deliver(message_id: int, *, at: datetime | None = None) -> bool:
    """Send one message if it is due and nobody else is at it. Returns whether it was sent."""
    when = at or timezone.now()
    message = _claim(Message.objects.filter(pk=message_id), when)
    return message is not None and _send(message, when)


def sweep(*, at: datetime | None = None, limit: int = SWEEP_LIMIT) -> bool:
    """Send what is due: what a broker outage, a crash or a temporary failure left behind.

    Returns whether it stopped at its limit, with more to do perhaps.
    """
    end = time.monotonic() + SWEEP_SECONDS
    failures = 0
    for _turn in range(limit):
        when = at or timezone.now()
        message = _claim(Message.objects.all(), when)
        if message is None:
            return False
        failures = 0 if _send(message, when) or message.state == State.FAILED else failures + 1
        if failures >= FAILURES_IN_A_ROW:
            return False
        if time.monotonic() > end:
            break
    return True


def _claim(messages: MessageQuerySet, at: datetime) -> Message | None:
    """Take one due message for the length of the lease, in a transaction of its own.

    The lease, not a lock, keeps others away: a worker killed while the receiver is still at work must not
    free the message at once, and no transaction may stay open over the network.
    """
    with transaction.atomic(durable=True):
        due = messages.due(at).order_by("next_at", "pk")
        message = due.select_for_update(skip_locked=True, no_key=True).first()
        if message is None:
            return None
        message.state = State.SENDING
        message.claim = uuid.uuid4()
        message.attempts += 1
        message.next_at = at + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
        message.save(update_fields=["state", "claim", "attempts", "next_at"])
    return message


def _send(message: Message, at: datetime) -> bool:
    """Send a claimed message, with no transaction open, and record what came of it."""
    if message.attempts > rules.MOST_ATTEMPTS:  # those who tried never lived to report
        return _record(message, State.FAILED, at, answer="gave up: no attempt came to an end")
    try:
        sender: Callable[[Message], str] = import_string(settings.OUTBOX_SENDERS[message.kind])
        answer = sender(message)
    except Obsolete:
        return _record(message, State.CANCELLED, at, answer="no longer true when it was to leave")
    except Rejected as error:
        logger.warning("message %s was rejected", message.pk, exc_info=True)
        return _record(message, State.FAILED, at, answer=str(error))
    except Exception as error:
        pause = rules.pause_after(message.attempts)
        logger.warning("message %s failed, attempt %s", message.pk, message.attempts, exc_info=True)
        if pause is None:
            return _record(message, State.FAILED, at, answer=repr(error))
        return _record(message, State.QUEUED, at, answer=repr(error), next_at=at + pause)
    return _record(message, State.SENT, at, answer=answer)


def _record(message: Message, state: State, at: datetime, *, answer: str, next_at: datetime | None = None) -> bool:
    """Write the outcome, unless the lease ran out and somebody else has taken over. Returns whether it was sent."""
    sent = state == State.SENT
    message.state = state
    Message.objects.filter(pk=message.pk, state=State.SENDING, claim=message.claim).update(
        state=state, claim=None, next_at=next_at, sent_at=at if sent else None, answer=answer[:ANSWER_LENGTH]
    )
    return sent


@transaction.atomic
def retry(*, message: Message, by: AbstractBaseUser, at: datetime) -> Message:
    """Queue a message again that failed or was cancelled.

    Raises Refusal `state` for any other, `blanked` if its content has gone.
    """
    locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if locked.state not in {State.FAILED, State.CANCELLED}:
        raise Refusal("state", _("Only messages that failed or were cancelled can be sent again."))
    if locked.blanked_at:
        raise Refusal("blanked", _("Its content has been deleted. It cannot be sent again."))
    locked.state = State.QUEUED
    locked.attempts = 0
    locked.next_at = at
    locked.answer = f"queued again by user {by.pk}"
    locked.save(update_fields=["state", "attempts", "next_at", "answer"])
    after_commit("outbox.deliver", locked.pk)
    return locked


@transaction.atomic
def cancel(*, message: Message, by: AbstractBaseUser, at: datetime) -> Message:
    """Never send a message that still waits. Raises Refusal `state` for any other."""
    locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if locked.state != State.QUEUED:
        raise Refusal("state", _("Only messages that still wait can be cancelled."))
    locked.state = State.CANCELLED
    locked.next_at = None
    locked.answer = f"cancelled by user {by.pk}, {at.isoformat(timespec='seconds')}"
    locked.save(update_fields=["state", "next_at", "answer"])
    return locked


@transaction.atomic
def forget(*, addresses: Iterable[str], at: datetime) -> int:
    """Delete the content of every message to these addresses, and send none that waits (R14). Returns how many.

    Whoever is sending one at this moment finds that it is no longer theirs to report on.
    """
    mine = Message.objects.filter(blanked_at=None).alias(whom=Lower("to")).filter(whom__in=list(addresses))
    mine.filter(state__in=OPEN).update(state=State.CANCELLED, next_at=None, claim=None)
    return mine.update(to="", payload={}, answer="", blanked_at=at)


def blank_old(*, at: datetime) -> int:
    """Delete the content of finished messages past OUTBOX_RETENTION_DAYS: it holds personal data and sign-in links.

    In batches, each its own transaction. Returns how many.
    """
    before = at - timedelta(days=settings.OUTBOX_RETENTION_DAYS)
    total = 0
    while True:
        old = Message.objects.finished_before(before).filter(blanked_at=None)
        keys = list(old.order_by("created_at").values_list("pk", flat=True)[:BLANK_BATCH])
        if not keys:
            return total
        total += old.filter(pk__in=keys).update(to="", payload={}, answer="", blanked_at=at)
