"""Offers as a member sees them: open to them, signed up for, or open to a higher level (R36, R59)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledModels
from members.enums import Level
from members.models import Member
from members.offers.enums import OfferKind, OfferState, PackState, PlaceState
from members.offers.models import SIGNED_UP, Card, CardQuerySet, CardRequest, Offer, SignUp, WelcomePack
from members.offers.rules import UNDELIVERED_STATES
from members.queries import active_countries, membership_of
from members.rules import Membership

DOOR_STAYS_OPEN = timedelta(days=1)  # after the end, or the beginning if no end is known


def find_returned_card(member: Member) -> CardRequest | None:
    """The printed card that came back and waits for an address (R40)."""
    return CardRequest.objects.returned().filter(member=member).first()


SIGN_UPS: CompiledModels[SignUp] = CompiledModels(
    lambda member: SignUp.objects.filter(member=member, state__in=SIGNED_UP)
)


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
    can_open: bool = False  # whether it opens at that level where the member lives: benefits may end at Silver (R3)
    is_resting: bool = False  # the member lives outside the free programme (R65)
    is_abroad: bool = False  # an event in another country, which welcomes them (R4)

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
    pack_returned: WelcomePack | None = None  # it waits for an address to be sent to again

    @property
    def is_anything(self) -> bool:
        return bool(self.offers or self.pack_offered or self.pack_followed)


def visible_offers(
    member: Member, membership: Membership, at: datetime, *, has_pack: bool = True, has_sign_ups: bool = True
) -> OfferOverview:
    """All offers for the member's pages, in three queries. While membership rests: only what they signed up for.

    `has_pack` and `has_sign_ups`: whether there can be any, if the caller knows.
    """
    pack = WelcomePack.objects.of_person(member).first() if has_pack else None
    sign_ups = {entry.offer_id: entry for entry in SIGN_UPS.all(member=member.pk)} if has_sign_ups else {}
    current = CURRENT.all(at=at, today=timezone.localdate())
    pack_offers = [offer for offer in current if offer.kind == OfferKind.WELCOME_PACK and _is_open(offer, membership)]
    visible = [
        _visible_offer(offer, membership, sign_ups.get(offer.pk), at)
        for offer in current
        if offer.kind != OfferKind.WELCOME_PACK
    ]
    shown = [
        each
        for each in visible
        if each.sign_up or (each.takes_sign_ups and not each.is_abroad and (each.is_open or each.can_open))
    ]
    shown.sort(key=lambda each: (not (each.sign_up or each.is_open), each.offer.starts_at or each.offer.since))
    return OfferOverview(
        pack_offered=pack_offers[0] if pack_offers and (pack is None or pack.can_be_requested_again) else None,
        pack_followed=pack if pack and pack.state in UNDELIVERED_STATES else None,
        offers=shown,
        pack_returned=pack if pack and pack.state == PackState.RETURNED and membership.is_active else None,
    )


def events_for_travellers(member: Member, country: str, at: datetime) -> list[Offer]:
    """The events to come in a country that welcome a member who travels there, the next first (R4)."""
    events = Offer.objects.open_to(membership_of(member), at).filter(
        kind=OfferKind.EVENT, open_to_travellers=True, countries__contains=[country], starts_at__gt=at
    )
    return list(events.order_by("starts_at", "pk"))


def events_at(at: datetime) -> QuerySet[Offer]:
    """The events at whose door somebody can show a card: to come, or not over for a day, the next first (R5)."""
    over = Q(ends_at__lt=at - DOOR_STAYS_OPEN) | Q(ends_at=None, starts_at__lt=at - DOOR_STAYS_OPEN)
    events = Offer.objects.filter(kind=OfferKind.EVENT, state=OfferState.PUBLISHED, since__lte=at).exclude(over)
    return events.order_by("starts_at", "pk")


def is_pack_offered(member: Member, at: datetime) -> bool:
    """Whether the member can request the Welcome Pack today (R36, R37, R65)."""
    offers = Offer.objects.open_to(membership_of(member), at).filter(kind=OfferKind.WELCOME_PACK)
    pack = WelcomePack.objects.of_person(member).first()
    return (pack is None or pack.can_be_requested_again) and offers.exists()


def get_visible_offer(member: Member, slug: str, at: datetime) -> VisibleOffer | None:
    """The offer at this address, if it is open to the member or to a higher level, or they have signed up for it.

    While their membership rests they can open every current offer; the page says why they cannot sign up.
    """
    rows = Offer.objects.exclude(kind=OfferKind.WELCOME_PACK).filter(slug=slug)
    offer = _with_counts(rows, timezone.localdate()).first()
    if offer is None:
        return None
    sign_up = SignUp.objects.filter(offer=offer, member=member, state__in=SIGNED_UP).first()
    if sign_up is None and not Offer.objects.current(at).filter(pk=offer.pk).exists():
        return None
    visible = _visible_offer(offer, membership_of(member), sign_up, at)
    return visible if sign_up or visible.is_open or visible.first_level or visible.is_resting else None


def waiting_list_position(sign_up: SignUp) -> int:
    """Position on the waiting list, counted from 1. Members whose membership rests are passed over (R65)."""
    earlier = Q(since__lt=sign_up.since) | Q(since=sign_up.since, pk__lt=sign_up.pk)
    waiting = SignUp.objects.filter(state=PlaceState.WAITING, member__country__in=active_countries())
    return waiting.filter(earlier, offer=sign_up.offer_id).count() + 1


def find_valid_card(cards: CardQuerySet) -> Card | None:
    """The card among `cards` that is valid today, with its member; None if there is none (R41, R65)."""
    valid = cards.live().filter(member__closed_at=None, member__country__in=active_countries())
    return valid.select_related("member").first()


def _is_in_country(offer: Offer, membership: Membership) -> bool:
    return not offer.countries or membership.country in offer.countries


def _is_welcome(offer: Offer, membership: Membership) -> bool:
    return _is_in_country(offer, membership) or offer.open_to_travellers


def _is_open(offer: Offer, membership: Membership) -> bool:
    """The same rule as OfferQuerySet.open_to, for an offer that has been loaded and is current."""
    return membership.benefit_level in offer.levels and _is_welcome(offer, membership)


def _visible_offer(offer: Any, membership: Membership, sign_up: SignUp | None, at: datetime) -> VisibleOffer:
    is_open = _is_open(offer, membership)
    current_level = membership.benefit_level or membership.level
    opening = [level for level in Level if level in offer.levels and level.rank > current_level.rank]
    is_locked = membership.is_active and not is_open and bool(opening) and _is_welcome(offer, membership)
    return VisibleOffer(
        offer=offer,
        sign_up=sign_up,
        is_open=is_open,
        takes_sign_ups=offer.takes_sign_ups(at),
        places_left=None if offer.places is None else max(offer.places - offer.held, 0),
        waiting=offer.waiting,
        first_level=str(opening[0].label) if is_locked else "",
        can_open=is_locked and membership.gives_more_at(opening[0]),
        is_resting=not membership.is_active,
        is_abroad=not _is_in_country(offer, membership),
    )


def _with_counts(offers: Any, today: date) -> Any:
    return offers.annotate(
        held=Count("sign_ups", filter=Q(sign_ups__state=PlaceState.HELD)),
        waiting=Count(
            "sign_ups",
            filter=Q(sign_ups__state=PlaceState.WAITING, sign_ups__member__country__in=active_countries(today)),
        ),
    )


CURRENT: CompiledModels[Offer] = CompiledModels(
    lambda at, today: _with_counts(Offer.objects.current(at), today), annotations=["held", "waiting"]
)
