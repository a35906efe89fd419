"""Offers, Welcome Packs and membership cards."""

from members.offers.models.card_requests import CardRequest, CardRequestQuerySet
from members.offers.models.cards import Card, CardQuerySet
from members.offers.models.offers import SIGNED_UP, Offer, OfferQuerySet, SignUp
from members.offers.models.packs import PackEvent, PackItem, WelcomePack, WelcomePackQuerySet

__all__ = [
    "SIGNED_UP",
    "Card",
    "CardQuerySet",
    "CardRequest",
    "CardRequestQuerySet",
    "Offer",
    "OfferQuerySet",
    "PackEvent",
    "PackItem",
    "SignUp",
    "WelcomePack",
    "WelcomePackQuerySet",
]
