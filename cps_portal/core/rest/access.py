"""Authentication with OAuth 2.0 bearer tokens (client credentials), and scopes (R55)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from oauth2_provider.models import AccessToken
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.throttle import client_address
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Credential, Partner
from cps_portal.core.partners.rules import is_within

REALM = 'Bearer realm="api"'


class PartnerUser(AnonymousUser):
    """The `request.user` of a partner: authenticated, but no user of ours. `request.auth` says which partner."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        return False


PARTNER_USER = PartnerUser()


TOKEN: CompiledModels[Any] = CompiledModels(
    lambda token_checksum: AccessToken.objects.select_related("application__partner").filter(
        token_checksum=token_checksum
    ),
    related=["application__partner"],
)


@dataclass(frozen=True, slots=True)
class Access:
    """`request.auth`: the credential, its partner, and what the token allows."""

    credential: Credential
    partner: Partner
    scopes: frozenset[str]
    address: str


class TokenFailed(exceptions.AuthenticationFailed):
    default_code = "token"
    default_detail = "This token is not valid, or not any more. Fetch a new one."


class ScopeMissing(exceptions.PermissionDenied):
    default_code = "scope"


class PartnerAuthentication(BaseAuthentication):
    """Reads token, credential and partner in a single query."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Access] | None:
        kind, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        row = TOKEN.first(token_checksum=sha256(token.strip().encode()).hexdigest())
        now = timezone.now()
        if row is None or row.expires <= now or row.application is None or not row.application.is_live(now):
            raise TokenFailed
        credential: Credential = row.application
        address = client_address(request._request)
        if not is_within(address, credential.networks):
            raise TokenFailed("This credential may not be used from here.", code="network")
        # A scope taken from the credential is gone at once, also from tokens that were issued with it.
        scopes = frozenset(row.scope.split()) & frozenset(credential.scopes)
        return PARTNER_USER, Access(credential, credential.partner, scopes, address)

    def authenticate_header(self, request: Request) -> str:
        """By RFC 6750 the header names an error only if a token was sent."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        return f'{REALM}, error="invalid_token"' if header.lower().startswith("bearer ") else REALM


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        scope = view.scope_for(request.method)
        access = request.auth
        if not isinstance(access, Access):
            return False
        if request.method not in view.allowed_methods:
            raise exceptions.MethodNotAllowed(request.method or "")  # nobody has this method, whatever the scopes
        if scope and scope not in access.scopes:
            raise ScopeMissing(f"This needs the scope {scope}.")
        return True


class PartnerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = PartnerAuthentication
    name = "oauth2"

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        scope = auto_schema.view.scope_for(auto_schema.method)
        return {self.name: [scope] if scope else []}

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        scopes = {scope.value: str(scope.label) for scope in Scope}
        return {
            "type": "oauth2",
            "description": "Tokens are valid for an hour.",
            "flows": {"clientCredentials": {"tokenUrl": "/api/v1/oauth/token", "scopes": scopes}},
        }
