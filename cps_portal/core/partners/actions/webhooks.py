"""Telling partners what happened (R38, R55), and looking after where they hear it."""

import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import rules, sealing
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.gateway import Answer
from cps_portal.core.partners.models import Attempt, EndpointSecret, Partner, WebhookEndpoint

SECRET_BYTES = 32
GONE = 410
DELETED = "its endpoint was deleted"
TEST = "endpoint.test"
BATCH = 5000
FAULTS = {
    "form": _("Enter an address such as https://example.org/webhooks, without a user name or a password."),
    "https": _("Enter an address that begins with https://."),
    "private": _("Enter an address on the open internet: this one leads into a private network."),
}


WANTING: CompiledQuery[WebhookEndpoint] = CompiledQuery(
    lambda partner, wanted: WebhookEndpoint.objects.filter(partner=partner, partner__active=True).wanting(wanted)
)

# --- Telling -------------------------------------------------------------------------------------


def enqueue_webhook(
    *,
    partner: Partner,
    type: str,  # noqa: A002
    key: str,
    subject: str,
    sequence: int,
    compose: str,
    at: datetime,
    **facts: Any,
) -> list[Message]:
    """Post an event to every endpoint of an active partner that wants it.

    `subject` names what it is about, such as "tickets/3F7K2M9A"; `sequence` grows with every event of one subject, so
    that a receiver can tell what came late (messages that failed overtake each other).

    `key` is the webhook-id and the idempotency key of all attempts. The same again changes nothing, except that an
    endpoint that came meanwhile gets it too. The body's `data` is what settings.OUTBOX_COMPOSERS[compose] makes of
    `facts` when it leaves (None: cancelled), so that nothing personal waits here. A suspended endpoint gets it once
    it is resumed. Raises ValueError for what nobody declared, TransactionManagementError outside a transaction.
    """
    messages = webhook_messages(
        partner=partner, type=type, key=key, subject=subject, sequence=sequence, compose=compose, at=at, **facts
    )
    return outbox.enqueue_many(kind=Kind.WEBHOOK, messages=messages, at=at)


def webhook_messages(
    *,
    partner: Partner,
    type: str,  # noqa: A002
    key: str,
    subject: str,
    sequence: int,
    compose: str,
    at: datetime,
    **facts: Any,
) -> list[OutgoingMessage]:
    """What `announce` posts, for who has other things to post with it. Raises ValueError as that does."""
    if type not in settings.WEBHOOK_TYPES:
        raise ValueError(f"partners cannot be told of {type!r}")
    if not rules.KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a webhook-id")
    event = {
        "id": key,
        "type": type,
        "at": at.isoformat(),
        "subject": subject,
        "sequence": sequence,
        **outbox.rendered_later(compose, **facts),
    }
    return [_letter(endpoint, event) for endpoint in WANTING.all(partner=partner.pk, wanted=type)]


def _letter(endpoint: WebhookEndpoint, event: Mapping[str, Any]) -> OutgoingMessage:
    payload = {"endpoint": endpoint.pk, **event}
    return OutgoingMessage(f"{event['id']}@{endpoint.pk}", endpoint.url, payload, endpoint.ordering_key, Kind.WEBHOOK)


def live_secrets(*, endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    """What is signed with, the newest first. Raises InvalidToken if SECRET_KEY was changed without a fallback."""
    return [sealing.unseal(row.sealed) for row in EndpointSecret.objects.filter(endpoint=endpoint).live(at)]


def secrets_of(*, partner: Partner, at: datetime) -> list[str]:
    """With what a partner may sign what it sends us: the live secrets of its endpoints."""
    rows = EndpointSecret.objects.filter(endpoint__partner=partner, endpoint__partner__active=True).live(at)
    return [sealing.unseal(row.sealed) for row in rows]


def record_attempt(*, endpoint: WebhookEndpoint, message: Message, answer: Answer, at: datetime) -> None:
    """Write down how one try went, and what that says of the endpoint."""
    Attempt.objects.create(
        endpoint=endpoint,
        key=message.key,
        type=message.payload.get("type", ""),
        at=at,
        status=answer.status,
        took_ms=answer.took_ms,
        answer=answer.text[:500],
        error=answer.error[:300],
    )
    if answer.status == GONE:
        with suppress(Refusal):  # deleted while it answered
            suspend(endpoint=endpoint, reason=str(_("It answered 410: gone.")), by=None, at=at)
    elif answer.is_acknowledged:
        failing = WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False)
        failing.update(failing_since=None, quiet_until=None)
    else:
        shortest, longest = (timedelta(seconds=value) for value in settings.WEBHOOK_QUIET_SECONDS)
        failing_for = at - (endpoint.failing_since or at)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            failing_since=Coalesce("failing_since", at),
            quiet_until=at + rules.quiet_for(failing_for, shortest=shortest, longest=longest),
        )


