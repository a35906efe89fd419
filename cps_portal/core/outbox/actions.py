"""Posting, delivering and clearing away what leaves the building."""

import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.outbox import rules
from cps_portal.core.outbox.enums import OPEN, RESENDABLE_STATES, Kind, State
from cps_portal.core.outbox.models import Message, MessageQuerySet
from cps_portal.core.outbox.senders import Obsolete, Postponed, Rejected

logger = logging.getLogger(__name__)

ANSWER_LENGTH = 500
MAX_QUEUED_ONE_BY_ONE = 20  # more than these at once are left to the sweep, which queues itself on
SWEEP_LIMIT = 200
SWEEP_SECONDS = 60
LANE_SECONDS = 20  # so long one receiver may occupy a worker before others have a turn
LANES_KEY = 0x4F55  # of the advisory locks with two keys
FAILURES_IN_A_ROW = 3  # the other side seems to be down: leave the rest of its lane to the next sweep
BLANK_BATCH = 1000


class LaneBusy(Exception):
    """Somebody is sending in this lane, where one message is sent at a time."""

    def __init__(self, lane: str) -> None:
        super().__init__(lane)
        self.lane = lane


@dataclass(frozen=True)
class OutgoingMessage:
    """What `post_many` takes: one message, not yet a row. `lane` is that of its kind unless it says another.

    `kind` is the one that is posted unless it says another.
    """

    key: str
    to: str
    payload: Mapping[str, Any]
    lane: str = ""
    kind: str = ""


def rendered_later(compose: str, **facts: Any) -> dict[str, Any]:
    """The payload of a mail that is worded when it leaves, by what settings.OUTBOX_COMPOSERS names.

    For many at once, and for what may no longer be true by then: the composer returns None and it is cancelled.
    """
    if compose not in settings.OUTBOX_COMPOSERS:
        raise ValueError(f"nobody words {compose!r}")
    return {"compose": compose, "facts": facts}


def enqueue(*, key: str, kind: str, to: str, payload: Mapping[str, Any], at: datetime | None = None) -> Message | None:
    """Write a message that leaves once the open transaction has committed, not before `at`.

    The same key again changes nothing and returns the message there is. Returns None when there is nobody to
    send to. Raises TransactionManagementError outside a transaction.
    """
    found = enqueue_many(kind=kind, letters=[OutgoingMessage(key, to, payload)], at=at)
    return found[0] if found else None


def enqueue_many(*, kind: str, letters: Iterable[OutgoingMessage], at: datetime | None = None) -> list[Message]:
    """As `post`, for many: one statement, and a second one if some of their keys are known already."""
    require_transaction("posting")
    letters = [letter for letter in letters if letter.to]
    if unknown := {letter.kind or kind for letter in letters} - set(settings.OUTBOX_SENDERS):
        raise ValueError(f"nobody sends {unknown.pop()!r}")
    when = at or timezone.now()
    rows = [
        Message(
            key=letter.key,
            kind=letter.kind or kind,
            lane=letter.lane or letter.kind or kind,
            to=letter.to,
            payload=dict(letter.payload),
            created_at=when,
            next_at=when,
        )
        for letter in letters
    ]
    rows.sort(key=lambda row: row.key)  # two transactions that post the same keys must not wait for each other
    new = _insert(rows)
    written = {row.key for row in new}
    known = [row.key for row in rows if row.key not in written]
    found = [*new, *(Message.objects.filter(key__in=known) if known else [])]
    _queue([message for message in found if message.state == State.QUEUED])
    return sorted(found, key=lambda message: message.pk)


def _insert(rows: list[Message]) -> list[Message]:
    """Those that were written; not those whose key is there. Django can do the one or tell the other."""
    if not rows:
        return []
    values = [
        (row.key, row.kind, row.lane, row.to, json.dumps(row.payload), row.state, row.created_at, row.next_at)
        for row in rows
    ]
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, 0, %s, %s, '')"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            'insert into outbox_message (key, kind, lane, "to", payload, state, attempts, created_at, next_at, '  # noqa: S608
            f"answer) values {marks} on conflict (key) do nothing returning key, id",
            [value for row in values for value in row],
        )
        keys = dict(cursor.fetchall())
    new = [row for row in rows if row.key in keys]
    for row in new:
        row.pk = keys[row.key]
        row._state.adding, row._state.db = False, connection.alias
    return new


