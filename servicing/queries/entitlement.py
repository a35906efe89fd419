"""What a member is entitled to, from the database: the same answer on every page and in the API (R43)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.actions import retailers, stolen_reports
from kitbag.enums import RegistrationState, ShopStatus, Stage
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
    """A product to be serviced: one of the Kitbag, or one that is brought to the counter."""

    product: Product
    serial: str = ""
    registration: Registration | None = None

    @property
    def serial_key(self) -> str | None:
        return self.registration.serial_key if self.registration else serial_key(self.serial) or None


class EntitlementChecker:
    """Checks entitlements of one member (None: a visiting member), reading each fact once for all checks (R43)."""

    def __init__(
        self,
        member: Member | None,
        *,
        standings: Mapping[Item, Standing] | None = None,
        benefits: Mapping[str, Benefit] | None = None,
    ) -> None:
        """`standings` and `benefits` are facts that the caller has already read, for many members at once."""
        self.member = member
        self._standings = dict(standings or {})
        if benefits is not None:
            self._benefits = benefits

    def check(
        self,
        item: Item,
        centre: ServiceCentre,
        service: str,
        *,
        places_taken: int,
        wish: str | None = None,
        claim: WarrantyClaim = NO_CLAIM,
    ) -> Entitlement:
        """What the member gets for this product at this centre today."""
        return entitlement(
            level=self.member.level if self.member else None,
            benefit=self._benefits.get(centre.country.code),
            product=product_facts(item.product),
            centre=centre_facts(centre),
            service=service,
            standing=self._standing(item),
            places_taken=places_taken,
            wish=wish,
            claim=claim,
        )

    @cached_property
    def _benefits(self) -> Mapping[str, Benefit]:
        return benefits_by_country(self.member.level if self.member else None)

    def _standing(self, item: Item) -> Standing:
        if item not in self._standings:
            self._standings[item] = find_standing(item)
        return self._standings[item]


def check_entitlement(
    *,
    member: Member | None,
    item: Item,
    centre: ServiceCentre,
    service: str,
    wish: str | None = None,
    claim: WarrantyClaim = NO_CLAIM,
    places_taken: int | None = None,
    is_clean: bool = False,
) -> Entitlement:
    """One check. `places_taken`: if the caller knows it. `is_clean`: the caller has checked for theft reports (R34)."""
    taken = count_places(member) if places_taken is None else places_taken
    standings = {item: _standing(item, is_stolen=False)} if is_clean else None
    country = centre.country.code
    benefits = benefits_in(country, member.level) if member else {}
    checker = EntitlementChecker(member, standings=standings, benefits=benefits)
    return checker.check(item, centre, service, places_taken=taken, wish=wish, claim=claim)


def count_places(member: Member | None) -> int:
    """How many of the member's Fast Track places are taken (R49)."""
    return count_places_by_member([member])[member.pk] if member else 0


def count_places_by_member(members: Collection[Member]) -> dict[int, int]:
    """The same for many members, by primary key."""
    rows = Ticket.objects.filter(member__in=members, place__isnull=False).order_by().values_list("member")
    return {**{member.pk: 0 for member in members}, **dict(rows.annotate(Count("pk")))}


def benefits_by_country(level: str | None) -> dict[str, Benefit]:
    """What a level gives in each country of the free programme, by country code. None: a visiting member's.

    Look up the country of the centre, not of the member (R43).
    """
    rows = {(row.service_level, row.country.code): row for row in LevelBenefit.objects.filter(level=level or "")}
    benefits = {}
    for home in CountryProgramme.objects.in_force().filter(kind=Programme.FREE):
        row = rows.get((home.service_level, home.country.code)) or rows.get((home.service_level, ""))
        benefits[home.country.code] = (
            Benefit(row.fast_track_days, row.maintenance_discount, row.free_return, row.courtesy_loan)
            if row
            else Benefit()
        )
    return benefits


def benefits_in(country: str, level: str) -> dict[str, Benefit]:
    """The same for one country, in one query."""
    row = BENEFIT_IN_COUNTRY.first(country=country, level=level, today=timezone.localdate())
    if row is None or row[0] != Programme.FREE:
        return {}
    return {country: Benefit(**row[1]) if row[1] else Benefit()}


BENEFIT_IN_COUNTRY: CompiledQuery[tuple[str, dict[str, Any] | None]] = CompiledQuery(
    lambda country, level, today: (
        CountryProgramme.objects.filter(country=country, valid_from__lte=today)
        .order_by("-valid_from")
        .values_list(
            "kind",
            Subquery(
                LevelBenefit.objects.filter(level=level, service_level=OuterRef("service_level"))
                .filter(Q(country=OuterRef("country")) | Q(country=""))
                .order_by("-country")
                .values(
                    benefit=JSONObject(
                        fast_track_days="fast_track_days",
                        maintenance_discount="maintenance_discount",
                        free_return="free_return",
                        courtesy_loan="courtesy_loan",
                    )
                )[:1]
            ),
        )[:1]
    )
)


def product_facts(product: Product) -> ProductFacts:
    return ProductFacts(
        kind=product.shelf,
        fast_track_model=product.fast_track_model,
        serviceable=product.stage != Stage.UNSERVICEABLE,
        video_class=product.video_class,
    )


def centre_facts(centre: ServiceCentre) -> CentreFacts:
    return CentreFacts(kind=centre.kind, products=centre.shelves, services=centre.services, status=centre.status)


def find_standing(item: Item) -> Standing:
    """What the Kitbag knows about the product. A theft report comes before everything else (R34)."""
    return find_standings([item])[item]


def find_standings(items: Collection[Item]) -> dict[Item, Standing]:
    """The same for many at once."""
    reported = stolen_reports.find_reported({(item.product.pk, item.serial_key) for item in items if item.serial_key})
    return {item: _standing(item, is_stolen=(item.product.pk, item.serial_key) in reported) for item in items}


def _standing(item: Item, *, is_stolen: bool) -> Standing:
    registration = item.registration
    if is_stolen:
        return Standing.STOLEN
    if registration is None:
        return Standing.NONE
    if not registration.serial_key:
        return Standing.NO_SERIAL
    return Standing.VALIDATED if registration.state == RegistrationState.VALIDATED else Standing.UNDECIDED


def claim_for(item: Item, *, wanted: bool, proof: bool, at: datetime) -> WarrantyClaim:
    """The facts of a warranty claim: where and from whom the product was bought (R24, R60)."""
    return claims_for([item], wanted=wanted, proof=proof, at=at)[item]


def claims_for(items: Collection[Item], *, wanted: bool, proof: bool, at: datetime) -> dict[Item, WarrantyClaim]:
    """The same for many at once."""
    today = timezone.localdate(at)
    purchases = {
        item: (registration.store, registration.country.code or "", registration.purchased_on or today)
        for item in items
        if (registration := item.registration)
    }
    countries = {country for _store, country, _day in purchases.values()} - {""}
    in_force = CountryProgramme.objects.in_force(today).filter(country__in=countries) if countries else ()
    region_countries = {programme.country.code for programme in in_force}
    shops = retailers.shop_statuses(set(purchases.values())) if purchases else {}
    return {
        item: WarrantyClaim(
            wanted=wanted,
            proof=proof,
            outside_region=item in purchases and purchases[item][1] in countries - region_countries,
            not_authorised=item in purchases and shops[purchases[item]] == ShopStatus.NOT_AUTHORISED,
        )
        for item in items
    }
