"""The sender of push messages: encrypted for the browser, and posted to its push service (R56)."""

import json
from datetime import datetime

from django.conf import settings

from cps_portal.core.lib import web_push
from cps_portal.core.outbox.exceptions import Obsolete, Rejected
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.senders import render_payload
from cps_portal.core.partners import gateway
from members import actions
from members.models import PushSubscription

GONE = frozenset({404, 410})  # the push service does not know the browser any more
TRY_AGAIN = frozenset({0, 408, 425, 429})  # besides 5xx
SERVER_ERROR = 500


class NotTaken(Exception):
    """The push service did not take the message. It is retried."""


def send_push(message: Message, *, at: datetime) -> str:
    """Send it if the browser is still signed in. A push service that no longer knows it makes us forget it."""
    subscriptions = PushSubscription.objects.signed_in(at)
    subscription = subscriptions.filter(pk=message.payload.get("subscription")).first()
    if subscription is None:
        raise Obsolete("the browser is signed out, or wants no messages any more")
    if not settings.PUSH_PRIVATE_KEY:
        raise Obsolete("push messages are not set up")
    text = json.dumps(render_payload(message.payload), ensure_ascii=False, separators=(",", ":")).encode()
    signature = web_push.authorization(
        subscription.endpoint, private=settings.PUSH_PRIVATE_KEY, contact=settings.SITE_URL, at=at
    )
    answer = gateway.post(
        subscription.endpoint,
        body=web_push.encrypt(text, p256dh=subscription.p256dh, auth=subscription.auth),
        headers={
            "Authorization": signature,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(settings.PUSH_KEPT.total_seconds())),
        },
    )
    if answer.status in GONE:
        actions.forget_subscription(key=subscription.pk)
        raise Obsolete(f"{answer.status}: the browser takes no messages any more")
    if answer.is_acknowledged:
        actions.record_pushed(key=subscription.pk, at=at)
        return str(answer.status)
    if answer.status in TRY_AGAIN or answer.status >= SERVER_ERROR:
        raise NotTaken(answer.error or str(answer.status))
    raise Rejected(f"{answer.status} {answer.text[:200]}")
