"""Offers as a member sees them: open to them, signed up for, or open to a higher level (R36, R59)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from members.enums import Level
from members.models import Member
from members.offers.enums import OfferKind, PlaceState
from members.offers.models import SIGNED_UP, Offer, SignUp, WelcomePack
from members.offers.rules import UNDELIVERED_STATES


@dataclass(frozen=True)
class VisibleOffer:
    """An offer as this member sees it."""

    offer: Offer
    sign_up: SignUp | None
    is_open: bool  # at the member's level and country of today
    takes_sign_ups: bool
    places_left: int | None  # None: no limit
    waiting: int = 0
    first_level: str = ""  # the name of the lowest level that opens it, if the member's does not

    @property
    def has_place(self) -> bool:
        return self.sign_up is not None and self.sign_up.state == PlaceState.HELD

    @property
    def is_waiting(self) -> bool:
        return self.sign_up is not None and self.sign_up.state == PlaceState.WAITING

    @property
    def is_full(self) -> bool:
        return self.places_left == 0 or (self.places_left is not None and self.waiting > 0)


@dataclass(frozen=True)
class OfferOverview:
    """A member's offers, and the Welcome Pack that they can request or that is on its way."""

    pack_offered: Offer | None
    pack_followed: WelcomePack | None
    offers: list[VisibleOffer]

    @property
    def is_anything(self) -> bool:
        return bool(self.offers or self.pack_offered or self.pack_followed)


def visible_offers(member: Member, at: datetime) -> OfferOverview:
    """All offers for the member's pages, in three queries."""
    pack = WelcomePack.objects.filter(member=member).first()
    sign_ups = {entry.offer_id: entry for entry in SignUp.objects.filter(member=member, state__in=SIGNED_UP)}
    current = list(_with_counts(Offer.objects.current(at)))
    pack_offers = [offer for offer in current if offer.kind == OfferKind.WELCOME_PACK and _is_open(offer, member)]
    visible = [
        _visible_offer(offer, member, sign_ups.get(offer.pk), at)
        for offer in current
        if offer.kind != OfferKind.WELCOME_PACK
    ]
    shown = [each for each in visible if each.sign_up or (each.takes_sign_ups and (each.is_open or each.first_level))]
    shown.sort(key=lambda each: (not (each.sign_up or each.is_open), each.offer.starts_at or each.offer.since))
    return OfferOverview(
        pack_offered=pack_offers[0] if pack_offers and pack is None else None,
        pack_followed=pack if pack and pack.state in UNDELIVERED_STATES else None,
        offers=shown,
    )


def get_visible_offer(member: Member, slug: str, at: datetime) -> VisibleOffer | None:
    """The offer at this address, if it is open to the member or to a higher level, or they have signed up for it."""
    offer = _with_counts(Offer.objects.exclude(kind=OfferKind.WELCOME_PACK).filter(slug=slug)).first()
    if offer is None:
        return None
    sign_up = SignUp.objects.filter(offer=offer, member=member, state__in=SIGNED_UP).first()
    if sign_up is None and not Offer.objects.current(at).filter(pk=offer.pk).exists():
        return None
    visible = _visible_offer(offer, member, sign_up, at)
    return visible if sign_up or visible.is_open or visible.first_level else None


def waiting_list_position(sign_up: SignUp) -> int:
    """Position on the waiting list, counted from 1."""
    earlier = Q(since__lt=sign_up.since) | Q(since=sign_up.since, pk__lt=sign_up.pk)
    return SignUp.objects.filter(earlier, offer=sign_up.offer_id, state=PlaceState.WAITING).count() + 1


def _is_in_country(offer: Offer, member: Member) -> bool:
    return not offer.countries or member.country.code in offer.countries


def _is_open(offer: Offer, member: Member) -> bool:
    """The same rule as OfferQuerySet.open_to, for an offer that has been loaded and is current."""
    return member.level in offer.levels and _is_in_country(offer, member)


def _visible_offer(offer: Any, member: Member, sign_up: SignUp | None, at: datetime) -> VisibleOffer:
    is_open = _is_open(offer, member)
    higher = Level.values[Level.values.index(member.level) + 1 :]
    opening = [level for level in higher if level in offer.levels]
    return VisibleOffer(
        offer=offer,
        sign_up=sign_up,
        is_open=is_open,
        takes_sign_ups=offer.takes_sign_ups(at),
        places_left=None if offer.places is None else max(offer.places - offer.held, 0),
        waiting=offer.waiting,
        first_level=str(Level(opening[0]).label) if opening and not is_open and _is_in_country(offer, member) else "",
    )


def _with_counts(offers: Any) -> Any:
    return offers.annotate(
        held=Count("sign_ups", filter=Q(sign_ups__state=PlaceState.HELD)),
        waiting=Count("sign_ups", filter=Q(sign_ups__state=PlaceState.WAITING)),
    )
