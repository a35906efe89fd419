"""Admin of offers, Welcome Packs and cards."""

from members.offers.admin import cards, offers, packs

__all__ = ["cards", "offers", "packs"]
