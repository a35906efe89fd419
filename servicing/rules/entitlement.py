"""What a member is entitled to for a product, a centre and a kind of service (R43 to R46, R48, R49, R51, R60, R65).

One function answers for the product page, the request, the admin and the API. How the member is treated in the country
of the centre is decided in `members.rules.membership`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kitbag.enums import VideoClass
from members.rules import NO_BENEFITS, Benefits, Treatment, benefits_here
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
NOT_OURS = (Treatment.CUSTOMER, Treatment.OWN_PROGRAMME)  # Fast Track is not part of membership where the person lives
ELSEWHERE = (Treatment.TRY, Treatment.NEAREST, Treatment.ASK)  # the centre stands outside the free programme
Reason = TypeVar("Reason")


class Standing(StrEnum):
    """What the Kitbag knows about the product."""

    VALIDATED = "validated"
    UNDECIDED = "undecided"  # in the Kitbag in any other state
    NONE = "none"
    NO_SERIAL = "no_serial"  # registered without a serial number, validated or not (R33)
    STOLEN = "stolen"


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
    for_travellers: Benefits = NO_BENEFITS  # to members of the free programme, if its country is in another one (R4)

    @property
    def is_own(self) -> bool:
        return self.kind in OWN_CENTRES


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
    treatment: Treatment | None = None
    track: Track | None = None
    target_days: int | None = None
    why_standard: tuple[WhyStandard, ...] = ()
    fast_track_days: int | None = None
    needs_choice: bool = False
    waits: bool = False
    discount: int = 0  # percent, on maintenance
    free_return: bool = False
    courtesy_loan: bool = False  # if the target is missed, or will be
    warranty: Warranty | None = None  # asked for or not: only the centre decides (R60)
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
    treatment: Treatment,
    benefits: Benefits | None,
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

    `treatment`: how the person is treated in the country of the centre (R65); `benefits`: what their level gives there.
    """
    refused = _refusals(product, centre, service, standing)
    if refused:
        return Entitlement(refused=refused)
    granted = benefits_here(treatment, of_level=benefits, of_centre=centre.for_travellers)
    # At service partners only repairs are Fast Track (R46).
    may_be_fast = centre.is_own or service == ServiceKind.REPAIR
    why = _why_standard(treatment, granted, product, standing, may_be_fast=may_be_fast)
    days = None if why else _fast_track_days(granted, product)
    is_full = not why and places_taken >= places
    waits = is_full and wish == PlaceWish.WAIT
    if is_full and not waits:
        why = (WhyStandard.PLACES,)
    no_warranty = _why_no_warranty(service, claim)
    may_be_covered = claim.wanted and not no_warranty
    free_return = centre.is_own and service == ServiceKind.REPAIR and not may_be_covered
    return Entitlement(
        treatment=treatment,
        track=Track.STANDARD if why else Track.FAST,
        target_days=STANDARD_TARGET_DAYS if why else days,
        why_standard=why,
        fast_track_days=days,
        needs_choice=is_full and wish is None,
        waits=waits,
        discount=granted.maintenance_discount if centre.is_own and service == ServiceKind.MAINTENANCE else 0,
        free_return=granted.free_return and free_return,
        courtesy_loan=granted.courtesy_loan and not why,
        warranty=Warranty.ASKED if claim.wanted else Warranty.CHARGEABLE,
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
    treatment: Treatment, benefits: Benefits, product: ProductFacts, standing: Standing, *, may_be_fast: bool
) -> tuple[WhyStandard, ...]:
    """All reasons against Fast Track, except that the places are taken."""
    if treatment == Treatment.VISITOR:
        return (WhyStandard.VISITING,)
    has_none = benefits.fast_track_days is None
    return _applying(
        {
            WhyStandard.HOME: treatment in NOT_OURS,
            WhyStandard.NO_PROGRAMME: treatment in ELSEWHERE and has_none,
            WhyStandard.LEVEL: treatment == Treatment.BENEFITS and has_none,
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


def _fast_track_days(benefits: Benefits, product: ProductFacts) -> int | None:
    days = benefits.fast_track_days
    return max(days, MIN_VIDEO_TARGET_DAYS) if days is not None and product.video_class in SLOW_VIDEO else days


def _applying(reasons: Mapping[Reason, bool]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in reasons.items() if holds)
