"""Telling partners what happened."""

from datetime import datetime
from typing import Any

from cps_portal.outbox import actions as outbox
from cps_portal.outbox.actions import Letter
from cps_portal.outbox.models import Message
from cps_portal.partners.models import Partner, WebhookEndpoint


def announce(*, partner: Partner, type: str, key: str, compose: str, at: datetime, **facts: Any) -> list[Message]:  # noqa: A002
    """Post an event to every endpoint of the partner that wants it; the body is composed when it leaves.

    A suspended endpoint gets it once it is resumed. The same key again changes nothing. Raises
    TransactionManagementError outside a transaction.
    """
    letters = [
        Letter(f"{key}@{endpoint.pk}", str(endpoint.pk), {"type": type, **outbox.to_word(compose, **facts)})
        for endpoint in WebhookEndpoint.objects.filter(partner=partner)
        if not endpoint.types or type in endpoint.types
    ]
    return outbox.post_many(kind="webhook", letters=letters, at=at)