# --- Endpoints -----------------------------------------------------------------------------------


def check_url(url: str) -> None:
    """Raises Refusal `url` for an address to which nothing can be sent."""
    fault = rules.url_fault(url, may_be_private=settings.WEBHOOKS_MAY_REACH_PRIVATE)
    if fault:
        raise Refusal("url", FAULTS[fault], "url")


def check_new(*, partner: Partner, url: str) -> None:
    """Raises Refusal if a partner cannot be told at one more address: `url`, or `many`."""
    check_url(url)
    live = WebhookEndpoint.objects.live().filter(partner=partner)
    if live.filter(url=url).exists():
        raise Refusal("url", _("This partner has this address already."), "url")
    if live.count() >= settings.WEBHOOK_MAX_ENDPOINTS:
        words = _("There are %(n)d addresses already. Delete one that is not used any more.")
        raise Refusal("many", words % {"n": settings.WEBHOOK_MAX_ENDPOINTS})


@transaction.atomic
def add_endpoint(
    *, partner: Partner, url: str, types: Sequence[str] = (), by: AbstractBaseUser | None, at: datetime
) -> tuple[WebhookEndpoint, str]:
    """Tell a partner at this address from now on. Returns it with its secret, which is not shown again.

    Raises Refusal `url`, also if the partner has the address already, and `many`.
    """
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    check_new(partner=partner, url=url)
    endpoint = WebhookEndpoint.objects.create(partner=partner, url=url, types=list(types), since=at)
    return endpoint, _new_secret(endpoint, at)


@transaction.atomic
def choose_types(*, endpoint: WebhookEndpoint, types: Sequence[str], at: datetime) -> WebhookEndpoint:
    """Tell an endpoint of other events from now on; what waits for it still leaves. Raises Refusal `deleted`."""
    locked = _locked(endpoint)
    locked.types = list(types)
    locked.save(update_fields=["types"])
    return locked


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime, at_once: bool = False
) -> str:
    """Make a new secret and return it; it is not shown again. The old one stays valid for a while beside it.

    With `at_once`, for a secret that became known, every older one ends now. Raises Refusal `rotating` while there
    are two already, `deleted`.
    """
    locked = _locked(endpoint)
    live = EndpointSecret.objects.filter(endpoint=locked).live(at)
    if at_once:
        live.update(expires_at=at)
    elif live.count() >= rules.LIVE_SECRETS:
        raise Refusal("rotating", _("Two secrets are valid at the moment. Wait for the older one to end."))
    else:
        live.update(expires_at=at + timedelta(hours=settings.WEBHOOK_OVERLAP_HOURS))
    return _new_secret(locked, at)


def _new_secret(endpoint: WebhookEndpoint, at: datetime) -> str:
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    EndpointSecret.objects.create(endpoint=endpoint, sealed=sealing.seal(secret), since=at)
    return secret


@transaction.atomic
def suspend(*, endpoint: WebhookEndpoint, reason: str, by: AbstractBaseUser | None, at: datetime) -> WebhookEndpoint:
    """Send nothing there for now; what is to be sent waits. Suspended already: nothing changes.

    Raises Refusal `reason` without one, `deleted`.
    """
    if not reason.strip():
        raise Refusal("reason", _("Say why."), "reason")
    locked = _locked(endpoint)
    if locked.state == EndpointState.ACTIVE:
        locked.state, locked.reason, locked.suspended_at = EndpointState.SUSPENDED, reason.strip()[:200], at
        locked.save(update_fields=["state", "reason", "suspended_at"])
    return locked


