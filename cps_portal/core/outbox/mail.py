"""Render mails from their templates."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from cps_portal.core.lib.directions import html_in_order
from cps_portal.core.outbox.plain import plain_text


def common_context() -> dict[str, Any]:
    """Context of every mail template, besides its own. Without a name, a mail greets with "Hello,"."""
    return {"site_url": settings.SITE_URL, "first_name": "", "unsubscribe_url": ""}


def essential(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a mail that is sent even to an address that other mails come back from (`suppressions`)."""
    return {**payload, "essential": True}


def one_line(text: str) -> str:
    """The text without line breaks: templates end with one, and a header must not contain any."""
    return " ".join(text.split())


def render_parts(subject_template: str, html_template: str, context: Mapping[str, Any]) -> dict[str, str]:
    """Subject, HTML and plain text of a mail, in the active language. The text is what the HTML says (`plain_text`)."""
    subject = one_line(render_to_string(subject_template, dict(context)))
    html = render_to_string(html_template, {**context, "subject": subject})
    parts = {"subject": subject, "text": plain_text(html), "html": html}
    return {name: html_in_order(part) for name, part in parts.items()}


def render_mail(template: str, context: Mapping[str, Any], *, language: str) -> dict[str, str]:
    """Render `templates/emails/<template>.{subject.txt,html}` in `language`; the payload of a mail.

    A mail that its reader can switch off has the link for it as `unsubscribe_url` in its context (RFC 8058).
    """
    full_context = {**common_context(), **context}
    with translation.override(language):
        payload = render_parts(f"emails/{template}.subject.txt", f"emails/{template}.html", full_context)
    return {**payload, "unsubscribe": unsubscribe} if (unsubscribe := full_context["unsubscribe_url"]) else payload
