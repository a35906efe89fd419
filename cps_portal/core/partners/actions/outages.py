"""Webhook endpoints that do not answer: the partner is told, and after some days they are suspended (R38)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.actions.endpoints import suspend_endpoint
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.models import WebhookEndpoint

FAILING, SUSPENDED = "failing", "suspended"


def watch_endpoints(*, at: datetime) -> tuple[int, int]:
    """Tell technical contacts of endpoints that are dead, once an outage, and suspend those that still are on the day
    that the mail named. Returns how many were told of, and how many were suspended.

    An endpoint of a partner without a technical contact is never suspended: nobody would know.
    """
    due = WebhookEndpoint.objects.dead(at - settings.WEBHOOK_WARNED_AFTER)
    keys = due.filter(Q(suspends_at=None) | Q(suspends_at__lte=at)).order_by("pk").values_list("pk", flat=True)
    steps = [_follow_outage(pk, at) for pk in list(keys)]
    return steps.count(FAILING), steps.count(SUSPENDED)


@transaction.atomic
def _follow_outage(pk: int, at: datetime) -> str:
    """Returns what the contact was told, or "" if it answers or was suspended in the meantime, or nothing waits."""
    endpoint = WebhookEndpoint.objects.locked(pk)
    dead = WebhookEndpoint.objects.dead(at - settings.WEBHOOK_WARNED_AFTER)
    waits = Message.objects.queued_with(endpoint.ordering_key)
    if not dead.filter(Q(suspends_at=None) | Q(suspends_at__lte=at), pk=pk).exists() or not waits.exists():
        return ""
    if endpoint.suspends_at:
        suspend_failing_endpoint(endpoint=endpoint, reason=str(_("It has not answered for days.")), at=at)
        return SUSPENDED
    endpoint.suspends_at = at + settings.WEBHOOK_SUSPENDED_AFTER
    endpoint.save(update_fields=["suspends_at"])
    _mail_contact(endpoint, FAILING, endpoint.failing_since or at, at)
    return FAILING


@transaction.atomic
def suspend_failing_endpoint(*, endpoint: WebhookEndpoint, reason: str, at: datetime) -> None:
    """Suspend an endpoint because of its answers, and tell the technical contact. Raises Refusal `deleted`."""
    locked = WebhookEndpoint.objects.locked(endpoint.pk)
    if locked.state == EndpointState.ACTIVE:
        suspend_endpoint(endpoint=locked, reason=reason, by=None, at=at)
        _mail_contact(locked, SUSPENDED, at, at)


def _mail_contact(endpoint: WebhookEndpoint, what: str, since: datetime, at: datetime) -> None:
    """Nothing is sent without a contact. `since` tells one outage from the next."""
    outbox.enqueue(
        key=f"endpoint-{endpoint.pk}-{what}-{int(since.timestamp())}",
        kind=Kind.MAIL,
        to=endpoint.partner.technical_contact,
        payload=outbox.rendered_later(f"partners.endpoint_{what}", endpoint=endpoint.pk),
        at=at,
    )
