"""What lies on a member's shelf of offers: open, signed up for, and what the next level opens (R36, R59)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from members.enums import Level
from members.models import Member
from members.offers.enums import OfferKind, PlaceState
from members.offers.models import Offer, SignUp, WelcomePack
from members.offers.models.offers import SIGNED_UP
from members.offers.rules import UNDELIVERED_STATES


@dataclass(frozen=True)
class VisibleOffer:
    """An offer as this member sees it."""

    offer: Offer
    mine: SignUp | None
    open: bool  # at today's level and country
    takes: bool  # sign-up has not ended
    left: int | None  # None: without a limit
    waiting: int = 0
    first_level: str = ""  # greyed out: the level that opens it

    @property
    def has_place(self) -> bool:
        return self.mine is not None and self.mine.state == PlaceState.HELD

    @property
    def in_line(self) -> bool:
        return self.mine is not None and self.mine.state == PlaceState.WAITING

    @property
    def full(self) -> bool:
        return self.left == 0 or (self.left is not None and self.waiting > 0)


@dataclass(frozen=True)
class Shelf:
    pack_offered: Offer | None
    pack_followed: WelcomePack | None
    offers: list[VisibleOffer]

    @property
    def is_anything(self) -> bool:
        return bool(self.offers or self.pack_offered or self.pack_followed)


def visible_offers(member: Member, at: datetime) -> Shelf:
    """In three queries, however much there is."""
    pack = WelcomePack.objects.filter(member=member).first()
    mine = {row.offer_id: row for row in SignUp.objects.filter(member=member, state__in=SIGNED_UP)}
    rows = list(_counted(Offer.objects.current(at)))
    welcome = next((row for row in rows if row.kind == OfferKind.WELCOME_PACK and is_open(row, member)), None)
    shown = [shelved(row, member, mine.get(row.pk), at) for row in rows if row.kind != OfferKind.WELCOME_PACK]
    wanted = [each for each in shown if each.mine or (each.takes and (each.open or each.first_level))]
    wanted.sort(key=lambda each: (not (each.mine or each.open), each.offer.starts_at or each.offer.since))
    return Shelf(
        pack_offered=welcome if pack is None else None,
        pack_followed=pack if pack and pack.state in UNDELIVERED_STATES else None,
        offers=wanted,
    )


def one(member: Member, slug: str, at: datetime) -> VisibleOffer | None:
    """An offer with an address: for whom it is open, who signed up, or whom the next levels would open it to."""
    row = _counted(Offer.objects.exclude(kind=OfferKind.WELCOME_PACK).filter(slug=slug)).first()
    if row is None:
        return None
    mine = SignUp.objects.filter(offer=row, member=member, state__in=SIGNED_UP).first()
    if mine is None and not Offer.objects.current(at).filter(pk=row.pk).exists():
        return None
    found = shelved(row, member, mine, at)
    return found if mine or found.open or found.first_level else None


def place_in_line(mine: SignUp) -> int:
    earlier = Q(since__lt=mine.since) | Q(since=mine.since, pk__lt=mine.pk)
    return SignUp.objects.filter(earlier, offer=mine.offer_id, state=PlaceState.WAITING).count() + 1


def is_open(offer: Offer, member: Member) -> bool:
    """As OfferQuerySet.open_to, for a row that is current."""
    return member.level in offer.levels and (not offer.countries or member.country.code in offer.countries)


def shelved(offer: Any, member: Member, mine: SignUp | None, at: datetime) -> VisibleOffer:
    fits = is_open(offer, member)
    here = not offer.countries or member.country.code in offer.countries
    above = Level.values[Level.values.index(member.level) + 1 :]
    first = next((level for level in above if level in offer.levels), "") if here and not fits else ""
    return VisibleOffer(
        offer=offer,
        mine=mine,
        open=fits,
        takes=offer.takes_sign_ups(at),
        left=None if offer.places is None else max(offer.places - offer.held, 0),
        waiting=offer.waiting,
        first_level=str(Level(first).label) if first else "",
    )


def _counted(offers: Any) -> Any:
    return offers.annotate(
        held=Count("sign_ups", filter=Q(sign_ups__state=PlaceState.HELD)),
        waiting=Count("sign_ups", filter=Q(sign_ups__state=PlaceState.WAITING)),
    )
