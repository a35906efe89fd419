"""Addresses that get only essential mails, because others came back or were marked as spam."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.outbox.enums import SuppressionReason
from cps_portal.core.outbox.models import Suppression

MAX_ANSWER_LENGTH = 500


@transaction.atomic
def suppress(*, address: str, reason: SuppressionReason, since: datetime, answer: str = "") -> bool:
    """Stop all mails to an address but essential ones. Returns whether that is new.

    Idempotent, and safe in any order: a report from before the address was lifted changes nothing.
    """
    values = {"reason": reason, "since": since, "answer": answer[:MAX_ANSWER_LENGTH]}
    row, is_new = Suppression.objects.select_for_update().get_or_create(address=address.lower(), defaults=values)
    if is_new:
        return True
    if row.lifted_at is None or since <= row.lifted_at:
        return False
    Suppression.objects.filter(pk=row.pk).update(lifted_at=None, **values)
    return True


def lift(*, address: str, at: datetime) -> None:
    """Write to the address again: it was confirmed."""
    Suppression.objects.active().filter(address=address.lower()).update(lifted_at=at)


def forget(*, addresses: Iterable[str]) -> None:
    """Delete what is known of addresses that nobody has any more (R14)."""
    Suppression.objects.filter(address__in=[address.lower() for address in addresses]).delete()


NEWEST: CompiledModels[Suppression] = CompiledModels(
    lambda address: Suppression.objects.active().filter(address=address).order_by("-since", "-pk")[:1]
)


def find_suppression(*addresses: str) -> Suppression | None:
    """The newest suppression of any of these addresses."""
    if len(addresses) == 1:
        return NEWEST.first(address=addresses[0].lower())
    return Suppression.objects.active().filter(address__in=[address.lower() for address in addresses]).first()