@transaction.atomic
def resume(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> WebhookEndpoint:
    """Send there again, at once what waited. Also for one that is active and left alone because it failed.

    Raises Refusal `deleted`.
    """
    locked = _locked(endpoint)
    locked.state, locked.reason = EndpointState.ACTIVE, ""
    locked.suspended_at = locked.failing_since = locked.quiet_until = None
    locked.save(update_fields=["state", "reason", "suspended_at", "failing_since", "quiet_until"])
    outbox.send_queued_now(ordering_key=locked.ordering_key, at=at)
    return locked


@transaction.atomic
def end(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> WebhookEndpoint:
    """Delete it: never tell it anything again, not even what waits, and believe nothing signed with its secrets.

    What it was told, and how that went, stays for staff. The address may be added anew. Raises Refusal `deleted`.
    """
    locked = _locked(endpoint)
    locked.ended_at = at
    locked.save(update_fields=["ended_at"])
    EndpointSecret.objects.filter(endpoint=locked).live(at).update(expires_at=at)
    outbox.cancel_queued(ordering_key=locked.ordering_key, why=DELETED)
    return locked


@transaction.atomic
def ping(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Send it a signed test at once, whatever events it wants: a new one, or again the one that still waits.

    Raises Refusal `suspended`, `deleted`.
    """
    locked = _locked(endpoint)
    if locked.state == EndpointState.SUSPENDED:
        raise Refusal("suspended", _("It is suspended. Resume it first."))
    waiting = Message.objects.queued_with(locked.ordering_key).filter(payload__type=TEST).first()
    if waiting:
        return resend(message=waiting, by=by, at=at)
    WebhookEndpoint.objects.filter(pk=locked.pk).update(quiet_until=None)
    number = int(at.timestamp() * 1000)
    event = {
        "id": f"endpoint-test-{locked.pk}-{number}",
        "type": TEST,
        "at": at.isoformat(),
        "subject": f"webhook-endpoints/{locked.pk}",
        "sequence": number,
        **outbox.rendered_later("partners.test", endpoint=locked.pk),
    }
    (message,) = outbox.enqueue_many(kind=Kind.WEBHOOK, messages=[_letter(locked, event)], at=at)
    return message


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Behind its lock. Raises Refusal `deleted`."""
    locked = WebhookEndpoint.objects.locked(endpoint.pk)
    if locked.ended_at:
        raise Refusal("deleted", _("This endpoint has been deleted. Add its address anew."))
    return locked


@transaction.atomic
def resend(*, message: Message, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Send one message at once, also one that was acknowledged: its id stays, so that it counts once.

    Raises Refusal `suspended`, `deleted`, `blanked`, or `state` while it is being sent.
    """
    endpoint = endpoint_of(message)
    if endpoint is None:
        raise Refusal("blanked", _("Its content has been deleted. It cannot be sent again."))
    if endpoint.state == EndpointState.SUSPENDED:
        raise Refusal("suspended", _("Its endpoint is suspended. Resume that first."))
    if endpoint.ended_at:
        raise Refusal("deleted", _("Its endpoint has been deleted."))
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(quiet_until=None)
    return outbox.retry(message=message, by=by, at=at)


def endpoint_of(message: Message) -> WebhookEndpoint | None:
    """Where a message goes; None if its content has been deleted since."""
    return WebhookEndpoint.objects.select_related("partner").filter(pk=message.payload.get("endpoint")).first()


def forget_answers(*, keys: Iterable[str]) -> int:
    """Delete what receivers answered to these keys of `announce`: it may repeat whom it was about (R14).

    The text only: that they were told, and when, stays. Returns how many.
    """
    about = reduce(or_, (Q(key__startswith=f"{key}@") for key in keys), Q(pk__in=[]))
    return Attempt.objects.filter(about).update(answer="", error="")


def delete_old_attempts(*, at: datetime) -> int:
    """Delete what receivers answered past WEBHOOK_ATTEMPTS_DAYS: it may repeat what they were told. Returns how many.

    In batches, each its own transaction.
    """
    old = Attempt.objects.filter(at__lt=at - timedelta(days=settings.WEBHOOK_ATTEMPTS_DAYS)).order_by("at")
    total = 0
    while keys := list(old.values_list("pk", flat=True)[:BATCH]):
        total += Attempt.objects.filter(pk__in=keys).delete()[0]
    return total
