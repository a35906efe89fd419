"""What happens when mails to a member come back, and when a link in a mail switches such mails off (R56)."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from cps_portal.core.lib.text import clean_email
from cps_portal.core.outbox import suppressions
from cps_portal.core.outbox.enums import SuppressionReason
from cps_portal.core.outbox.rules import suppression_reason
from members.models import Member, User
from members.models.people import MAIL_PREFERENCES

MAX_ADDRESS_LENGTH = 254


def record_mail_event(*, event: Any, at: datetime) -> bool:
    """Suppress the address that a provider's report is about, if mails to it come back for good or are unwanted.

    `event` is anymail's AnymailTrackingEvent. Addresses of no account are ignored, as are reports from before the
    address was confirmed again. Returns whether the address is newly suppressed.
    """
    address = _clean_address(event.recipient)
    reason = suppression_reason(str(event.event_type), event.reject_reason, event.esp_event)
    if not address or reason is None or not _is_of_an_account(address):
        return False
    return suppressions.suppress(
        address=address,
        reason=SuppressionReason(reason),
        since=_moment(event.timestamp, at),
        answer=str(event.mta_response or event.description or "").replace("\0", ""),
    )


def _clean_address(recipient: object) -> str:
    """In lower case; "" for what cannot be an address."""
    address = clean_email(recipient).lower() if isinstance(recipient, str) and "\0" not in recipient else ""
    return address if "@" in address and len(address) <= MAX_ADDRESS_LENGTH else ""


def _is_of_an_account(address: str) -> bool:
    users = User.objects.alias(lower=Lower("email")).filter(lower=address)
    return users.exists() or EmailAddress.objects.alias(lower=Lower("email")).filter(lower=address).exists()


def _moment(timestamp: datetime | None, at: datetime) -> datetime:
    """When it happened; never after `at`, or a clock that is fast would outlast a confirmation."""
    if timestamp is None:
        return at
    return min(timestamp if timezone.is_aware(timestamp) else timestamp.replace(tzinfo=UTC), at)


@transaction.atomic
def ask_to_confirm_again(*, user: User, email: str) -> EmailAddress | None:
    """Make an address that mails come back from unconfirmed, until the link in the next mail is followed.

    Returns it, so that the caller sends that link; None if the address is not theirs or gets all mails.
    """
    theirs = EmailAddress.objects.select_for_update().filter(user=user)
    # Compared in Python, because what was sent can be any text.
    address = next((address for address in theirs if address.email.lower() == email.lower()), None)
    if address is None or suppressions.find_suppression(address.email) is None:
        return None
    EmailAddress.objects.filter(pk=address.pk).update(verified=False)
    address.verified = False
    return address


@transaction.atomic
def set_mail_preference(*, member: int, preference: str, wanted: bool) -> None:
    """Switch a kind of mails off or on, by the link in one of them. Raises ValueError for an unknown preference."""
    if preference not in MAIL_PREFERENCES:
        raise ValueError(preference)
    locked = Member.objects.open().locked().filter(pk=member).first()
    if locked is not None:
        setattr(locked, preference, wanted)
        locked.save(update_fields=[preference])
