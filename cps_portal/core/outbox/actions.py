"""Enqueue messages, send them with retries, and delete their content in the end."""

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
from cps_portal.core.lib.logs import bound_request_id, current_request_id
from cps_portal.core.outbox import rules, suppressions
from cps_portal.core.outbox.enums import CANCELLABLE, OPEN, RESENDABLE_STATES, Kind, State
from cps_portal.core.outbox.exceptions import Obsolete, Postponed, Rejected
from cps_portal.core.outbox.models import Message, MessageQuerySet
from cps_portal.core.outbox.renderers import get_renderer

logger = logging.getLogger(__name__)

MAX_ANSWER_LENGTH = 500
MAX_QUEUED_ONE_BY_ONE = 20  # a transaction with more messages than this queues one sweep instead of a task for each
SWEEP_LIMIT = 200  # messages
SWEEP_SECONDS = 60
MAX_SECONDS_PER_KEY = 20  # then the worker goes on with other receivers
ORDERING_LOCK_CLASS = 0x4F55  # first key of the advisory locks; the second is the hash of an ordering key
GROUP_LOCK_CLASS = 0x4F47  # the same for groups of messages that are collected
MAX_FAILURES_IN_A_ROW = 3  # then the receiver seems to be down, and the sweep leaves the rest of its messages
BLANK_BATCH = 1000


class OrderingKeyBusy(Exception):
    """Another worker is sending a message with this ordering key."""

    def __init__(self, ordering_key: str) -> None:
        super().__init__(ordering_key)
        self.ordering_key = ordering_key


@dataclass(frozen=True)
class OutgoingMessage:
    """A message for `enqueue_many`. Without `kind` it has the kind that is passed there; see Message.ordering_key."""

    key: str
    to: str
    payload: Mapping[str, Any]
    ordering_key: str = ""
    kind: str = ""


def rendered_later(renderer: str, **context: Any) -> dict[str, Any]:
    """The payload of a message that is rendered when it is sent, by the function registered under this name.

    Use it for many messages at once, and where the text may be outdated by then: a renderer that returns None cancels
    the message. Raises ValueError if there is no such renderer.
    """
    get_renderer(renderer)
    return {"renderer": renderer, "context": context}


def enqueue(
    *,
    key: str,
    kind: str,
    to: str,
    payload: Mapping[str, Any],
    at: datetime | None = None,
    pause: timedelta = timedelta(0),
) -> Message | None:
    """Write a message that is sent once the open transaction has committed, and not before `pause` after `at`.

    Idempotent: if there is a message with this key already, nothing changes and it is returned. Returns None if `to`
    is empty. Raises TransactionManagementError outside a transaction.
    """
    messages = enqueue_many(kind=kind, messages=[OutgoingMessage(key, to, payload)], at=at, pause=pause)
    return messages[0] if messages else None


def enqueue_collected(
    *, group: str, kind: str, to: str, payload: Mapping[str, Any], at: datetime, pause: timedelta, max_pause: timedelta
) -> Message | None:
    """Add to the message of this group that still waits, or write one: a burst becomes one message (R70).

    `payload` comes from `rendered_later`; the lists in its context are appended to those of the waiting message. It is
    sent `pause` after the last addition, and `max_pause` after the first at the latest. A `pause` of zero makes it due
    at once. Nothing is lost to a worker that takes the message at this moment: then this becomes another message.
    """
    require_transaction("enqueueing a message")
    with connection.cursor() as cursor:  # of two transactions that find no message, the second waits for the first
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [GROUP_LOCK_CLASS, group])
    untried = Message.objects.filter(key__startswith=f"{group}.", state=State.QUEUED, attempts=0)
    waiting = untried.select_for_update(no_key=True).order_by("-pk").first()
    if waiting is None:
        return enqueue(
            key=f"{group}.{at:%Y%m%dT%H%M%S%f}.{uuid.uuid4().hex[:8]}",
            kind=kind,
            to=to,
            payload=payload,
            at=at,
            pause=pause,
        )
    waiting.payload["context"] = _merged(waiting.payload["context"], payload["context"])
    waiting.to = to
    is_due = waiting.next_at is not None and waiting.next_at <= at
    if not is_due:
        waiting.next_at = min(at + pause, max(waiting.created_at + max_pause, at))
    waiting.save(update_fields=["payload", "to", "next_at"])
    _queue([waiting])
    return waiting


