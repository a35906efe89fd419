"""Log lines about sign-in: who, what and how, as key of the account; addresses and texts that were typed never.

Refusals of rights and broken requests are logged by Django ("django.request", "django.security").
"""

import logging
from typing import Any

from allauth.account.signals import authentication_step_completed, email_changed, password_changed, password_reset
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import Signal

logger = logging.getLogger("portal.security")
EVENTS: dict[Signal, str] = {
    user_logged_in: "signed in",
    user_logged_out: "signed out",
    user_login_failed: "wrong password",
    authentication_step_completed: "a step of signing in",
    password_changed: "password changed",
    password_reset: "password reset",
    email_changed: "address changed",
    authenticator_added: "second factor added",
    authenticator_removed: "second factor removed",
}


def connect() -> None:
    for signal in EVENTS:
        signal.connect(log_event, dispatch_uid="portal.security")


def log_event(signal: Signal, **facts: Any) -> None:
    """With the keys of the account and the kind of factor; `user` is None after a wrong password."""
    authenticator = facts.get("authenticator")
    fields = {
        "event": EVENTS[signal],
        "user": getattr(facts.get("user"), "pk", None),
        "method": facts.get("method"),
        "factor": getattr(authenticator, "type", None) or facts.get("type"),
        "again": bool(facts.get("reauthenticated")),
    }
    logger.info(EVENTS[signal], extra={"fields": {name: value for name, value in fields.items() if value}})
