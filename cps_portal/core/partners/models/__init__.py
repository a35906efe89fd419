"""Who works with us through machines, what they may do, what they did, and where we tell them of things."""

from cps_portal.core.partners.models.credentials import ApiCall, Credential, CredentialQuerySet, IdempotencyRecord
from cps_portal.core.partners.models.endpoints import (
    Attempt,
    EndpointSecret,
    EndpointSecretQuerySet,
    WebhookEndpoint,
    WebhookEndpointQuerySet,
    live_endpoints,
)
from cps_portal.core.partners.models.organisations import Partner

__all__ = [
    "ApiCall",
    "Attempt",
    "Credential",
    "CredentialQuerySet",
    "EndpointSecret",
    "EndpointSecretQuerySet",
    "IdempotencyRecord",
    "Partner",
    "WebhookEndpoint",
    "WebhookEndpointQuerySet",
    "live_endpoints",
]
