"""The REST API: framework, tokens and the OpenAPI document."""

from typing import Any

OAUTH2_PROVIDER_APPLICATION_MODEL = "partners.Credential"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",  # client credentials and nothing else
    "SCOPES_BACKEND_CLASS": "cps_portal.core.partners.oauth.CredentialScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["client_credentials"],
    **{
        f"COMPLIANT_BCP_RFC9700_{what}": True
        for what in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["cps_portal.core.rest.access.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["cps_portal.core.rest.access.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cps_portal.core.rest.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "cps_portal.core.rest.errors.problem_response",
    "DEFAULT_SCHEMA_CLASS": "cps_portal.core.rest.schema.PartnerSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "CPS portal API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "filter": True,
        "defaultModelsExpandDepth": 0,
        "displayRequestDuration": True,
    },
    "ENUM_NAME_OVERRIDES": {
        "TicketEventKind": "servicing.enums.EventKind",
        "ReportedKind": "servicing.api.resources.REPORTED_KIND_CHOICES",
        "CustomerKind": "servicing.api.resources.CUSTOMER_KIND_CHOICES",
        "PackStepReported": "members.offers.api.PARTNER_STEP_CHOICES",
        "TicketState": "servicing.enums.TicketState",
        "WhyNoWarranty": "servicing.enums.WhyNoWarranty",
        "Level": "members.enums.Level",
        "Stage": "kitbag.enums.Stage",
        "WelcomePackState": "members.offers.enums.PackState",
        "CardRequestState": "members.offers.enums.CardRequestState",
        "SaleState": "kitbag.api.sales.STATES",
        "LoanState": "servicing.enums.LoanState",
        "EstimateState": "servicing.enums.EstimateState",
        "EndpointState": "cps_portal.core.partners.enums.EndpointState",
        "MessageState": "cps_portal.core.outbox.enums.State",
        "DocumentKind": "servicing.enums.TicketFileKind",
    },
    "SERVERS": [
        {"url": "/", "description": "The portal that serves this document"},
        {
            "url": "https://{host}",
            "description": "Any portal, by the name in its address",
            "variables": {"host": {"default": "portal.example.org", "description": "The host of the portal"}},
        },
        {"url": "http://localhost:8000", "description": "A portal of your own with sample data, from `make run`"},
    ],
    "CONTACT": {
        "name": "Support for partners",
        "url": "https://portal.example.org/developers/",
        "email": "support@example.org",
    },
    "WEBHOOKS": [
        f"cps_portal.api_webhooks.{name}"
        for name in (
            "TICKET_OPENED",
            "TICKET_EVENT",
            "TICKET_MESSAGE",
            "SALE_MATCHED",
            "SALE_WITHDRAWN",
            "PACK_REQUESTED",
            "PACK_CANCELLED",
            "CARD_REQUESTED",
            "ENDPOINT_TEST",
        )
    ],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "cps_portal.core.rest.introduction.introduce",
        "cps_portal.core.rest.descriptions.complete",
        "cps_portal.core.rest.schema.add_tokens",
        "cps_portal.core.rest.links.add_links",
        "cps_portal.core.rest.links.add_field_names",
        "cps_portal.api_webhooks.complete_webhooks",
        "cps_portal.core.rest.examples.add_examples",
    ],
}
