"""The desk's pages of partners: with what they come in, what they did, where they hear of things (R38, R54, R55)."""

from cps_portal.core.partners.admin import calls, credentials, endpoints, organisations

__all__ = ["calls", "credentials", "endpoints", "organisations"]
