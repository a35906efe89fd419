"""With what partners come in: made, followed by the next one, revoked (R55)."""

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
from cps_portal.core.partners.enums import SCOPES
from cps_portal.core.partners.models import Credential, Partner
from cps_portal.core.partners.models.credentials import DEFAULT_REQUESTS_PER_MINUTE, check_network

MAX_NAME_LENGTH = 60
HIGHEST_RATE = 1_000_000
NO_MORE = _("This credential does not work any more. Make a new one.")


@sensitive_variables("secret", "fixed")
@transaction.atomic
def issue(
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
    """Make a credential. Returns it with its secret, which is stored hashed and cannot be shown again.

    `fixed` are the client id and the secret that everybody knows: of the demonstration world, and of nothing else.
    Raises Refusal beside `name`, `scopes` (also for what this kind of partner may not have), `networks`, `rate`,
    `expires_at`.
    """
    wanted = {"name": name, "scopes": scopes, "networks": list(networks), "rate": rate, "expires_at": expires_at}
    client_id, secret = fixed or (generate_client_id(), generate_client_secret())
    row = Credential.objects.create(
        partner=partner,
        **_checked(partner, wanted, at),
        client_type=Credential.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Credential.GRANT_CLIENT_CREDENTIALS,
        client_id=client_id,
        client_secret=secret,
        replaces=replaces,
        user=by,
    )
    return row, secret


def _checked(partner: Partner, wanted: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """What is to be stored of the fields that may be wished for. Raises Refusal beside the first that cannot be."""
    found = dict(wanted)
    if "name" in found:
        found["name"] = found["name"].strip()
        if not 0 < len(found["name"]) <= MAX_NAME_LENGTH:
            words = _("Say where it is used, in at most %(n)d characters.") % {"n": MAX_NAME_LENGTH}
            raise Refusal("name", words, "name")
    if "scopes" in found:
        if not found["scopes"] or set(found["scopes"]) - set(SCOPES[partner.kind]):
            raise Refusal("scopes", _("Choose from the scopes that this kind of partner may have."), "scopes")
        found["scopes"] = [scope for scope in SCOPES[partner.kind] if scope in found["scopes"]]
    for network in found.get("networks", ()):
        try:
            check_network(network)
        except ValidationError as error:
            raise Refusal("networks", error.messages[0], "networks") from None
    if not 1 <= found.get("rate", DEFAULT_REQUESTS_PER_MINUTE) <= HIGHEST_RATE:
        raise Refusal("rate", _("Enter a number from 1 to %(n)d.") % {"n": HIGHEST_RATE}, "rate")
    if found.get("expires_at") and found["expires_at"] <= at:
        raise Refusal("expires_at", _("This moment is over. Choose a later one."), "expires_at")
    return found


@transaction.atomic
def amend(
    *, credential: Credential, changes: Mapping[str, Any], by: AbstractBaseUser | None, at: datetime
) -> Credential:
    """Change the name, scopes, networks, rate or expiry of one that works. What is taken is gone at once.

    Raises Refusal `state` for one that does not work any more, and as `issue` does.
    """
    locked = Credential.objects.locked(credential.pk)
    if not locked.is_live(at):
        raise Refusal("state", NO_MORE)
    for field, value in _checked(locked.partner, changes, at).items():
        setattr(locked, field, value)
    locked.save(update_fields=list(changes))
    return locked


@sensitive_variables("made")
@transaction.atomic
def rotate(*, credential: Credential, by: AbstractBaseUser | None, at: datetime) -> tuple[Credential, str]:
    """Make the next one with the same rights; the old one goes on working for CREDENTIAL_OVERLAP_DAYS beside it.

    Raises Refusal `state` for one that does not work any more, `replaced` for one that has its next one already.
    """
    locked = Credential.objects.locked(credential.pk)
    if not locked.is_live(at):
        raise Refusal("state", NO_MORE)
    if Credential.objects.filter(replaces=locked).exists():
        raise Refusal("replaced", _("This credential is replaced already. If need be, replace the one that follows."))
    ends = at + timedelta(days=settings.CREDENTIAL_OVERLAP_DAYS)
    lasts = locked.expires_at - locked.created if locked.expires_at else None
    made = issue(
        partner=locked.partner,
        name=locked.name,
        scopes=locked.scopes,
        networks=locked.networks,
        rate=locked.rate,
        expires_at=at + lasts if lasts else None,
        replaces=locked,
        by=by,
        at=at,
    )
    locked.expires_at = min(locked.expires_at or ends, ends)
    locked.save(update_fields=["expires_at"])
    return made


@transaction.atomic
def revoke(*, credential: Credential, by: AbstractBaseUser | None, at: datetime) -> Credential:
    """It opens nothing any more, at once, nor do the tokens fetched with it. Revoked already: nothing changes."""
    locked = Credential.objects.locked(credential.pk)
    if locked.revoked_at is None:
        locked.revoked_at = at
        locked.save(update_fields=["revoked_at"])
        get_access_token_model().objects.filter(application=locked).delete()
    return locked