def _merged(context: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a collected message: lists grow by what is new to them, anything else is replaced."""
    grown = {
        name: [*context[name], *(value for value in values if value not in context[name])]
        for name, values in more.items()
        if isinstance(values, list) and name in context
    }
    return {**context, **more, **grown}


def withdraw_unsent(keys: Iterable[str]) -> set[str]:
    """Cancel those of these messages that were not tried yet. Returns the keys of all that nobody can have received."""
    unsent = unsent_keys(keys)
    waiting = Message.objects.filter(key__in=unsent, state=State.QUEUED)
    waiting.update(state=State.CANCELLED, next_at=None, answer="withdrawn")
    return unsent


def enqueue_many(
    *,
    kind: str,
    messages: Iterable[OutgoingMessage],
    at: datetime | None = None,
    pause: timedelta = timedelta(0),
) -> list[Message]:
    """As `enqueue`, for many: one statement, and a second one if some of the keys exist already."""
    require_transaction("enqueueing a message")
    addressed = [message for message in messages if message.to]
    if unknown := {message.kind or kind for message in addressed} - set(settings.OUTBOX_SENDERS):
        raise ValueError(f"there is no sender for {unknown.pop()!r}")
    when = at or timezone.now()
    rows = [
        Message(
            key=message.key,
            kind=message.kind or kind,
            ordering_key=message.ordering_key or message.kind or kind,
            to=message.to,
            payload=dict(message.payload),
            created_at=when,
            next_at=when + pause,
            request_id=current_request_id(),
        )
        for message in addressed
    ]
    rows.sort(key=lambda row: row.key)  # two transactions that insert the same keys must not deadlock
    inserted = _insert(rows)
    inserted_keys = {row.key for row in inserted}
    existing_keys = [row.key for row in rows if row.key not in inserted_keys]
    stored = [*inserted, *(Message.objects.filter(key__in=existing_keys) if existing_keys else [])]
    _queue([message for message in stored if message.state == State.QUEUED])
    return sorted(stored, key=lambda message: message.pk)


def _insert(rows: list[Message]) -> list[Message]:
    """Insert the rows whose keys are new, and return only those.

    Raw SQL, because bulk_create(ignore_conflicts=True) does not tell which rows it inserted.
    """
    if not rows:
        return []
    values = [
        (
            *(row.key, row.kind, row.ordering_key, row.to, json.dumps(row.payload), row.state, row.created_at),
            *(row.next_at, row.request_id),
        )
        for row in rows
    ]
    placeholders = ", ".join(["(%s, %s, %s, %s, %s, %s, 0, %s, %s, %s, '')"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            'insert into outbox_message (key, kind, lane, "to", payload, state, attempts, created_at, next_at, '  # noqa: S608
            f"request_id, answer) values {placeholders} on conflict (key) do nothing returning key, id",
            [value for row in values for value in row],
        )
        primary_keys = dict(cursor.fetchall())
    inserted = [row for row in rows if row.key in primary_keys]
    for row in inserted:
        row.pk = primary_keys[row.key]
        row._state.adding, row._state.db = False, connection.alias
    return inserted


def _queue(messages: list[Message]) -> None:
    """Queue the tasks that send these messages once the open transaction commits."""
    for ordering_key in sorted({message.ordering_key for message in messages if message.is_ordered}):
        after_commit("outbox.send_in_order", ordering_key)
    unordered = [message.pk for message in messages if not message.is_ordered]
    if len(unordered) > MAX_QUEUED_ONE_BY_ONE:
        after_commit("outbox.sweep")
    else:
        for pk in unordered:
            after_commit("outbox.deliver", pk)


def unsent_keys(keys: Iterable[str]) -> set[str]:
    """The keys of those messages that nobody can have received: not tried yet, cancelled, or failed for good.

    They are locked, so that no worker takes one of them before the open transaction ends.
    """
    untried = Q(state=State.QUEUED, attempts=0)
    unsent = Message.objects.filter(untried | Q(state__in=[State.CANCELLED, State.FAILED]), key__in=list(keys))
    return set(unsent.select_for_update(no_key=True).order_by("pk").values_list("key", flat=True))


def deliver(message_id: int, *, at: datetime | None = None) -> bool:
    """Send one message if it is due and no other worker has it. Returns whether it was sent."""
    when = at or timezone.now()
    try:
        message = _claim(Message.objects.filter(pk=message_id), when)
    except OrderingKeyBusy:
        return False
    return message is not None and _send(message, when) == State.SENT


def due_ordering_keys(*, at: datetime) -> list[str]:
    """The ordering keys with messages that are due. Mails are not among them: they are sent in any order."""
    due = Message.objects.due(at).exclude(ordering_key=Kind.MAIL)
    return list(due.order_by("ordering_key").values_list("ordering_key", flat=True).distinct())


def sweep(
    *, at: datetime | None = None, ordering_key: str = "", limit: int = SWEEP_LIMIT, seconds: float = SWEEP_SECONDS
) -> bool:
    """Send what is due, with one ordering key or with any.

    This also finds what a broker outage, a crash or a temporary failure left behind. After MAX_FAILURES_IN_A_ROW an
    ordering key is left alone until the next sweep. Returns True if it stopped at a limit, so that there may be more.
    """
    end = time.monotonic() + seconds
    messages = Message.objects.filter(ordering_key=ordering_key) if ordering_key else Message.objects.all()
    skipped: set[str] = set()
    failures: Counter[str] = Counter()
    for _turn in range(limit):
        when = at or timezone.now()
        try:
            message = _claim(messages.exclude(ordering_key__in=skipped), when)
        except OrderingKeyBusy as busy:
            skipped.add(busy.ordering_key)
            continue
        if message is None:
            return False
        failed = _send(message, when) == State.QUEUED
        failures[message.ordering_key] = failures[message.ordering_key] + 1 if failed else 0
        if failures[message.ordering_key] >= MAX_FAILURES_IN_A_ROW:
            skipped.add(message.ordering_key)
        if time.monotonic() > end:
            break
    return True


def _claim(messages: MessageQuerySet, at: datetime) -> Message | None:
    """Take one due message for the length of the lease, in a transaction of its own. Raises OrderingKeyBusy.

    A lease rather than a row lock, because no transaction may stay open during a network call, and because the
    message must not become free at once when a worker is killed while the receiver is still processing it.
    """
    with transaction.atomic(durable=True):
        due = messages.due(at).order_by("next_at", "pk")
        message = due.select_for_update(skip_locked=True, no_key=True).first()
        if message is None:
            return None
        if message.is_ordered and not _lock_ordering_key(message.ordering_key, at):
            raise OrderingKeyBusy(message.ordering_key)
        message.state = State.SENDING
        message.claim = uuid.uuid4()
        message.attempts += 1
        message.next_at = at + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
        message.save(update_fields=["state", "claim", "attempts", "next_at"])
    return message


def _lock_ordering_key(ordering_key: str, at: datetime) -> bool:
    """Whether nobody else is sending with this ordering key. If so, it is locked until this transaction ends.

    Two statements, because the second must see what the last holder of the lock has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, hashtext(%s))", [ORDERING_LOCK_CLASS, ordering_key])
        (locked,) = cursor.fetchone()
    sending = Message.objects.filter(ordering_key=ordering_key, state=State.SENDING, next_at__gt=at)
    return locked and not sending.exists()


