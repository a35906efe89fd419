"""Admin pages of partners: credentials, API calls, webhook endpoints (R38, R54, R55)."""

from cps_portal.core.partners.admin import calls, credentials, endpoints, organisations

__all__ = ["calls", "credentials", "endpoints", "organisations"]
