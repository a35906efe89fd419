"""Mails as they would be sent now."""

from contextlib import suppress
from typing import Any

from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.senders import render_payload
from members.models import Member


def rendered(message: Message) -> dict[str, Any]:
    """The payload with subject, text and html; raises Obsolete if the mail would not be sent."""
    return render_payload(message.payload) if "renderer" in message.payload else message.payload


def mails_to(member: Member, prefix: str = "") -> list[dict[str, Any]]:
    """The mails to a member that have been or would be sent, in the order of writing."""
    mails = []
    for message in Message.objects.filter(to=member.user.email, key__startswith=prefix).order_by("pk"):
        with suppress(Obsolete):
            mails.append(rendered(message))
    return mails
