"""The sender of webhooks: signed by the Standard Webhooks specification, with the same id on every attempt (R38)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from standardwebhooks import Webhook

from cps_portal.core.lib.logs import HEADER
from cps_portal.core.outbox.exceptions import Obsolete, Postponed, Rejected
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.senders import render_payload
from cps_portal.core.partners import actions, gateway, rules
from cps_portal.core.partners.enums import EndpointState, Payload
from cps_portal.core.partners.models import WebhookEndpoint

SUSPENDED_RECHECK = timedelta(hours=1)  # resuming an endpoint sends at once; this is for partners made active
USER_AGENT = "CPS-Portal-Webhooks/1"


class NotAcknowledged(Exception):
    """The receiver did not answer with 2xx. The message is retried."""


def send_webhook(message: Message, *, at: datetime) -> str:
    """Post a message that `actions.announce` wrote. Anything but 2xx is no acknowledgement; 410 is never sent again."""
    endpoint = actions.endpoint_of(message)
    if endpoint is None:
        raise Rejected("the endpoint does not exist any more")
    _check_open(endpoint, at)
    body = body_of(message, endpoint)
    headers = _headers(endpoint, message, body, datetime.now(UTC))
    answer = gateway.post(endpoint.url, body=body, headers=headers)
    actions.record_attempt(endpoint=endpoint, message=message, answer=answer, at=at)
    if answer.status == actions.HTTP_GONE:
        raise Postponed(at + SUSPENDED_RECHECK)
    if not answer.is_acknowledged:
        raise NotAcknowledged(answer.error or f"{answer.status}")
    return f"{answer.status} {answer.text}"


def _check_open(endpoint: WebhookEndpoint, at: datetime) -> None:
    if endpoint.ended_at:  # deleted after the message was enqueued
        raise Obsolete(actions.ENDPOINT_DELETED)
    if endpoint.state == EndpointState.SUSPENDED or not endpoint.partner.active:
        raise Postponed(at + SUSPENDED_RECHECK)
    if endpoint.quiet_until and endpoint.quiet_until > at:
        raise Postponed(endpoint.quiet_until)


def body_of(message: Message, endpoint: WebhookEndpoint) -> bytes:
    """The body as JSON, in the version and with the content that the endpoint wants now; `data` is rendered now.

    Also for a thin one, which does not show it: what is no longer true is not sent. Raises Obsolete.
    """
    data = render_payload(message.payload)
    body = rules.webhook_body(
        message.payload,
        data,
        version=endpoint.version,
        thin=endpoint.payload == Payload.THIN,
        url=_object_url(message.payload, data),
    )
    return json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()


def _object_url(event: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    path = settings.WEBHOOK_OBJECTS.get(event["type"], "{subject}")
    return f"{settings.SITE_URL}/api/v1/" + path.format(
        subject=event.get("subject", ""), reference=data.get("reference", "")
    )


def _headers(endpoint: WebhookEndpoint, message: Message, body: bytes, now: datetime) -> dict[str, str]:
    """Signed with the time of this attempt, because receivers refuse old signatures; the id is that of the message."""
    webhook_id = message.payload["id"]
    secrets = actions.live_secrets(endpoint=endpoint, at=timezone.now())
    return {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": USER_AGENT,
        "Idempotency-Key": webhook_id,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(webhook_id, now, body.decode()) for secret in secrets),
        **({HEADER: message.request_id} if message.request_id else {}),
    }
