"""The facts behind "May I?", read from the rows: one question, the same on every page and in the API (R43)."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from kitbag.actions import retailers, stolen
from kitbag.enums import RegistrationState, ShopStanding, Stage
from kitbag.models import Product, Registration
from kitbag.rules import serial_key
from members.enums import Programme
from members.models import CountryProgramme, LevelBenefit, Member
from servicing.models import ServiceCentre, Ticket
from servicing.rules.entitlement import (
    NO_CLAIM,
    Benefit,
    CentreFacts,
    Entitlement,
    ProductFacts,
    Standing,
    WarrantyClaim,
    entitlement,
)


@dataclass(frozen=True)
class Item:
    """What is to be served: a product of the Kitbag, or one that somebody brings to the counter."""

    product: Product
    serial: str = ""
    registration: Registration | None = None

    @property
    def serial_key(self) -> str | None:
        return self.registration.serial_key if self.registration else serial_key(self.serial) or None


def may_i(
    *,
    member: Member | None,
    item: Item,
    centre: ServiceCentre,
    service: str,
    wish: str | None = None,
    claim: WarrantyClaim = NO_CLAIM,
    places_taken: int | None = None,
) -> Entitlement:
    """What `member` (None: a visiting one) gets for this product at this centre today.

    `places_taken` if the caller knows it; counted here otherwise.
    """
    taken = places_taken
    if taken is None:
        taken = Ticket.objects.filter(member=member, place__isnull=False).count() if member else 0
    return entitlement(
        level=member.level if member else None,
        benefit=benefit_at(centre, member),
        product=facts_of(item.product),
        centre=facts_of_centre(centre),
        service=service,
        standing=standing_of(item),
        places_taken=taken,
        wish=wish,
        claim=claim,
    )


def benefit_at(centre: ServiceCentre, member: Member | None, level: str = "") -> Benefit | None:
    """What the member's level, or the one of intake, gives in the centre's country: that one counts (R43, R50)."""
    home = CountryProgramme.objects.in_force().filter(country=centre.country.code).first()
    if home is None or home.kind != Programme.FREE:
        return None
    row = LevelBenefit.objects.of(level or member.level, home.country.code, home.service_level) if member else None
    if row is None:
        return Benefit()
    return Benefit(row.fast_track_days, row.maintenance_discount, row.free_return, row.courtesy_loan)


def facts_of(product: Product) -> ProductFacts:
    return ProductFacts(
        kind=product.shelf,
        fast_track_model=product.fast_track_model,
        serviceable=product.stage != Stage.UNSERVICEABLE,
        video_class=product.video_class,
    )


def facts_of_centre(centre: ServiceCentre) -> CentreFacts:
    return CentreFacts(kind=centre.kind, products=centre.shelves, services=centre.services, status=centre.status)


def standing_of(item: Item) -> Standing:
    """What the Kitbag knows of it; a report of a theft comes before everything (R34)."""
    row = item.registration
    if item.serial_key and stolen.report_for(item.product, item.serial_key):
        return Standing.STOLEN
    if row is None:
        return Standing.NONE
    if not row.serial_key:
        return Standing.NO_SERIAL
    return Standing.VALIDATED if row.state == RegistrationState.VALIDATED else Standing.UNDECIDED


def claim_for(item: Item, *, wanted: bool, proof: bool, at: datetime) -> WarrantyClaim:
    """What the Kitbag says of a claim to warranty: where and from whom it was bought (R24, R60)."""
    row = item.registration
    if row is None:
        return WarrantyClaim(wanted=wanted, proof=proof)
    day = row.purchased_on or timezone.localdate(at)
    region = CountryProgramme.objects.in_force(timezone.localdate(at)).filter(country=row.country.code)
    shop = retailers.standing_of(row.store, row.country.code, day)
    return WarrantyClaim(
        wanted=wanted,
        proof=proof,
        outside_region=bool(row.country.code) and not region.exists(),
        not_authorised=shop == ShopStanding.NOT_AUTHORISED,
    )