def _send(message: Message, at: datetime) -> State:
    """Send a claimed message, with no transaction open, and record the outcome."""
    with bound_request_id(message.request_id or current_request_id()):
        return _attempt(message, at)


def _attempt(message: Message, at: datetime) -> State:
    policy = settings.OUTBOX_RETRY_POLICIES[message.kind]
    if rules.is_exhausted(message.attempts, policy):
        return _record(message, State.FAILED, at, answer="gave up: no attempt came to an end")
    try:
        sender: Callable[..., str] = import_string(settings.OUTBOX_SENDERS[message.kind])
        answer = sender(message, at=at)
    except Obsolete as error:
        return _record(message, State.CANCELLED, at, answer=str(error) or "no longer true when it was due")
    except Postponed as error:
        return _postpone(message, at, error.until)
    except Exception as error:
        logger.warning("message %s failed, attempt %s", message.pk, message.attempts, exc_info=True)
        delay = None if isinstance(error, Rejected) else rules.retry_delay(message.attempts, policy)
        answer = str(error) if isinstance(error, Rejected) else repr(error)
        if delay is None:
            return _record(message, State.FAILED, at, answer=answer)
        return _record(message, State.QUEUED, at, answer=answer, next_at=at + delay)
    return _record(message, State.SENT, at, answer=answer)


def _claimed(message: Message) -> MessageQuerySet:
    """The row, while this worker's claim is good: empty once the lease ran out and another worker took over."""
    return Message.objects.filter(pk=message.pk, state=State.SENDING, claim=message.claim)


