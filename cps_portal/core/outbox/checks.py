"""System check: the mail provider has the keys that it needs, found at start and not by the first mail."""

from typing import Any

from anymail.exceptions import AnymailConfigurationError
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.mail import get_connection


def mail_provider_is_set_up(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """No network is used: the connection reads its settings when it is made."""
    if not settings.EMAIL_PROVIDER:
        return []
    errors: list[CheckMessage] = []
    if not all(settings.ANYMAIL.get("WEBHOOK_SECRET", "").partition(":")[::2]):
        hint = "Set EMAIL_WEBHOOK_SECRET to user:password, and tell the provider the same."
        errors.append(Error("Anybody could report bounces.", hint=hint, id="outbox.E001"))
    try:
        get_connection()
    except (AnymailConfigurationError, ImportError) as error:
        first_line = str(error).strip().splitlines()[0]
        errors.append(Error(first_line, hint="Set it in EMAIL_PROVIDER_SETTINGS.", id="outbox.E002"))
    return errors
