"""What a member is entitled to, from the database: the same answer on every page and in the API (R43)."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.functional import cached_property

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.actions import retailers, stolen_reports
from kitbag.enums import RegistrationState, ShopStatus, Stage
from kitbag.models import Product, Registration
from kitbag.rules import serial_key
from members.enums import Level, Programme
from members.models import CountryProgramme, LevelBenefit, Member
from members.rules import NO_BENEFITS, Benefits, Home, Treatment, benefits_here, home_of, treatment, visited_of
from servicing.models import ServiceCentre, Ticket
from servicing.rules.entitlement import (
    NO_CLAIM,
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


@dataclass(frozen=True)
class CountryFacts:
    """The programme of a country today, and what each level gives at its centres: nothing outside the free one."""

    programme: str
    service_level: str
    benefits: Mapping[str, Benefits]

    @property
    def home(self) -> Home:
        return home_of(self.programme, self.service_level)


NOWHERE = CountryFacts(Programme.NONE, "", {})


class EntitlementChecker:
    """Checks entitlements of one member (None: a visiting member), reading each fact once for all checks (R43, R65).

    `level` and `treatment` are those at intake, if the product is at the centre already (R50). `home` is for people who
    are not signed in.
    """

    def __init__(
        self,
        member: Member | None,
        *,
        standings: Mapping[Item, Standing] | None = None,
        countries: Mapping[str, CountryFacts] | None = None,
        level: str = "",
        treatment: Treatment | None = None,
        home: Home = Home.OTHER_REGION,
    ) -> None:
        """`standings` and `countries` are facts that the caller has already read, for many members at once."""
        self.member = member
        self.level = level or (member.level if member else "")
        self.treatment = treatment
        self.home = home
        self._standings = dict(standings or {})
        if countries is not None:
            self._countries = countries

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
            treatment=self.treatment_at(centre),
            benefits=self._benefits_of_level(centre),
            product=product_facts(item.product),
            centre=centre_facts(centre),
            service=service,
            standing=self._standing(item),
            places_taken=places_taken,
            wish=wish,
            claim=claim,
        )

    def treatment_at(self, centre: ServiceCentre) -> Treatment:
        """How the member is treated in the country of the centre (R65)."""
        if self.treatment:
            return self.treatment
        visited = self._countries.get(centre.country.code, NOWHERE)
        home = self._countries.get(self.member.country.code, NOWHERE).home if self.member else self.home
        return treatment(home, visited_of(visited.programme, visited.service_level, has_centre=True))

    def benefits_at(self, centre: ServiceCentre) -> Benefits:
        """What the member gets at the centre, whatever the product."""
        of_centre = centre_facts(centre).for_travellers
        return benefits_here(self.treatment_at(centre), of_level=self._benefits_of_level(centre), of_centre=of_centre)

    def _benefits_of_level(self, centre: ServiceCentre) -> Benefits:
        return self._countries.get(centre.country.code, NOWHERE).benefits.get(self.level, NO_BENEFITS)

    @cached_property
    def _countries(self) -> Mapping[str, CountryFacts]:
        return country_facts()

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
    level: str = "",
    treatment: Treatment | None = None,
) -> Entitlement:
    """One check. `places_taken`: if the caller knows it. `is_clean`: the caller has checked for theft reports (R34).

    `level` and `treatment` are those at intake, if the product is at the centre already (R50).
    """
    taken = count_places(member) if places_taken is None else places_taken
    checker = EntitlementChecker(
        member,
        standings={item: _standing(item, is_stolen=False)} if is_clean else None,
        countries=facts_of_countries(member, centre, level or (member.level if member else "")),
        level=level,
        treatment=treatment,
    )
    return checker.check(item, centre, service, places_taken=taken, wish=wish, claim=claim)


def count_places(member: Member | None) -> int:
    """How many of the member's Fast Track places are taken (R49)."""
    return count_places_by_member([member])[member.pk] if member else 0


def count_places_by_member(members: Collection[Member]) -> dict[int, int]:
    """The same for many members, by primary key. Those of accounts that became one with theirs count, too (R69)."""
    accounts = [key for member in members for key in member.accounts]
    rows = Ticket.objects.filter(member__in=accounts, place__isnull=False).order_by().values_list("member")
    taken = dict(rows.annotate(Count("pk")))
    return {member.pk: sum(taken.get(key, 0) for key in member.accounts) for member in members}


def country_facts() -> dict[str, CountryFacts]:
    """The facts of every country, by its code."""
    rows = {(row.level, row.service_level, row.country.code): row for row in LevelBenefit.objects.all()}
    facts = {}
    for country in CountryProgramme.objects.in_force():
        code, offered = country.country.code, country.service_level
        by_level = {level: rows.get((level, offered, code)) or rows.get((level, offered, "")) for level in Level.values}
        benefits = {level: _benefits(row) for level, row in by_level.items() if row} if offered else {}
        facts[code] = CountryFacts(country.kind, offered, benefits)
    return facts


def facts_of_countries(member: Member | None, centre: ServiceCentre, level: str) -> dict[str, CountryFacts]:
    """The same for the countries of a member and of a centre and for one level, in one query."""
    visited = centre.country.code
    rows = FACTS_OF_COUNTRIES.all(
        home=member.country.code if member else visited, visited=visited, level=level, today=timezone.localdate()
    )
    return {
        code: CountryFacts(programme, offered, {level: Benefits(**benefits)} if benefits else {})
        for code, programme, offered, benefits in rows
    }


FACTS_OF_COUNTRIES: CompiledQuery[tuple[str, str, str, dict[str, Any] | None]] = CompiledQuery(
    lambda home, visited, level, today: (
        CountryProgramme.objects.filter(Q(country=home) | Q(country=visited), valid_from__lte=today)
        .order_by("country", "-valid_from")
        .distinct("country")
        .values_list(
            "country",
            "kind",
            "service_level",
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
        )
    ),
    convert={3: lambda text: text and json.loads(text)},
)


def _benefits(row: LevelBenefit) -> Benefits:
    return Benefits(row.fast_track_days, row.maintenance_discount, row.free_return, row.courtesy_loan)


def product_facts(product: Product) -> ProductFacts:
    return ProductFacts(
        kind=product.shelf,
        fast_track_model=product.fast_track_model,
        serviceable=product.stage != Stage.UNSERVICEABLE,
        video_class=product.video_class,
    )


def centre_facts(centre: ServiceCentre) -> CentreFacts:
    return CentreFacts(
        kind=centre.kind,
        products=centre.shelves,
        services=centre.services,
        status=centre.status,
        for_travellers=Benefits(
            centre.traveller_days, centre.traveller_discount, centre.traveller_return, centre.traveller_loan
        ),
    )


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
