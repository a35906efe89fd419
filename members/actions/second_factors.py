"""Secrets of second factors, which allauth keeps: of authenticator apps, and the seeds of recovery codes."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from cps_portal.core.lib.sealing import Purpose, reseal
from members.models import User

SEALED = ("secret", "seed")  # in `Authenticator.data`


def stop_offering_passkey(*, user: User) -> None:
    """The account has a passkey now, or its owner does not want one: the dashboard offers none again."""
    User.objects.filter(pk=user.pk, passkey_offer=True).update(passkey_offer=False)


@transaction.atomic
def reseal_second_factors() -> int:
    """Encrypt every secret under the newest key; returns how many rows. Raises InvalidToken if a key is missing."""
    rows = Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN).order_by("pk")
    count = 0
    for row in rows.iterator():
        Authenticator.objects.filter(pk=row.pk).update(data=_resealed(row.data))
        count += 1
    return count


def _resealed(data: dict[str, Any]) -> dict[str, Any]:
    return data | {name: reseal(data[name], Purpose.SECOND_FACTORS) for name in SEALED if name in data}
