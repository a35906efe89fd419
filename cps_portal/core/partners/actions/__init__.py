"""The actions on partners, gathered for the apps that call them."""

from cps_portal.core.partners.actions.api_calls import log_call, write_buffered_calls
from cps_portal.core.partners.actions.credentials import (
    change_credential,
    issue_credential,
    revoke_credential,
    rotate_credential,
)
from cps_portal.core.partners.actions.endpoints import (
    ENDPOINT_DELETED,
    add_endpoint,
    change_endpoint,
    check_new_endpoint,
    check_payload,
    check_url,
    delete_endpoint,
    live_secrets,
    partner_secrets,
    reseal_endpoint_secrets,
    resume_endpoint,
    rotate_secret,
    suspend_endpoint,
)
from cps_portal.core.partners.actions.outages import suspend_failing_endpoint, watch_endpoints
from cps_portal.core.partners.actions.webhooks import (
    HTTP_GONE,
    endpoint_of,
    enqueue_webhook,
    erase_answers,
    ping_endpoint,
    record_attempt,
    resend_webhook,
    subscribers,
    webhook_messages,
)

__all__ = [
    "ENDPOINT_DELETED",
    "HTTP_GONE",
    "add_endpoint",
    "change_credential",
    "change_endpoint",
    "check_new_endpoint",
    "check_payload",
    "check_url",
    "delete_endpoint",
    "endpoint_of",
    "enqueue_webhook",
    "erase_answers",
    "issue_credential",
    "live_secrets",
    "log_call",
    "partner_secrets",
    "ping_endpoint",
    "record_attempt",
    "reseal_endpoint_secrets",
    "resend_webhook",
    "resume_endpoint",
    "revoke_credential",
    "rotate_credential",
    "rotate_secret",
    "subscribers",
    "suspend_endpoint",
    "suspend_failing_endpoint",
    "watch_endpoints",
    "webhook_messages",
    "write_buffered_calls",
]