def _queue(messages: list[Message]) -> None:
    """Have these sent once the open transaction commits."""
    for lane in sorted({message.lane for message in messages if message.is_one_at_a_time}):
        after_commit("outbox.drain", lane)
    shared = [message.pk for message in messages if not message.is_one_at_a_time]
    if len(shared) > MAX_QUEUED_ONE_BY_ONE:
        after_commit("outbox.sweep")
    else:
        for pk in shared:
            after_commit("outbox.deliver", pk)


def unsent_keys(keys: Iterable[str]) -> set[str]:
    """Which of these messages nobody can have received: not tried yet, cancelled, or refused by the other side."""
    untried = Q(state=State.QUEUED, attempts=0)
    found = Message.objects.filter(untried | Q(state__in=[State.CANCELLED, State.FAILED]), key__in=list(keys))
    return set(found.values_list("key", flat=True))


def deliver(message_id: int, *, at: datetime | None = None) -> bool:
    """Send one message if it is due and nobody else is at it. Returns whether it was sent."""
    when = at or timezone.now()
    try:
        message = _claim(Message.objects.filter(pk=message_id), when)
    except LaneBusy:
        return False
    return message is not None and _send(message, when) == State.SENT


def due_ordering_keys(*, at: datetime) -> list[str]:
    """The lanes in which something is due, but for that of the mails."""
    due = Message.objects.due(at).exclude(lane=Kind.MAIL)
    return list(due.order_by("lane").values_list("lane", flat=True).distinct())


def sweep(
    *, at: datetime | None = None, lane: str = "", limit: int = SWEEP_LIMIT, seconds: float = SWEEP_SECONDS
) -> bool:
    """Send what is due, in one lane or in all: what a broker outage, a crash or a temporary failure left behind.

    Failures in a row close their lane, for this sweep. Returns whether it stopped at its limit, with more to do
    perhaps.
    """
    end = time.monotonic() + seconds
    messages = Message.objects.filter(lane=lane) if lane else Message.objects.all()
    closed: set[str] = set()
    failures: Counter[str] = Counter()
    for _turn in range(limit):
        when = at or timezone.now()
        try:
            message = _claim(messages.exclude(lane__in=closed), when)
        except LaneBusy as busy:
            closed.add(busy.lane)
            continue
        if message is None:
            return False
        failed = _send(message, when) == State.QUEUED
        failures[message.lane] = failures[message.lane] + 1 if failed else 0
        if failures[message.lane] >= FAILURES_IN_A_ROW:
            closed.add(message.lane)
        if time.monotonic() > end:
            break
    return True


def _claim(messages: MessageQuerySet, at: datetime) -> Message | None:
    """Take one due message for the length of the lease, in a transaction of its own. Raises LaneBusy.

    The lease, not a lock, keeps others away: a worker killed while the receiver is still at work must not
    free the message at once, and no transaction may stay open over the network.
    """
    with transaction.atomic(durable=True):
        due = messages.due(at).order_by("next_at", "pk")
        message = due.select_for_update(skip_locked=True, no_key=True).first()
        if message is None:
            return None
        if message.is_one_at_a_time and not _is_free(message.lane, at):
            raise LaneBusy(message.lane)
        message.state = State.SENDING
        message.claim = uuid.uuid4()
        message.attempts += 1
        message.next_at = at + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
        message.save(update_fields=["state", "claim", "attempts", "next_at"])
    return message


