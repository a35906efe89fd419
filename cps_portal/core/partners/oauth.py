"""What the authorisation server asks about scopes: those of the credential, no more (R55)."""

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
        """Who asks for none in particular gets all."""
        return self.get_available_scopes(application)
