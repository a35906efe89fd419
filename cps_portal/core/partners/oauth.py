"""Scopes for the authorisation server: those of the credential (R55)."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Credential


class CredentialScopes(BaseScopes):  # type: ignore[misc]
    def get_all_scopes(self) -> dict[str, str]:
        return {scope.value: str(scope.label) for scope in Scope}

    def get_available_scopes(
        self, application: Credential | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return list(application.scopes) if application else []

    def get_default_scopes(
        self, application: Credential | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """A request without `scope` gets all scopes of the credential."""
        return self.get_available_scopes(application)
