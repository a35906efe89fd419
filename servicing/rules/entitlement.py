"""What a member is entitled to for a product, a centre and a kind of service (R43 to R46, R48, R49, R51, R60).

One function answers for the product page, the request, the admin and the API.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kitbag.enums import VideoClass
from servicing.enums import (
    CentreKind,
    CentreStatus,
    PlaceWish,
    ServiceKind,
    Track,
    Warranty,
    WhyNoWarranty,
    WhyRefused,
    WhyStandard,
)
from servicing.rules.places import PLACES

STANDARD_TARGET_DAYS = 10  # working days, approximately (R44)
MIN_VIDEO_TARGET_DAYS = 5  # for the classes in SLOW_VIDEO (R45)
SLOW_VIDEO = (VideoClass.CINEMA_EOS, VideoClass.X_SERIES)
OWN_CENTRES = (CentreKind.PSC, CentreKind.CEC)
Reason = TypeVar("Reason")


class Standing(StrEnum):
    """What the Kitbag knows about the product."""

    VALIDATED = "validated"
    UNDECIDED = "undecided"  # in the Kitbag in any other state
    NONE = "none"
    NO_SERIAL = "no_serial"  # registered without a serial number, validated or not (R33)
    STOLEN = "stolen"


@dataclass(frozen=True, slots=True)
class Benefit:
    """What a level gives in the country of the centre (R3, R4, R43)."""

    fast_track_days: int | None = None
    maintenance_discount: int = 0
    free_return: bool = False
    courtesy_loan: bool = False


@dataclass(frozen=True, slots=True)
class ProductFacts:
    kind: str  # one of the kinds of product that a centre services
    fast_track_model: bool = False
    serviceable: bool = True
    video_class: str = ""


@dataclass(frozen=True, slots=True)
class CentreFacts:
    kind: str
    products: Collection[str]
    services: Collection[str] = tuple(ServiceKind.values)
    status: str = CentreStatus.OPEN


@dataclass(frozen=True, slots=True)
class WarrantyClaim:
    """`wanted`: the member asks for a warranty repair. The other fields are facts of the purchase (R24, R60)."""

    wanted: bool = False
    proof: bool = False
    outside_region: bool = False
    not_authorised: bool = False


NO_CLAIM = WarrantyClaim()


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What is possible. If `refused` has reasons, nothing else is set; `why_standard` has every reason that applies.

    With all places taken and no wish given, `needs_choice` is set and the other fields describe standard speed;
    `fast_track_days` is the target after waiting for a place.
    """

    refused: tuple[WhyRefused, ...] = ()
    track: Track | None = None
    target_days: int | None = None
    why_standard: tuple[WhyStandard, ...] = ()
    fast_track_days: int | None = None
    needs_choice: bool = False
    waits: bool = False
    discount: int = 0  # percent, on maintenance
    free_return: bool = False
    courtesy_loan: bool = False  # if the target is missed, or will be
    warranty: Warranty | None = None
    why_no_warranty: tuple[WhyNoWarranty, ...] = ()  # set even if no warranty repair is asked for

    @property
    def possible(self) -> bool:
        return not self.refused

    @property
    def is_fast_track(self) -> bool:
        return self.track == Track.FAST

    @property
    def takes_place(self) -> bool:
        """Whether it takes a place at once. Standard jobs take none (R49)."""
        return self.is_fast_track and not self.waits


