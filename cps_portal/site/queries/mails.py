"""The mails that went to a member: for the download of their data (R14), and for staff (R54)."""

from allauth.account.models import EmailAddress
from django.db.models import QuerySet
from django.db.models.functions import Lower

from cps_portal.core.outbox.models import Message
from members.models import Member


def mails_to(*members: Member) -> "QuerySet[Message]":
    """Messages to any address of these accounts of a person whose content is still kept."""
    users = [member.user_id for member in members]
    addresses = EmailAddress.objects.filter(user__in=users).values_list("email", flat=True)
    mine = {address.lower() for address in [*addresses, *(member.user.email for member in members)]}
    return Message.objects.alias(recipient=Lower("to")).filter(recipient__in=mine, blanked_at=None)
