"""Home and the country of a journey side by side: what membership gives at each, and why it differs (R4, R7, R65)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cps_portal.core.lib.countries import country_name, list_countries
from cps_portal.core.lib.lists import in_words
from cps_portal.site.presenters.moving import SLOWEST, BenefitRow, Rank
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, Member, programme_in
from members.queries import get_level_benefit
from members.rules import (
    NO_BENEFITS,
    Benefits,
    Membership,
    Nearby,
    Treatment,
    Visited,
    benefits_here,
    treatment,
    visited_of,
)
from servicing.enums import CentreStatus, ServiceKind
from servicing.models import ServiceCentre, load_calendars
from servicing.queries.distance import distance_km
from servicing.queries.entitlement import NOWHERE, CountryFacts, centre_facts, country_facts
from servicing.queries.locator import MAX_NEARBY, LocatedCentre, locate_centres, position_of
from servicing.queries.towns import largest_town
from servicing.rules.entitlement import MIN_VIDEO_TARGET_DAYS, OWN_CENTRES, STANDARD_TARGET_DAYS
from servicing.rules.places import PLACES

NAMED = 3  # countries that are named as examples


@dataclass(frozen=True)
class Stay:
    """A country as somebody finds it who is served there: how they are treated, and what its open centres give."""

    country: str
    treatment: Treatment
    benefits: Benefits
    centres: Sequence[ServiceCentre]
    is_home: bool = False

    @property
    def name(self) -> str:
        return country_name(self.country)

    @property
    def nearby(self) -> Nearby:
        if any(centre.kind in OWN_CENTRES for centre in self.centres):
            return Nearby.OWN
        return Nearby.PARTNERS if self.centres else Nearby.NONE

    @property
    def has_maintenance(self) -> bool:
        """Whether one of Canon's own centres here does maintenance: only there it is Fast Track (R46)."""
        return any(c.kind in OWN_CENTRES and ServiceKind.MAINTENANCE in c.services for c in self.centres)


@dataclass(frozen=True)
class Trip:
    """A journey of `member`.

    `centres` are those of the country, or of the one that it is `served_with`, or else the nearest ones of the free
    programme. `is_on_hold`: nothing is promised there, and its centres are not shown.
    """

    member: Member
    home: Stay
    there: Stay
    support_hours: int | None
    centres: Sequence[LocatedCentre]
    link: str  # the page of the programme of the country, "" if none is known
    served_with: str = ""  # the name of the country, if centres of another one are shown
    is_on_hold: bool = False

    @property
    def has_centres(self) -> bool:
        """Whether a centre stands in the country itself, open or not."""
        return any(row.centre.country.code == self.there.country for row in self.centres)

    @property
    def is_outside(self) -> bool:
        return self.there.treatment == Treatment.ASK

    @cached_property
    def rows(self) -> list[BenefitRow]:
        """Every benefit at home and there; empty on hold, and in another region, which we know nothing of (R7)."""
        if self.is_outside or self.is_on_hold:
            return []
        pairs = zip(self._values(self.home), self._values(self.there), strict=True)
        return [
            BenefitRow(name, at_home, there, "more" if new > old else "less" if new < old else "", why)
            for (name, old, at_home, _why), (_name, new, there, why) in pairs
        ]

    @property
    def differences(self) -> int:
        return sum(bool(row.change) for row in self.rows)

    def local_times(self, at: datetime) -> list[tuple[str, datetime]]:
        """(town, time) of each time zone of the centres in the country."""
        found: dict[str, tuple[str, datetime]] = {}
        for row in self.centres:
            if row.centre.country.code == self.there.country:
                found.setdefault(row.centre.zone, (row.centre.local.city, at.astimezone(row.centre.calendar.zone)))
        return list(found.values())

    def _values(self, stay: Stay) -> Iterator[tuple[str, Rank, str, str]]:
        """Each benefit: its name, what to compare it by, its value in words, and why it is so."""
        given, nearby = stay.benefits, stay.nearby
        yield _("Fast Track repair"), *_repair(stay, given.fast_track_days)
        yield _("Fast Track maintenance"), *_maintenance(stay)
        is_own = nearby == Nearby.OWN
        percent = given.maintenance_discount if is_own else 0
        if percent:
            text, why = _("%(percent)s percent") % {"percent": percent}, ""
        else:
            offers = given.maintenance_discount and nearby == Nearby.PARTNERS
            text, why = pgettext("discount", "None"), _("Partners may have their own offers. Ask.") if offers else ""
        yield _("Maintenance discount"), (percent, True), text, why
        is_free = is_own and given.free_return
        text = _("Free on repairs you pay for") if is_free else _("Not included")
        why = _("Collect it, or pay the courier.") if given.free_return and not is_free else ""
        yield _("Return shipping"), (float(is_free), True), text, why
        is_lent = given.courtesy_loan and nearby.gives_repairs
        yield _("Loan if a repair is late"), (float(is_lent), True), _("Yes") if is_lent else _("No"), ""
        yield _("Cinema and video"), *_repair(stay, given.fast_track_days, least=MIN_VIDEO_TARGET_DAYS)
        is_fast = given.fast_track_days is not None and nearby.gives_repairs
        text, why = _("None needed at standard speed"), ""
        if is_fast:
            text = ngettext("%(n)s at a time", "%(n)s at a time", PLACES) % {"n": PLACES}
            why = "" if stay.is_home else _("The same ones: counted together, wherever they are.")
        yield _("Fast Track places"), (0, True), text, why
        yield (
            _("First answer from support"),
            (0, True),
            self._first_answer(),
            ("" if stay.is_home else _("As at home. The same people answer you.")),
        )
        yield _("Card and events"), *_card(stay)

    def _first_answer(self) -> str:
        hours = self.support_hours
        if hours is None:
            return _("No target")
        return ngettext("%(hours)s working hour", "%(hours)s working hours", hours) % {"hours": hours}