def entitlement(
    *,
    level: str | None,
    benefit: Benefit | None,
    product: ProductFacts,
    centre: CentreFacts,
    service: str,
    standing: Standing,
    places_taken: int = 0,
    places: int = PLACES,
    wish: str | None = None,
    claim: WarrantyClaim = NO_CLAIM,
) -> Entitlement:
    """Whether a service is possible, how fast it is, and which discounts apply.

    `level` is None for a visiting member (R5). `benefit` is None if the country of the centre is not in the free
    programme; the country of the member does not matter (R43).
    """
    refused = _refusals(product, centre, service, standing)
    if refused:
        return Entitlement(refused=refused)
    benefit_given = benefit if level and benefit else Benefit()
    is_own_centre = centre.kind in OWN_CENTRES
    may_be_fast = (
        is_own_centre or service == ServiceKind.REPAIR
    )  # at service partners only repairs are Fast Track (R46)
    why = _why_standard(level, benefit, product, standing, may_be_fast=may_be_fast)
    days = None if why else _fast_track_days(benefit_given, product)
    is_full = not why and places_taken >= places
    waits = is_full and wish == PlaceWish.WAIT
    if is_full and not waits:
        why = (WhyStandard.PLACES,)
    no_warranty = _why_no_warranty(service, claim)
    warranty = Warranty.CHARGEABLE
    if claim.wanted:
        warranty = Warranty.REFUSED if no_warranty else Warranty.IN_WARRANTY
    free_return = is_own_centre and service == ServiceKind.REPAIR and warranty != Warranty.IN_WARRANTY
    return Entitlement(
        track=Track.STANDARD if why else Track.FAST,
        target_days=STANDARD_TARGET_DAYS if why else days,
        why_standard=why,
        fast_track_days=days,
        needs_choice=is_full and wish is None,
        waits=waits,
        discount=benefit_given.maintenance_discount if is_own_centre and service == ServiceKind.MAINTENANCE else 0,
        free_return=benefit_given.free_return and free_return,
        courtesy_loan=benefit_given.courtesy_loan and not why,
        warranty=warranty,
        why_no_warranty=no_warranty,
    )


def _refusals(product: ProductFacts, centre: CentreFacts, service: str, standing: Standing) -> tuple[WhyRefused, ...]:
    if standing == Standing.STOLEN:
        return (WhyRefused.STOLEN,)  # no further reason, because whoever presents it learns nothing (R34)
    return _applying(
        {
            WhyRefused.UNSERVICEABLE: not product.serviceable,
            WhyRefused.SUSPENDED: centre.status != CentreStatus.OPEN,
            WhyRefused.PRODUCT: product.kind not in centre.products,
            WhyRefused.SERVICE: service not in centre.services,
        }
    )


def _why_standard(
    level: str | None, benefit: Benefit | None, product: ProductFacts, standing: Standing, *, may_be_fast: bool
) -> tuple[WhyStandard, ...]:
    """All reasons against Fast Track, except that the places are taken."""
    if level is None:
        return (WhyStandard.VISITING,)
    return _applying(
        {
            WhyStandard.NO_PROGRAMME: benefit is None,
            WhyStandard.LEVEL: benefit is not None and benefit.fast_track_days is None,
            WhyStandard.MODEL: not product.fast_track_model,
            WhyStandard.NOT_REGISTERED: standing == Standing.NONE,
            WhyStandard.NOT_VALIDATED: standing == Standing.UNDECIDED,
            WhyStandard.NO_SERIAL: standing == Standing.NO_SERIAL,
            WhyStandard.CENTRE_KIND: not may_be_fast,
        }
    )


def _why_no_warranty(service: str, claim: WarrantyClaim) -> tuple[WhyNoWarranty, ...]:
    return _applying(
        {
            WhyNoWarranty.NOT_A_REPAIR: service != ServiceKind.REPAIR,
            WhyNoWarranty.OUTSIDE_REGION: claim.outside_region,
            WhyNoWarranty.NOT_AUTHORISED: claim.not_authorised,
            WhyNoWarranty.PROOF_MISSING: not claim.proof,
        }
    )


def _fast_track_days(benefit: Benefit, product: ProductFacts) -> int | None:
    days = benefit.fast_track_days
    return max(days, MIN_VIDEO_TARGET_DAYS) if days is not None and product.video_class in SLOW_VIDEO else days


def _applying(reasons: Mapping[Reason, bool]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in reasons.items() if holds)
