"""Who works with us through machines, what they may do, what they did, and where we tell them of things."""

from cps_portal.core.partners.models.credentials import Call, Credential, CredentialQuerySet, KeptAnswer
from cps_portal.core.partners.models.endpoints import (
    Attempt,
    EndpointSecret,
    EndpointSecretQuerySet,
    WebhookEndpoint,
    WebhookEndpointQuerySet,
)
from cps_portal.core.partners.models.organisations import Partner

__all__ = [
    "Attempt",
    "Call",
    "Credential",
    "CredentialQuerySet",
    "EndpointSecret",
    "EndpointSecretQuerySet",
    "KeptAnswer",
    "Partner",
    "WebhookEndpoint",
    "WebhookEndpointQuerySet",
]