@dataclass(frozen=True)
class InFull:
    """What a level gives in a silver-only home, beside what it gives where it counts in full (R3).

    `rows` are the benefits that differ. `where` names at most NAMED countries where it counts in full, first those
    with centres of Canon's own, and how many more there are.
    """

    rows: list[BenefitRow]
    where: str


def build_in_full(member: Member, membership: Membership) -> InFull | None:
    """The comparison for a member above Silver in a silver-only country, in four queries; None for everybody else."""
    if not membership.is_silver_only or membership.benefit_level == membership.level:
        return None
    of_level = LevelBenefit.objects.of(membership.level, "", ServiceLevel.FULL)
    if of_level is None:
        return None
    facts = country_facts()
    full = {code for code, found in facts.items() if found.service_level == ServiceLevel.FULL}
    centres = list(ServiceCentre.objects.open())
    at_home = [centre for centre in centres if centre.country.code == membership.country]
    there = [centre for centre in centres if centre.country.code in full]
    given = Benefits(
        of_level.fast_track_days, of_level.maintenance_discount, of_level.free_return, of_level.courtesy_loan
    )
    trip = Trip(
        member,
        _stay(member, membership.country, facts, at_home, is_home=True),
        Stay("", Treatment.BENEFITS, given, there),
        None,
        [],
        "",
    )
    own = {centre.country.code for centre in there if centre.kind in OWN_CENTRES}
    named = [name for _code, name in (list_countries(own) + list_countries(full - own))[:NAMED]]
    if others := len(full) - len(named):
        named.append(ngettext("%(number)s more", "%(number)s more", others) % {"number": others})
    return InFull([row for row in trip.rows if row.change], in_words(named))


def build_trip(member: Member, country: str, *, at: datetime) -> Trip:
    """Compare a member's home with a country to travel to, in a fixed number of queries."""
    facts = country_facts()
    home_code = member.country.code
    centres = list(ServiceCentre.objects.all())
    by_country: dict[str, list[ServiceCentre]] = {}
    for centre in centres:
        by_country.setdefault(centre.country.code, []).append(centre)
    programme = programme_in(country)
    on_hold = {row.country.code for row in CountryProgramme.objects.in_force().filter(on_hold=True)}
    open_to_all = [centre for centre in centres if centre.country.code not in on_hold]
    neighbour = programme.served_with.code or "" if programme and country not in by_country else ""
    served = [centre for centre in by_country.get(neighbour, []) if centre.status == CentreStatus.OPEN]
    own = [] if country in on_hold else by_country.get(country)
    in_country = own or served or _nearest(open_to_all, country)
    load_calendars(in_country)
    located = locate_centres(in_country, member=member, here=None, at=at)
    support = get_level_benefit(member) or LevelBenefit.objects.of(Level.RED, "", ServiceLevel.FULL)
    return Trip(
        member,
        _stay(member, home_code, facts, by_country.get(home_code, []), is_home=True),
        _stay(member, country, facts, by_country.get(country, [])),
        support.first_answer_hours if support else None,
        [replace(row, number=number) for number, row in enumerate(located, start=1)],
        programme.link if programme else "",
        country_name(neighbour) if served else "",
        country in on_hold,
    )