def _record(message: Message, state: State, at: datetime, *, answer: str, next_at: datetime | None = None) -> State:
    _claimed(message).update(
        state=state,
        claim=None,
        next_at=next_at,
        sent_at=at if state == State.SENT else None,
        answer=answer[:MAX_ANSWER_LENGTH],
    )
    return state


def _postpone(message: Message, at: datetime, until: datetime) -> State:
    """Put the message back without counting an attempt. Everything with the same ordering key waits as long."""
    _claimed(message).update(state=State.QUEUED, claim=None, next_at=max(until, at), attempts=F("attempts") - 1)
    if message.is_ordered:
        Message.objects.queued_with(message.ordering_key).filter(next_at__lt=until).update(next_at=until)
    return State.QUEUED


@transaction.atomic
def send_queued_now(*, ordering_key: str, at: datetime) -> int:
    """Make every queued message with this ordering key due now. Returns how many."""
    after_commit("outbox.send_in_order", ordering_key)
    return Message.objects.queued_with(ordering_key).update(next_at=at)


@transaction.atomic
def cancel_queued(*, ordering_key: str, why: str) -> int:
    """Cancel every queued message with this ordering key. Returns how many."""
    queued = Message.objects.queued_with(ordering_key).select_for_update(no_key=True).order_by("pk")
    keys = list(queued.values_list("pk", flat=True))
    cancelled = Message.objects.filter(pk__in=keys)
    return cancelled.update(state=State.CANCELLED, next_at=None, answer=why[:MAX_ANSWER_LENGTH])


@transaction.atomic
def retry(*, message: Message, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Queue a message again that failed, was cancelled or held; a webhook also if it is queued or was sent.

    Raises Refusal `state` in any other state, `blanked` if its content has been deleted.
    """
    locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if locked.state not in RESENDABLE_STATES[Kind(locked.kind)]:
        raise Refusal("state", _("Only messages that failed, were cancelled or are held can be sent again."))
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
    """Cancel a queued or held message. Raises Refusal `state` in any other state."""
    locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if locked.state not in CANCELLABLE:
        raise Refusal("state", _("Only waiting and held messages can be cancelled."))
    locked.state = State.CANCELLED
    locked.next_at = None
    locked.answer = f"cancelled by user {by.pk}, {at.isoformat(timespec='seconds')}"
    locked.save(update_fields=["state", "next_at", "answer"])
    return locked


@transaction.atomic
def hold_unknown(*, before: datetime) -> int:
    """After a restore: hold what was due before this moment, because it may have left already. Returns how many.

    The restored database does not know. Staff decide in the admin: a held message is sent again, or cancelled.
    """
    unknown = Message.objects.filter(Q(state=State.SENDING) | Q(next_at__lt=before), state__in=OPEN)
    return unknown.update(state=State.HELD, claim=None, next_at=None, answer="may have left before a restore")


@transaction.atomic
def erase_addresses(*, addresses: Iterable[str], at: datetime) -> int:
    """Cancel what is open for these addresses, and delete the content of all messages to them (R14). Returns how many.

    The addresses are in lower case. A worker that is sending one of them at this moment loses its claim: it cannot
    write anything about it any more.
    """
    messages = Message.objects.filter(blanked_at=None).alias(address=Lower("to")).filter(address__in=list(addresses))
    messages.filter(state__in=[*OPEN, State.HELD]).update(state=State.CANCELLED, next_at=None, claim=None)
    suppressions.forget(addresses=addresses)
    return messages.update(to="", payload={}, answer="", blanked_at=at)


def blank_old(*, at: datetime) -> int:
    """Delete the content of finished messages after OUTBOX_RETENTION_DAYS: it may be personal. Returns how many.

    In batches, each in its own transaction.
    """
    before = at - timedelta(days=settings.OUTBOX_RETENTION_DAYS)
    undecided = Message.objects.filter(state=State.HELD, created_at__lt=before)
    undecided.update(state=State.CANCELLED, answer="held, and nobody decided")
    total = 0
    while True:
        old = Message.objects.finished_before(before).filter(blanked_at=None)
        keys = list(old.order_by("created_at").values_list("pk", flat=True)[:BLANK_BATCH])
        if not keys:
            return total
        total += old.filter(pk__in=keys).update(to="", payload={}, answer="", blanked_at=at)
