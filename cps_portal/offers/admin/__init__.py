"""The desk's pages of offers, packs and cards."""

from cps_portal.offers.admin import cards, offers, packs

__all__ = ["cards", "offers", "packs"]
