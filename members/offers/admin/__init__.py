"""The desk's pages of offers, packs and cards."""

from members.offers.admin import cards, offers, packs

__all__ = ["cards", "offers", "packs"]
