"""“May I?” in words: what each centre gives for each product, why, and what would change it (R43 to R46, R49, R51)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.models import Registration
from members.models import Member
from servicing.enums import CentreStatus, PlaceWish, ServiceKind, WhyNoWarranty, WhyRefused, WhyStandard
from servicing.models import ServiceCentre
from servicing.queries.entitlement import EntitlementChecker, Item, claim_for, count_places
from servicing.rules.entitlement import NO_CLAIM, Entitlement, WarrantyClaim

NOBODY_SAYS = _("Please contact us about this product.")  # the presenter learns nothing else (R34)
MAX_CENTRES_ABROAD = 3  # centres abroad that are shown without asking for more
CHANGES: Mapping[str, str | Promise] = {
    WhyStandard.NO_PROGRAMME: _("A centre in a country of the free programme can be faster."),
    WhyStandard.LEVEL: _("A higher level gives Fast Track there. Every product that counts adds points."),
    WhyStandard.MODEL: _("About 120 models have Fast Track. This one is repaired at standard speed everywhere."),
    WhyStandard.NOT_REGISTERED: _("Add it to your Kitbag with all four details."),
    WhyStandard.NOT_VALIDATED: _("Complete its details. Once they are validated it is Fast Track, even meanwhile."),
    WhyStandard.NO_SERIAL: _("Kit without a serial number is repaired at standard speed everywhere."),
    WhyStandard.CENTRE_KIND: _("Professional Service Centres and Customer Experience Centres are faster."),
    WhyStandard.PLACES: _("Wait until one of your products is ready, or send it now at standard speed."),
    WhyStandard.VISITING: _("Members of this region get Fast Track here."),
    WhyRefused.STOLEN: "",
    WhyRefused.UNSERVICEABLE: _("There are no parts for it any more. It stays in your Kitbag and keeps its points."),
    WhyRefused.SUSPENDED: _("Another centre may take it."),
    WhyRefused.PRODUCT: _("Another centre may take it."),
    WhyRefused.SERVICE: _("Another centre may offer it."),
}


@dataclass(frozen=True)
class Reason:
    """Why it is as it is, and what would change that."""

    code: str
    why: str | Promise
    change: str | Promise


@dataclass(frozen=True)
class Promised:
    """What one product gets at one centre."""

    row: Registration
    answer: Entitlement
    service: str

    @property
    def reasons(self) -> list[Reason]:
        refused = [
            Reason(one, NOBODY_SAYS if one == WhyRefused.STOLEN else WhyRefused(one).label, CHANGES[one])
            for one in self.answer.refused
        ]
        return refused or [Reason(one, WhyStandard(one).label, CHANGES[one]) for one in self.answer.why_standard]

    @property
    def no_warranty(self) -> list[str | Promise]:
        """What stands against a warranty repair; a proof is asked for elsewhere."""
        asked = (WhyNoWarranty.NOT_A_REPAIR, WhyNoWarranty.PROOF_MISSING)
        return [WhyNoWarranty(one).label for one in self.answer.why_no_warranty if one not in asked]

    @property
    def service_label(self) -> str | Promise:
        return ServiceKind(self.service).label

    @property
    def is_repair(self) -> bool:
        return self.service == ServiceKind.REPAIR


@dataclass(frozen=True)
class Choice:
    """A centre with what it gives for every product asked about."""

    centre: ServiceCentre
    promised: Sequence[Promised]
    is_near: bool  # in the member's own country
    is_first: bool = False  # at the top of lists: near, or quicker than there

    @property
    def fits(self) -> bool:
        return all(one.answer.possible for one in self.promised)

    @property
    def days(self) -> int:
        """Of all products together: to compare centres by."""
        return sum(one.answer.fast_track_days or one.answer.target_days or 0 for one in self.promised)


@dataclass(frozen=True)
class Asked:
    """One product and what shall be done with it."""

    row: Registration
    service: str = ServiceKind.REPAIR
    wish: PlaceWish | None = None
    claim: WarrantyClaim = NO_CLAIM

    @property
    def item(self) -> Item:
        return Item(self.row.product, registration=self.row)


def asked_of(
    row: Registration,
    service: str,
    *,
    at: datetime,
    wish: PlaceWish | None = None,
    warranty: bool = False,
    proof: bool = False,
) -> Asked:
    item = Item(row.product, registration=row)
    return Asked(row, service, wish, claim_for(item, wanted=warranty, proof=proof, at=at))


def choices_for(member: Member, asked: Sequence[Asked]) -> list[Choice]:
    """Every centre with its promises: the member's own country first, then the quickest (R43).

    Products of one parcel take places one after the other, as they will when it is opened.
    """
    answers, taken = EntitlementChecker(member), count_places(member)
    here = member.country.code
    found = [
        Choice(centre, promises_at(answers, centre, asked, taken), centre.country.code == here)
        for centre in ServiceCentre.objects.all()
    ]
    found.sort(key=lambda one: (not one.is_near, one.days, str(one.centre.country.name), one.centre.name))
    near = min((one.days for one in found if one.is_near and one.fits), default=None)
    elsewhere = [one for one in found if one.fits and not one.is_near and (near is None or one.days < near)]
    quickest = {one.centre.pk for one in elsewhere[:MAX_CENTRES_ABROAD]}
    return [replace(one, is_first=one.is_near or one.centre.pk in quickest) for one in found]


def promises_at(
    answers: EntitlementChecker, centre: ServiceCentre, asked: Sequence[Asked], taken: int
) -> list[Promised]:
    promised = []
    for one in asked:
        answer = answers.of(one.item, centre, one.service, places_taken=taken, wish=one.wish, claim=one.claim)
        taken += answer.takes_place
        promised.append(Promised(one.row, answer, one.service))
    return promised


def best_for(member: Member, asked: Asked) -> Choice | None:
    """Where it is quickest, the own country first: what a product's page shows (R43)."""
    fitting = [one for one in choices_for(member, [asked]) if one.fits]
    near = [one for one in fitting if one.is_near]
    return (near or sorted(fitting, key=lambda one: one.days) or [None])[0]  # type: ignore[list-item]


def closed_near(member: Member) -> list[ServiceCentre]:
    """Centres of the member's own country that take no work now, with their notice."""
    return [one for one in ServiceCentre.objects.exclude(status=CentreStatus.OPEN) if one.country == member.country]