def _is_free(lane: str, at: datetime) -> bool:
    """Whether nobody is sending in this lane; then others find it taken until this transaction ends.

    The lock comes first, in a statement of its own: the second sees what whoever held it before has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, hashtext(%s))", [LANES_KEY, lane])
        (taken,) = cursor.fetchone()
    return taken and not Message.objects.filter(lane=lane, state=State.SENDING, next_at__gt=at).exists()


def _send(message: Message, at: datetime) -> State:
    """Send a claimed message, with no transaction open, and record what came of it."""
    pauses = settings.OUTBOX_PAUSES[message.kind]
    if rules.is_exhausted(message.attempts, pauses):
        return _record(message, State.FAILED, at, answer="gave up: no attempt came to an end")
    try:
        sender: Callable[..., str] = import_string(settings.OUTBOX_SENDERS[message.kind])
        answer = sender(message, at=at)
    except Obsolete as error:
        return _record(message, State.CANCELLED, at, answer=str(error) or "no longer true when it was to leave")
    except Postponed as error:
        return _put_off(message, at, error)
    except Exception as error:
        logger.warning("message %s failed, attempt %s", message.pk, message.attempts, exc_info=True)
        pause = None if isinstance(error, Rejected) else rules.retry_delay(message.attempts, pauses)
        answer = str(error) if isinstance(error, Rejected) else repr(error)
        if pause is None:
            return _record(message, State.FAILED, at, answer=answer)
        return _record(message, State.QUEUED, at, answer=answer, next_at=at + pause)
    return _record(message, State.SENT, at, answer=answer)


def _record(message: Message, state: State, at: datetime, *, answer: str, next_at: datetime | None = None) -> State:
    """Write the outcome, unless the lease ran out and somebody else has taken over."""
    Message.objects.filter(pk=message.pk, state=State.SENDING, claim=message.claim).update(
        state=state,
        claim=None,
        next_at=next_at,
        sent_at=at if state == State.SENT else None,
        answer=answer[:ANSWER_LENGTH],
    )
    return state


def _put_off(message: Message, at: datetime, why: Postponed) -> State:
    """Give a message back as if nobody had tried it, and let its lane wait."""
    mine = Message.objects.filter(pk=message.pk, state=State.SENDING, claim=message.claim)
    mine.update(state=State.QUEUED, claim=None, next_at=max(why.until, at), attempts=F("attempts") - 1)
    if message.is_one_at_a_time:
        Message.objects.waiting_in(message.lane).filter(next_at__lt=why.until).update(next_at=why.until)
    return State.QUEUED


@transaction.atomic
def send_queued_now(*, lane: str, at: datetime) -> int:
    """Make everything that waits in a lane due at once. Returns how many."""
    waiting = Message.objects.waiting_in(lane)
    after_commit("outbox.drain", lane)
    return waiting.update(next_at=at)


@transaction.atomic
def cancel_queued(*, lane: str, why: str) -> int:
    """Never send what waits in a lane, and say why. Returns how many."""
    waiting = Message.objects.waiting_in(lane).select_for_update(no_key=True).order_by("pk")
    keys = list(waiting.values_list("pk", flat=True))
    return Message.objects.filter(pk__in=keys).update(state=State.CANCELLED, next_at=None, answer=why[:ANSWER_LENGTH])


@transaction.atomic
def retry(*, message: Message, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Queue a message again that failed or was cancelled; a webhook also if it waits or was sent.

    Raises Refusal `state` for any other, `blanked` if its content has gone.
    """
    locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if locked.state not in RESENDABLE_STATES[Kind(locked.kind)]:
        raise Refusal("state", _("Only messages that failed or were cancelled can be sent again."))
    if locked.blanked_at:
        raise Refusal("blanked", _("Its content has been deleted. It cannot be sent again."))
    locked.state = State.QUEUED
    locked.attempts = 0
    locked.next_at = at
    locked.sent_at = None
    locked.answer = f"queued again by user {by.pk}" if by else "queued again by the receiver"
    locked.save(update_fields=["state", "attempts", "next_at", "sent_at", "answer"])
    _queue([locked])
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
def erase_addresses(*, addresses: Iterable[str], at: datetime) -> int:
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
