"""Who asks, and what they may (R55): OAuth 2.0 bearer tokens of client credentials."""

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

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.lib.throttle import client_address
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Credential, Partner
from cps_portal.core.partners.rules import is_within

REALM = 'Bearer realm="api"'


class PartnerUser(AnonymousUser):
    """Nobody of ours, and yet let in: `request.auth` says who it is."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        return False


PARTNER_USER = PartnerUser()


TOKEN: CompiledQuery[Any] = CompiledQuery(
    lambda token_checksum: AccessToken.objects.select_related("application__partner").filter(
        token_checksum=token_checksum
    )
)


@dataclass(frozen=True, slots=True)
class Access:
    """`request.auth`: whose credential it is, and what it may do."""

    credential: Credential
    partner: Partner
    scopes: frozenset[str]
    address: str


class TokenFailed(exceptions.AuthenticationFailed):
    default_code = "token"
    default_detail = "This token does not work, or no longer. Fetch a new one."


class ScopeMissing(exceptions.PermissionDenied):
    default_code = "scope"


class PartnerAuthentication(BaseAuthentication):
    """One look-up: the token, its credential and the partner together."""

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
        # What is taken from a credential is gone at once, also from the tokens that are out.
        scopes = frozenset(row.scope.split()) & frozenset(credential.scopes)
        return PARTNER_USER, Access(credential, credential.partner, scopes, address)

    def authenticate_header(self, request: Request) -> str:
        """As RFC 6750 wants it: with the error if there was a token, without one if there was none."""
        given = request.META.get("HTTP_AUTHORIZATION", "")
        return f'{REALM}, error="invalid_token"' if given.lower().startswith("bearer ") else REALM


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = view.scope_for(request.method)
        access = request.auth
        if not isinstance(access, Access):
            return False
        if request.method not in view.allowed_methods:
            raise exceptions.MethodNotAllowed(request.method or "")  # whatever the scopes: it is there for nobody
        if wanted and wanted not in access.scopes:
            raise ScopeMissing(f"This needs the scope {wanted}.")
        return True


class PartnerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = PartnerAuthentication
    name = "oauth2"

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        wanted = auto_schema.view.scope_for(auto_schema.method)
        return {self.name: [wanted] if wanted else []}

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        scopes = {scope.value: str(scope.label) for scope in Scope}
        return {
            "type": "oauth2",
            "description": "Tokens live for an hour.",
            "flows": {"clientCredentials": {"tokenUrl": "/api/v1/oauth/token", "scopes": scopes}},
        }
