"""With what partners come in: made, followed by the next one, revoked (R55)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model

from cps_portal.lib.errors import Refusal
from cps_portal.partners.enums import SCOPES
from cps_portal.partners.models import Credential, Partner
from cps_portal.partners.models.credentials import USUAL_RATE, check_network

LONGEST_NAME = 60


@sensitive_variables("secret")
@transaction.atomic
def issue(
    *, partner: Partner, name: str, scopes: Sequence[str], by: AbstractBaseUser | None, at: datetime,
    networks: Sequence[str] = (), expires_at: datetime | None = None, rate: int = USUAL_RATE,
) -> tuple[Credential, str]:  # fmt: skip
    """Make a credential. Returns it with its secret, which is stored hashed and cannot be shown again.

    Raises Refusal beside `name`, `scopes` (also for what this kind of partner may not have), `networks`, `expires_at`.
    """
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        words = _("Say where it is used, in at most %(n)d characters.") % {"n": LONGEST_NAME}
        raise Refusal("name", words, "name")
    if not scopes or set(scopes) - set(SCOPES[partner.kind]):
        raise Refusal("scopes", _("Choose from the scopes that this kind of partner may have."), "scopes")
    for network in networks:
        try:
            check_network(network)
        except ValidationError as error:
            raise Refusal("networks", error.messages[0], "networks") from None
    if expires_at and expires_at <= at:
        raise Refusal("expires_at", _("This moment is over. Choose a later one."), "expires_at")
    secret = generate_client_secret()
    row = Credential.objects.create(
        partner=partner,
        name=name.strip(),
        scopes=[scope for scope in SCOPES[partner.kind] if scope in scopes],
        networks=list(networks),
        rate=rate,
        expires_at=expires_at,
        client_type=Credential.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Credential.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
        user=by,
    )
    return row, secret


@sensitive_variables("secret")
@transaction.atomic
def rotate(*, credential: Credential, by: AbstractBaseUser | None, at: datetime) -> tuple[Credential, str]:
    """Make the next one with the same rights; the old one goes on working for CREDENTIAL_OVERLAP_DAYS beside it.

    Raises Refusal `state` for one that does not work any more.
    """
    locked = Credential.objects.locked(credential.pk)
    if not locked.is_live(at):
        raise Refusal("state", _("This credential does not work any more. Make a new one."))
    ends = at + timedelta(days=settings.CREDENTIAL_OVERLAP_DAYS)
    lasts = locked.expires_at - locked.created if locked.expires_at else None
    made = issue(
        partner=locked.partner, name=locked.name, scopes=locked.scopes, networks=locked.networks, rate=locked.rate,
        expires_at=at + lasts if lasts else None, by=by, at=at,
    )  # fmt: skip
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
