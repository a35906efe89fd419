"""Everything that is done to partners: here by name, since the rooms above know it as one."""

from cps_portal.partners.actions.calls import delete_old_calls, note_call, write_calls
from cps_portal.partners.actions.credentials import amend, issue, revoke, rotate
from cps_portal.partners.actions.telling import (
    GONE,
    add_endpoint,
    announce,
    check_url,
    choose_types,
    delete_old_attempts,
    endpoint_of,
    forget_answers,
    letters,
    live_secrets,
    record_attempt,
    resend,
    resume,
    rotate_secret,
    secrets_of,
    suspend,
)

__all__ = [
    "GONE",
    "add_endpoint",
    "amend",
    "announce",
    "check_url",
    "choose_types",
    "delete_old_attempts",
    "delete_old_calls",
    "endpoint_of",
    "forget_answers",
    "issue",
    "letters",
    "live_secrets",
    "note_call",
    "record_attempt",
    "resend",
    "resume",
    "revoke",
    "rotate",
    "rotate_secret",
    "secrets_of",
    "suspend",
    "write_calls",
]