def countries_to_visit(home: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(programme, countries by name) to choose from: all of our region but the member's own."""
    kinds = {code: found.programme for code, found in country_facts().items() if code != home}
    titles = {
        Programme.FREE: _("Free programme"),
        Programme.SUBSCRIPTION: _("Subscription programme"),
        Programme.NONE: _("No programme"),
    }
    return [(title, list_countries(code for code in kinds if kinds[code] == kind)) for kind, title in titles.items()]


def subscription_countries_with_centres() -> list[str]:
    """The codes of subscription countries where an open centre tries to help, sorted by name (R4)."""
    programmes = CountryProgramme.objects.in_force().filter(kind=Programme.SUBSCRIPTION)
    centres = ServiceCentre.objects.open().filter(country__in=programmes.values("country")).order_by()
    return [code for code, _name in list_countries(centres.values_list("country", flat=True))]


def _stay(
    member: Member,
    country: str,
    facts: dict[str, CountryFacts],
    centres: Sequence[ServiceCentre],
    *,
    is_home: bool = False,
) -> Stay:
    open_centres = [centre for centre in centres if centre.status == CentreStatus.OPEN]
    found = facts.get(country)
    visited = Visited.OUTSIDE
    if found:
        visited = visited_of(found.programme, found.service_level, has_centre=bool(open_centres))
    decided = treatment(facts.get(member.country.code, NOWHERE).home, visited)
    of_level = found.benefits.get(member.level) if found else None
    offers = [
        benefits_here(decided, of_level=of_level, of_centre=centre_facts(centre).for_travellers)
        for centre in open_centres
    ]
    if decided == Treatment.BENEFITS:
        offers = [of_level or NO_BENEFITS]
    return Stay(country, decided, _best(offers), open_centres, is_home)


def _best(offers: Sequence[Benefits]) -> Benefits:
    """The best of what the centres of a country give."""
    if not offers:
        return NO_BENEFITS
    days = [offer.fast_track_days for offer in offers if offer.fast_track_days is not None]
    return Benefits(
        min(days, default=None),
        max(offer.maintenance_discount for offer in offers),
        any(offer.free_return for offer in offers),
        any(offer.courtesy_loan for offer in offers),
    )


def _nearest(centres: Sequence[ServiceCentre], country: str) -> list[ServiceCentre]:
    """Open centres of the free programme, by the distance from the largest town of the country."""
    town = largest_town(country)
    if town is None:
        return []
    free = [centre for centre in centres if centre.status == CentreStatus.OPEN and centre.programme == Programme.FREE]
    return sorted(free, key=lambda centre: distance_km(town.position, position_of(centre)))[:MAX_NEARBY]


def _days(days: int) -> str:
    return ngettext("%(days)s working day", "%(days)s working days", days) % {"days": days}


def _standard() -> str:
    return _("About %(days)s working days") % {"days": STANDARD_TARGET_DAYS}


def _repair(stay: Stay, days: int | None, *, least: int = 0) -> tuple[Rank, str, str]:
    if stay.nearby == Nearby.NONE:
        return (SLOWEST, False), _("No open centre"), _("Send it to a centre in another country.")
    if days is None:
        return (SLOWEST, True), _standard(), _why_standard(stay)
    why = "" if stay.is_home or stay.nearby == Nearby.OWN else _("At a service partner.")
    return (-max(days, least), True), _days(max(days, least)), why


def _why_standard(stay: Stay) -> str:
    if stay.treatment == Treatment.TRY:
        return _("Outside the free programme: they’ll do their best for you.")
    if stay.treatment == Treatment.BENEFITS:
        return _("No Fast Track at your level.")
    return _("Your membership rests while you live where you do.")


def _maintenance(stay: Stay) -> tuple[Rank, str, str]:
    days = stay.benefits.fast_track_days
    if stay.nearby == Nearby.NONE:
        return (SLOWEST, False), _("No open centre"), ""
    if days is not None and stay.has_maintenance:
        return (-days, True), _days(days), ""
    return (SLOWEST, True), _standard(), _("Fast only at Canon’s own centres.") if days is not None else ""


def _card(stay: Stay) -> tuple[Rank, str, str]:
    if stay.treatment == Treatment.BENEFITS:
        return (1, True), _("Yes"), "" if stay.is_home else _("Show the card, or your phone.")
    if stay.treatment in (Treatment.TRY, Treatment.NEAREST):
        return (0, True), _("Ask first"), _("Show the card. Each event says who may come.")
    return (0, False), _("No"), ""
