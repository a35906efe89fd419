"""Credentials of partners: issue, change, rotate, revoke (R55)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import get_access_token_model

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.partners.enums import SCOPES
from cps_portal.core.partners.models import Credential, Partner
from cps_portal.core.partners.models.credentials import DEFAULT_REQUESTS_PER_MINUTE, check_network

MAX_NAME_LENGTH = 60
MAX_REQUESTS_PER_MINUTE = 1_000_000
NOT_LIVE = _("This credential does not work any more. Make a new one.")


@sensitive_variables("secret", "fixed")
@transaction.atomic
def issue_credential(
    *,
    partner: Partner,
    name: str,
    scopes: Sequence[str],
    by: AbstractBaseUser | None,
    at: datetime,
    networks: Sequence[str] = (),
    expires_at: datetime | None = None,
    rate: int = DEFAULT_REQUESTS_PER_MINUTE,
    replaces: Credential | None = None,
    fixed: tuple[str, str] | None = None,
) -> tuple[Credential, str]:
    """Issue a credential. Returns it and its secret, which is stored hashed and never shown again.

    `fixed` is a client id and secret that are known to everybody, for the demo world only. Raises Refusal at the field
    `name`, `scopes` (also for scopes that this kind of partner may not have), `networks`, `rate` or `expires_at`.
    """
    fields = {"name": name, "scopes": scopes, "networks": list(networks), "rate": rate, "expires_at": expires_at}
    client_id, secret = fixed or (generate_client_id(), generate_client_secret())
    row = Credential.objects.create(
        partner=partner,
        **_validated(partner, fields, at),
        client_type=Credential.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Credential.GRANT_CLIENT_CREDENTIALS,
        client_id=client_id,
        client_secret=secret,
        replaces=replaces,
        user=by,
    )
    return row, secret


def _validated(partner: Partner, fields: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The fields, cleaned. Raises Refusal at the first that is invalid."""
    cleaned = dict(fields)
    if "name" in cleaned:
        cleaned["name"] = cleaned["name"].strip()
        if not 0 < len(cleaned["name"]) <= MAX_NAME_LENGTH:
            sentence = _("Say where it is used, in at most %(n)d characters.") % {"n": MAX_NAME_LENGTH}
            raise Refusal("name", sentence, "name")
    if "scopes" in cleaned:
        if not cleaned["scopes"] or set(cleaned["scopes"]) - set(SCOPES[partner.kind]):
            raise Refusal("scopes", _("Choose from the scopes that this kind of partner may have."), "scopes")
        cleaned["scopes"] = [scope for scope in SCOPES[partner.kind] if scope in cleaned["scopes"]]
    for network in cleaned.get("networks", ()):
        try:
            check_network(network)
        except ValidationError as error:
            raise Refusal("networks", error.messages[0], "networks") from None
    if not 1 <= cleaned.get("rate", DEFAULT_REQUESTS_PER_MINUTE) <= MAX_REQUESTS_PER_MINUTE:
        raise Refusal("rate", _("Enter a number from 1 to %(n)d.") % {"n": MAX_REQUESTS_PER_MINUTE}, "rate")
    if cleaned.get("expires_at") and cleaned["expires_at"] <= at:
        raise Refusal("expires_at", _("This moment is over. Choose a later one."), "expires_at")
    return cleaned


@transaction.atomic
def change_credential(
    *, credential: Credential, changes: Mapping[str, Any], by: AbstractBaseUser | None, at: datetime
) -> Credential:
    """Change the name, scopes, networks, rate or expiry of a live credential. Lost rights are lost at once.

    Raises Refusal `state` if it is revoked or expired, and as `issue_credential`.
    """
    locked = Credential.objects.locked(credential.pk)
    if not locked.is_live(at):
        raise Refusal("state", NOT_LIVE)
    for field, value in _validated(locked.partner, changes, at).items():
        setattr(locked, field, value)
    with attributed_to(by):
        locked.save(update_fields=list(changes))
    return locked


@sensitive_variables("successor")
@transaction.atomic
def rotate_credential(*, credential: Credential, by: AbstractBaseUser | None, at: datetime) -> tuple[Credential, str]:
    """Issue a successor with the same rights. The old credential stays valid for CREDENTIAL_OVERLAP_DAYS.

    Raises Refusal `state` if it is revoked or expired, `replaced` if it has a successor already.
    """
    locked = Credential.objects.locked(credential.pk)
    if not locked.is_live(at):
        raise Refusal("state", NOT_LIVE)
    if Credential.objects.filter(replaces=locked).exists():
        raise Refusal("replaced", _("This credential has been replaced already. Replace its successor instead."))
    overlap_ends = at + timedelta(days=settings.CREDENTIAL_OVERLAP_DAYS)
    lifetime = locked.expires_at - locked.created if locked.expires_at else None
    successor = issue_credential(
        partner=locked.partner,
        name=locked.name,
        scopes=locked.scopes,
        networks=locked.networks,
        rate=locked.rate,
        expires_at=at + lifetime if lifetime else None,
        replaces=locked,
        by=by,
        at=at,
    )
    locked.expires_at = min(locked.expires_at or overlap_ends, overlap_ends)
    with attributed_to(by):
        locked.save(update_fields=["expires_at"])
    return successor


@transaction.atomic
def revoke_credential(*, credential: Credential, by: AbstractBaseUser | None, at: datetime) -> Credential:
    """End a credential and its tokens at once. Changes nothing if it is revoked already."""
    locked = Credential.objects.locked(credential.pk)
    if locked.revoked_at is None:
        locked.revoked_at = at
        with attributed_to(by):
            locked.save(update_fields=["revoked_at"])
        get_access_token_model().objects.filter(application=locked).delete()
    return locked
