"""Building the text of a mail from its templates. Sends nothing."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation


def frame() -> dict[str, Any]:
    """What every mail's templates may use beside their own context."""
    return {"site_url": settings.SITE_URL}


def one_line(text: str) -> str:
    """A subject: templates end in a line break, headers may hold none."""
    return " ".join(text.split())


def render_mail(template: str, context: Mapping[str, Any], *, language: str) -> dict[str, str]:
    """Render `templates/emails/<template>.{subject.txt,txt,html}` in `language`; the payload of a mail."""
    everything = {**frame(), **context}
    with translation.override(language):
        subject, text, html = (
            render_to_string(f"emails/{template}.{ending}", everything) for ending in ("subject.txt", "txt", "html")
        )
    return {"subject": one_line(subject), "text": text.strip() + "\n", "html": html}
