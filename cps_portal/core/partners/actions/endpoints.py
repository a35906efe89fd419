"""Webhook endpoints of partners and their signing secrets (R38)."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.sealing import Purpose, reseal, seal, unseal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners import rules
from cps_portal.core.partners.enums import LATEST_VERSION, EndpointState, Payload
from cps_portal.core.partners.models import EndpointSecret, Partner, WebhookEndpoint

SECRET_BYTES = 32
ENDPOINT_DELETED = "its endpoint was deleted"
URL_FAULTS = {
    "form": _("Enter an address such as https://example.org/webhooks, without a user name or a password."),
    "https": _("Enter an address that begins with https://."),
    "private": _("Enter a public address. This one leads into a private network."),
}


def live_secrets(*, endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    """The secrets that messages to this endpoint are signed with, the newest first.

    Raises InvalidToken if the key that encrypted them is not in ENCRYPTION_KEYS any more.
    """
    return [unseal(row.sealed, Purpose.WEBHOOKS) for row in EndpointSecret.objects.filter(endpoint=endpoint).live(at)]


def partner_secrets(*, partner: Partner, at: datetime) -> list[str]:
    """The secrets that a partner may sign its own messages to us with: those of all its endpoints."""
    rows = EndpointSecret.objects.filter(endpoint__partner=partner, endpoint__partner__active=True).live(at)
    return [unseal(row.sealed, Purpose.WEBHOOKS) for row in rows]


@transaction.atomic
def reseal_endpoint_secrets() -> int:
    """Encrypt every secret under the newest key; returns how many. Raises InvalidToken if a key is missing."""
    rows = EndpointSecret.objects.select_for_update().order_by("pk")
    for row in rows:
        row.sealed = reseal(row.sealed, Purpose.WEBHOOKS)
    EndpointSecret.objects.bulk_update(rows, ["sealed"], batch_size=500)
    return len(rows)


def check_url(url: str) -> None:
    """Raises Refusal `url` if webhooks cannot be sent to this address."""
    fault = rules.url_fault(url, may_be_private=settings.WEBHOOKS_MAY_REACH_PRIVATE)
    if fault:
        raise Refusal("url", URL_FAULTS[fault], "url")


def check_new_endpoint(*, partner: Partner, url: str) -> None:
    """Raises Refusal `url` as check_url and for a duplicate, `many` if the partner has the maximum already."""
    check_url(url)
    live = WebhookEndpoint.objects.live().filter(partner=partner)
    if live.filter(url=url).exists():
        raise Refusal("url", _("This partner has this address already."), "url")
    if live.count() >= settings.WEBHOOK_MAX_ENDPOINTS:
        sentence = _("There are %(n)d addresses already. Delete one that is not used any more.")
        raise Refusal("many", sentence % {"n": settings.WEBHOOK_MAX_ENDPOINTS})


def check_payload(*, version: int, payload: str) -> None:
    """Raises Refusal `thin` if this version has no thin webhooks: they would not say where to read the data."""
    if payload == Payload.THIN and version < rules.VERSION_WITH_OBJECT:
        raise Refusal("thin", _("Thin webhooks need version 2 or later. Choose that, or full ones."), "payload")


@transaction.atomic
def add_endpoint(
    *,
    partner: Partner,
    url: str,
    types: Sequence[str] = (),
    version: int = LATEST_VERSION,
    payload: str = Payload.FULL,
    by: AbstractBaseUser | None,
    at: datetime,
) -> tuple[WebhookEndpoint, str]:
    """Add an address for webhooks. Returns the endpoint and its secret, which is never shown again.

    Raises Refusal as check_new_endpoint and check_payload.
    """
    check_payload(version=version, payload=payload)
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    check_new_endpoint(partner=partner, url=url)
    with attributed_to(by):
        endpoint = WebhookEndpoint.objects.create(
            partner=partner, url=url, types=list(types), version=version, payload=payload, since=at
        )
        return endpoint, _new_secret(endpoint, at)


@transaction.atomic
def change_endpoint(
    *,
    endpoint: WebhookEndpoint,
    types: Sequence[str] | None = None,
    version: int | None = None,
    payload: str | None = None,
    by: AbstractBaseUser | None,
) -> WebhookEndpoint:
    """Subscribe to other events, or get them in another version, or full or thin; None leaves it as it is.

    What is queued already is still sent, as it is wanted then. Raises Refusal `deleted`, `thin`.
    """
    locked = _locked(endpoint)
    locked.types = locked.types if types is None else list(types)
    locked.version = locked.version if version is None else version
    locked.payload = locked.payload if payload is None else payload
    check_payload(version=locked.version, payload=locked.payload)
    with attributed_to(by):
        locked.save(update_fields=["types", "version", "payload"])
    return locked


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime, at_once: bool = False
) -> str:
    """Make a new secret and return it; it is never shown again. The old one stays valid for WEBHOOK_OVERLAP_HOURS.

    With `at_once`, for a secret that has leaked, older secrets end now. Raises Refusal `rotating` while two are valid,
    `deleted`.
    """
    locked = _locked(endpoint)
    live = EndpointSecret.objects.filter(endpoint=locked).live(at)
    if not at_once and live.count() >= rules.MAX_LIVE_SECRETS:
        raise Refusal("rotating", _("An older secret is still valid. Wait until it ends."))
    with attributed_to(by):
        live.update(expires_at=at if at_once else at + timedelta(hours=settings.WEBHOOK_OVERLAP_HOURS))
        return _new_secret(locked, at)


def _new_secret(endpoint: WebhookEndpoint, at: datetime) -> str:
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    EndpointSecret.objects.create(endpoint=endpoint, sealed=seal(secret, Purpose.WEBHOOKS), since=at)
    return secret


@transaction.atomic
def suspend_endpoint(
    *, endpoint: WebhookEndpoint, reason: str, by: AbstractBaseUser | None, at: datetime
) -> WebhookEndpoint:
    """Stop sending; messages wait until it is resumed. Changes nothing if it is suspended already.

    Raises Refusal `reason` if there is none, `deleted`.
    """
    if not reason.strip():
        raise Refusal("reason", _("Say why."), "reason")
    locked = _locked(endpoint)
    if locked.state == EndpointState.ACTIVE:
        locked.state, locked.reason, locked.suspended_at = EndpointState.SUSPENDED, reason.strip()[:200], at
        locked.suspends_at = None
        with attributed_to(by):
            locked.save(update_fields=["state", "reason", "suspended_at", "suspends_at"])
    return locked


@transaction.atomic
def resume_endpoint(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> WebhookEndpoint:
    """Send again, and at once what has been waiting. Also for an active endpoint that is backing off after failures.

    Raises Refusal `deleted`.
    """
    locked = _locked(endpoint)
    locked.state, locked.reason = EndpointState.ACTIVE, ""
    locked.suspended_at = locked.failing_since = locked.quiet_until = locked.suspends_at = None
    with attributed_to(by):
        locked.save(update_fields=["state", "reason", "suspended_at", "failing_since", "quiet_until", "suspends_at"])
    outbox.send_queued_now(ordering_key=locked.ordering_key, at=at)
    return locked


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, by: AbstractBaseUser | None, at: datetime) -> WebhookEndpoint:
    """Never send anything there again, not even what is queued, and refuse what is signed with its secrets.

    The row, its messages and attempts stay for staff. The address may be added again. Raises Refusal `deleted`.
    """
    locked = _locked(endpoint)
    locked.ended_at = at
    with attributed_to(by):
        locked.save(update_fields=["ended_at"])
        EndpointSecret.objects.filter(endpoint=locked).live(at).update(expires_at=at)
    outbox.cancel_queued(ordering_key=locked.ordering_key, why=ENDPOINT_DELETED)
    return locked


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The row, locked. Raises Refusal `deleted`."""
    locked = WebhookEndpoint.objects.locked(endpoint.pk)
    if locked.ended_at:
        raise Refusal("deleted", _("This endpoint has been deleted. Add its address again."))
    return locked
