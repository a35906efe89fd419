"""The mails that went to a member: for the download of their data (R14), and for staff (R54)."""

from allauth.account.models import EmailAddress
from django.db.models import QuerySet
from django.db.models.functions import Lower

from cps_portal.core.outbox.models import Message
from members.models import Member


def mails_to(member: Member) -> "QuerySet[Message]":
    """Messages to any address of the member whose content is still kept."""
    addresses = EmailAddress.objects.filter(user=member.user_id).values_list("email", flat=True)
    mine = {address.lower() for address in [*addresses, member.user.email]}
    return Message.objects.alias(recipient=Lower("to")).filter(recipient__in=mine, blanked_at=None)
