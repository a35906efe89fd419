"""What each centre offers for each product: how fast, why, and what would change it (R43 to R46, R49, R51)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.models import Registration
from kitbag.queries.fast_track import count_fast_track_models
from members.models import Member
from servicing.enums import CentreStatus, PlaceWish, ServiceKind, WhyNoWarranty, WhyRefused, WhyStandard
from servicing.models import ServiceCentre
from servicing.queries.entitlement import EntitlementChecker, Item, claim_for, count_places
from servicing.rules.entitlement import NO_CLAIM, Entitlement, WarrantyClaim

CONTACT_US = _("Please contact us about this product.")  # whoever presents stolen kit learns nothing else (R34)
MAX_CENTRES_ABROAD = 3  # shown without asking for more
WHAT_WOULD_HELP: Mapping[str, str | Promise] = {
    WhyStandard.HOME: _("If you move to a country of the free programme, it comes back."),
    WhyStandard.NO_PROGRAMME: _("A centre in a country of the free programme can be faster."),
    WhyStandard.LEVEL: _("A higher level gives you Fast Track there. Every product that counts adds points."),
    WhyStandard.MODEL: _("%(models)s models have Fast Track. This one is repaired at standard speed everywhere."),
    WhyStandard.NOT_REGISTERED: _("Add it to your Kitbag with all four details."),
    WhyStandard.NOT_VALIDATED: _(
        "Complete its details. Once they’re validated, it’s Fast Track, even during a repair."
    ),
    WhyStandard.NO_SERIAL: _("Kit without a serial number is repaired at standard speed everywhere."),
    WhyStandard.CENTRE_KIND: _("Professional Service Centres and Customer Experience Centres are faster."),
    WhyStandard.PLACES: _("Wait until one of your products is ready, or send it now at standard speed."),
    WhyStandard.VISITING: _("Members of this region get Fast Track here."),
    WhyRefused.STOLEN: "",
    WhyRefused.UNSERVICEABLE: _("There are no more parts for it. It stays in your Kitbag and keeps its points."),
    WhyRefused.SUSPENDED: _("Another centre may take it."),
    WhyRefused.PRODUCT: _("Another centre may take it."),
    WhyRefused.SERVICE: _("Another centre may offer it."),
}


@dataclass(frozen=True)
class Reason:
    """Why something is not offered, and what would change that."""

    code: str
    why: str | Promise
    change: str | Promise


@dataclass(frozen=True)
class ServiceOffer:
    """What one product gets at one centre."""

    registration: Registration
    entitlement: Entitlement
    service: str

    @property
    def reasons(self) -> list[Reason]:
        if self.entitlement.refused:
            return [_refusal_reason(code) for code in self.entitlement.refused]
        return [Reason(code, WhyStandard(code).label, _what_would_help(code)) for code in self.entitlement.why_standard]

    @property
    def no_warranty(self) -> list[str | Promise]:
        """Why it cannot be a warranty repair. The page asks for the proof and the kind of service elsewhere."""
        asked_elsewhere = (WhyNoWarranty.NOT_A_REPAIR, WhyNoWarranty.PROOF_MISSING)
        return [WhyNoWarranty(code).label for code in self.entitlement.why_no_warranty if code not in asked_elsewhere]

    @property
    def service_label(self) -> str | Promise:
        return ServiceKind(self.service).label

    @property
    def is_repair(self) -> bool:
        return self.service == ServiceKind.REPAIR


@dataclass(frozen=True)
class CentreChoice:
    """A centre with what it offers for every product of the request."""

    centre: ServiceCentre
    service_offers: Sequence[ServiceOffer]
    is_near: bool  # in the member's own country
    is_first: bool = False  # at the top of lists: near, or faster than any that is near

    @property
    def fits(self) -> bool:
        """Whether the centre can take all of the products."""
        return all(offer.entitlement.possible for offer in self.service_offers)

    @property
    def days(self) -> int:
        """The sum of the targets of all products, to compare centres by."""
        entitlements = [offer.entitlement for offer in self.service_offers]
        return sum(entitlement.fast_track_days or entitlement.target_days or 0 for entitlement in entitlements)


@dataclass(frozen=True)
class RequestedService:
    """One product and the service it should get."""

    registration: Registration
    service: str = ServiceKind.REPAIR
    wish: PlaceWish | None = None
    claim: WarrantyClaim = NO_CLAIM

    @property
    def item(self) -> Item:
        return Item(self.registration.product, registration=self.registration)


def requested_service(
    registration: Registration,
    service: str,
    *,
    at: datetime,
    wish: PlaceWish | None = None,
    warranty: bool = False,
    proof: bool = False,
) -> RequestedService:
    item = Item(registration.product, registration=registration)
    return RequestedService(registration, service, wish, claim_for(item, wanted=warranty, proof=proof, at=at))


def list_centre_choices(member: Member, requested: Sequence[RequestedService]) -> list[CentreChoice]:
    """Every centre with what it offers: the member's own country first, then the fastest (R43)."""
    checker, places_taken = EntitlementChecker(member), count_places(member)
    choices = [
        CentreChoice(
            centre,
            service_offers_at(checker, centre, requested, places_taken),
            is_near=centre.country.code == member.country.code,
        )
        for centre in ServiceCentre.objects.all()
    ]
    choices.sort(
        key=lambda choice: (not choice.is_near, choice.days, str(choice.centre.country.name), choice.centre.name)
    )
    fastest_near = min((choice.days for choice in choices if choice.is_near and choice.fits), default=None)
    faster_abroad = [
        choice.centre.pk
        for choice in choices
        if choice.fits and not choice.is_near and (fastest_near is None or choice.days < fastest_near)
    ]
    first = set(faster_abroad[:MAX_CENTRES_ABROAD])
    return [replace(choice, is_first=choice.is_near or choice.centre.pk in first) for choice in choices]


def service_offers_at(
    checker: EntitlementChecker, centre: ServiceCentre, requested: Sequence[RequestedService], places_taken: int
) -> list[ServiceOffer]:
    """What one centre offers. Products of one parcel take places one after the other, as when it is opened."""
    offers = []
    for service in requested:
        entitlement = checker.check(
            service.item,
            centre,
            service.service,
            places_taken=places_taken,
            wish=service.wish,
            claim=service.claim,
        )
        places_taken += entitlement.takes_place
        offers.append(ServiceOffer(service.registration, entitlement, service.service))
    return offers


def best_centre_choice(member: Member, requested: RequestedService) -> CentreChoice | None:
    """The fastest centre, in the member's own country if one fits, for the page of a product (R43)."""
    fitting = [choice for choice in list_centre_choices(member, [requested]) if choice.fits]
    return min(fitting, key=lambda choice: (not choice.is_near, choice.days), default=None)


def closed_centres_nearby(member: Member) -> list[ServiceCentre]:
    """Centres in the member's own country that accept no work at the moment."""
    closed = ServiceCentre.objects.exclude(status=CentreStatus.OPEN)
    return [centre for centre in closed if centre.country == member.country]


def _what_would_help(code: str) -> str | Promise:
    sentence = WHAT_WOULD_HELP[code]
    return str(sentence) % {"models": count_fast_track_models()} if code == WhyStandard.MODEL else sentence


def _refusal_reason(code: WhyRefused) -> Reason:
    why = CONTACT_US if code == WhyRefused.STOLEN else WhyRefused(code).label
    return Reason(code, why, WHAT_WOULD_HELP[code])
