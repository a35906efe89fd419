"""The desk's pages of offers, packs and cards."""

from cps_portal.offers.admin import cards, offers

__all__ = ["cards", "offers"]
