"""Senders: functions that send one message and return what the receiver answered.

A sender must finish within the lease. It raises `Rejected`, `Obsolete` or `Postponed`; any other exception means that
the message is retried.
"""

from datetime import datetime
from email.utils import format_datetime
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email

from cps_portal.core.lib.logs import HEADER
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.outbox.exceptions import Obsolete, Rejected
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.core.outbox.suppressions import find_suppression

MIN_PERMANENT_CODE = 500  # SMTP: 4xx is temporary, 5xx is permanent


def message_id(message: Message) -> str:
    """The Message-ID header. The same on every attempt, so that mail programs show a mail that was sent twice once.

    The time of creation makes it different in every database, where primary keys repeat.
    """
    host = urlsplit(settings.SITE_URL).hostname
    return f"<{message.pk}.{int(message.created_at.timestamp() * 1_000_000)}@{host}>"


def send_mail(message: Message, *, at: datetime) -> str:
    """Send a mail. Its payload has `subject`, `text` and perhaps `html`, or comes from `rendered_later`."""
    if not message.payload.get("essential") and (suppression := find_suppression(message.to)):
        raise Obsolete(f"not sent: {suppression.get_reason_display()}")
    try:
        validate_email(message.to)
        mail = _build(message, render_payload(message.payload) if "renderer" in message.payload else message.payload)
        mail.message()  # finds what cannot be a header
    except (KeyError, ValueError, ValidationError) as error:
        raise Rejected(repr(error)) from error
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        if all(code >= MIN_PERMANENT_CODE for code, _ in error.recipients.values()):
            raise Rejected(repr(error)) from error
        raise
    except SMTPDataError as error:
        if error.smtp_code >= MIN_PERMANENT_CODE:
            raise Rejected(repr(error)) from error
        raise
    except (AnymailRecipientsRefused, AnymailInvalidAddress) as error:
        raise Rejected(repr(error)) from error
    return "accepted"


def render_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """Render what `rendered_later` postponed, from one snapshot. Raises Obsolete if there is nothing left to send."""
    with read_snapshot():
        rendered = get_renderer(payload["renderer"])(**payload["context"])
    if rendered is None:
        raise Obsolete
    return rendered


def _headers(message: Message, unsubscribe: str) -> dict[str, str]:
    """`unsubscribe` is the address that switches such mails off by one POST (RFC 8058); "" if they cannot be."""
    headers = {"Auto-Submitted": "auto-generated"}
    if not settings.EMAIL_PROVIDER:  # providers set their own, and some refuse ours
        headers |= {"Message-ID": message_id(message), "Date": format_datetime(message.created_at)}
    if message.request_id:
        headers[HEADER] = message.request_id
    if unsubscribe:
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return headers


def _build(message: Message, payload: dict[str, str]) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        subject=payload["subject"],
        body=payload["text"],
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to],
        headers=_headers(message, payload.get("unsubscribe", "")),
    )
    if html := payload.get("html"):
        mail.attach_alternative(html, "text/html")
    return mail
