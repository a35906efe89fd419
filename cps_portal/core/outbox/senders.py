"""How messages leave. A sender takes the row, blocks for less than the lease, and returns the answer.

It raises `Rejected` for a refusal that trying again will not cure, `Obsolete`, `Postponed`, and anything else for
the rest.
"""

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.utils.module_loading import import_string

from cps_portal.core.outbox.models import Message

PERMANENT = 500  # SMTP: 4xx may go away, 5xx will not


class Rejected(Exception):
    """The other side will never take this message."""


class Obsolete(Exception):
    """What the message says is no longer true, or nobody is there for it any more: it is not sent."""


class Postponed(Exception):
    """Nothing of this lane can be sent before `until`: this was no attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until:%Y-%m-%d %H:%M:%S}")
        self.until = until


def message_id(message: Message) -> str:
    """The same on every attempt, so that a mail sent twice is shown once; never the same in another database."""
    host = urlsplit(settings.SITE_URL).hostname
    return f"<{message.pk}.{int(message.created_at.timestamp() * 1_000_000)}@{host}>"


def send_mail(message: Message, *, at: datetime) -> str:
    """Send a mail whose payload is `subject`, `text` and perhaps `html`, or names who words it (`to_word`)."""
    try:
        validate_email(message.to)
        mail = _build(message, render_payload(message.payload) if "compose" in message.payload else message.payload)
        mail.message()  # finds what cannot be a header
    except (KeyError, ValueError, ValidationError) as error:
        raise Rejected(repr(error)) from error
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        if all(code >= PERMANENT for code, _ in error.recipients.values()):
            raise Rejected(repr(error)) from error
        raise
    except SMTPDataError as error:
        if error.smtp_code >= PERMANENT:
            raise Rejected(repr(error)) from error
        raise
    return "accepted"


def render_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """What the composer named by `to_word` says now. Raises Obsolete if that is nothing any more."""
    compose: Callable[..., dict[str, Any] | None] = import_string(settings.OUTBOX_COMPOSERS[payload["compose"]])
    found = compose(**payload["facts"])
    if found is None:
        raise Obsolete
    return found


def _build(message: Message, payload: dict[str, str]) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        subject=payload["subject"],
        body=payload["text"],
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[message.to],
        headers={
            "Message-ID": message_id(message),
            "Date": format_datetime(message.created_at),
            "Auto-Submitted": "auto-generated",
        },
    )
    if html := payload.get("html"):
        mail.attach_alternative(html, "text/html")
    return mail
