"""Webhooks to partners: enqueue, send again, record delivery attempts (R38, R55)."""

import json
from collections.abc import Iterable, Mapping
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

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import rules
from cps_portal.core.partners.actions.outages import suspend_failing_endpoint
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.gateway import Answer
from cps_portal.core.partners.models import Attempt, Partner, WebhookEndpoint

HTTP_GONE = 410
TEST_EVENT = "endpoint.test"
SUBSCRIBED: CompiledModels[WebhookEndpoint] = CompiledModels(
    lambda partner, event: WebhookEndpoint.objects.filter(partner=partner, partner__active=True).subscribed_to(event)
)


def enqueue_webhook(
    *,
    partner: Partner,
    type: str,  # noqa: A002
    key: str,
    subject: str,
    sequence: int,
    renderer: str,
    at: datetime,
    occurred_at: datetime | None = None,
    **context: Any,
) -> list[Message]:
    """Enqueue an event for every endpoint of an active partner that subscribes to it.

    `key` is the webhook-id, the same for all attempts. Calling again with it changes nothing, except that an endpoint
    that was added since gets the event, too. `subject` names the object, such as "tickets/3F7K2M9A", and `sequence`
    grows with every event of a subject: messages can overtake each other after failures, so receivers need it to order
    them. `occurred_at` is when it happened, if that was earlier than `at`. The body's `data` is rendered when it is
    sent, see `rendered_later`, so that no personal data waits in the outbox. A suspended endpoint gets the event once
    it is resumed.

    Raises ValueError for an unknown type or renderer, TransactionManagementError outside a transaction.
    """
    messages = webhook_messages(
        partner=partner,
        type=type,
        key=key,
        subject=subject,
        sequence=sequence,
        renderer=renderer,
        at=at,
        occurred_at=occurred_at,
        **context,
    )
    return outbox.enqueue_many(kind=Kind.WEBHOOK, messages=messages, at=at)


def webhook_messages(
    *,
    partner: Partner,
    type: str,  # noqa: A002
    key: str,
    subject: str,
    sequence: int,
    renderer: str,
    at: datetime,
    occurred_at: datetime | None = None,
    endpoints: Iterable[WebhookEndpoint] | None = None,
    **context: Any,
) -> list[OutgoingMessage]:
    """What `enqueue_webhook` enqueues, for callers that enqueue other messages in the same statement.

    `endpoints` are all of the partner's, if they have been read already (`subscribers`).
    """
    if type not in settings.WEBHOOK_TYPES:
        raise ValueError(f"there is no webhook event {type!r}")
    if not rules.KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot be a webhook-id")
    event = {
        "id": key,
        "type": type,
        "at": at.isoformat(),
        "occurred": (occurred_at or at).isoformat(),
        "subject": subject,
        "sequence": sequence,
        **outbox.rendered_later(renderer, **context),
    }
    if endpoints is None:
        wanted = SUBSCRIBED.all(partner=partner.pk, event=type)
    else:
        wanted = [endpoint for endpoint in endpoints if not endpoint.types or type in endpoint.types]
    return [_webhook_message(endpoint, event) for endpoint in wanted]


def subscribers(endpoints: str | None) -> list[WebhookEndpoint]:
    """The endpoints that a query read with `live_endpoints`: with nothing but what a message to them needs."""
    return [WebhookEndpoint(**fields) for fields in json.loads(endpoints or "[]")]


def _webhook_message(endpoint: WebhookEndpoint, event: Mapping[str, Any]) -> OutgoingMessage:
    payload = {"endpoint": endpoint.pk, **event}
    key = f"{event['id']}@{endpoint.pk}"
    return OutgoingMessage(key, endpoint.url, payload, endpoint.ordering_key, Kind.WEBHOOK)


def endpoint_of(message: Message) -> WebhookEndpoint | None:
    """Where a message goes; None once its content has been deleted."""
    return WebhookEndpoint.objects.select_related("partner").filter(pk=message.payload.get("endpoint")).first()


@transaction.atomic
def resend_webhook(*, message: Message, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Send a message at once, even if it was acknowledged. It keeps its id, so the receiver can ignore a repetition.

    Raises Refusal `suspended`, `deleted`, `blanked`, or `state` while it is being sent.
    """
    endpoint = endpoint_of(message)
    if endpoint is None:
        raise Refusal("blanked", _("Its content has been deleted. It cannot be sent again."))
    _check_receives(endpoint)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(quiet_until=None)
    return outbox.retry(message=message, by=by, at=at)


@transaction.atomic
def ping_endpoint(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> Message:
    """Send a signed test event at once, whatever the endpoint subscribes to. A test that is still queued is reused.

    Raises Refusal `suspended`, `deleted`.
    """
    locked = WebhookEndpoint.objects.locked(endpoint.pk)
    _check_receives(locked)
    queued = Message.objects.queued_with(locked.ordering_key).filter(payload__type=TEST_EVENT).first()
    if queued:
        return resend_webhook(message=queued, by=by, at=at)
    WebhookEndpoint.objects.filter(pk=locked.pk).update(quiet_until=None)
    number = int(at.timestamp() * 1000)
    event = {
        "id": f"endpoint-test-{locked.pk}-{number}",
        "type": TEST_EVENT,
        "at": at.isoformat(),
        "subject": f"webhook-endpoints/{locked.pk}",
        "sequence": number,
        "requested_by": by.pk if by else None,
        **outbox.rendered_later("partners.test", endpoint=locked.pk),
    }
    (message,) = outbox.enqueue_many(kind=Kind.WEBHOOK, messages=[_webhook_message(locked, event)], at=at)
    return message


def _check_receives(endpoint: WebhookEndpoint) -> None:
    if endpoint.ended_at:
        raise Refusal("deleted", _("This endpoint has been deleted. Add its address again."))
    if endpoint.state == EndpointState.SUSPENDED:
        raise Refusal("suspended", _("This endpoint is suspended. Resume it first."))


def record_attempt(*, endpoint: WebhookEndpoint, message: Message, answer: Answer, at: datetime) -> None:
    """Record a delivery attempt, and back off from an endpoint that fails: at least as long as its `Retry-After`."""
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
    if answer.status == HTTP_GONE:
        with suppress(Refusal):  # it was deleted in the meantime
            suspend_failing_endpoint(endpoint=endpoint, reason=str(_("It answered 410: gone.")), at=at)
    elif answer.is_acknowledged:
        failing = WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False)
        failing.update(failing_since=None, quiet_until=None, suspends_at=None)
    else:
        min_delay, max_delay = (timedelta(seconds=value) for value in settings.WEBHOOK_QUIET_SECONDS)
        failing_for = at - (endpoint.failing_since or at)
        delay = rules.backoff_delay(failing_for, min_delay=min_delay, max_delay=max_delay)
        asked = rules.retry_after(answer.retry_after, now=at, at_most=settings.WEBHOOK_MAX_RETRY_AFTER)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            failing_since=Coalesce("failing_since", at), quiet_until=at + max(delay, asked)
        )


def erase_answers(*, keys: Iterable[str]) -> int:
    """Delete what receivers answered to the events with these keys: it may repeat personal data (R14).

    The attempts themselves stay. Returns how many were found.
    """
    about = reduce(or_, (Q(key__startswith=f"{key}@") for key in keys), Q(pk__in=[]))
    return Attempt.objects.filter(about).update(answer="", error="")
