"""Where centres are, how far away, and whether they are open now in their local time (R42)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import cos, log10, radians, sin

from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cps_portal.core.lib.clock import next_opening
from cps_portal.core.lib.countries import country_name
from cps_portal.core.lib.lists import in_words, with_commas
from cps_portal.core.lib.written_dates import date_format
from members.enums import Level, Programme
from members.models import Member
from members.rules import NO_BENEFITS, Benefits, Home, Treatment
from servicing.enums import ServiceKind
from servicing.models import ServiceCentre
from servicing.queries.distance import Position, bearing, distance_km
from servicing.queries.entitlement import EntitlementChecker
from servicing.rules.entitlement import ELSEWHERE, NOT_OURS, OWN_CENTRES

EARTH_KM = 6371
MAX_COUNTRIES_NAMED = 2
MAX_NEARBY = 3  # centres of other countries that are shown at once
NEAREST_KM, FARTHEST_KM = 10, 10_000  # the rings of the map are at 10, 100 and 1,000 km


@dataclass(frozen=True)
class Perk:
    is_given: bool
    text: str


@dataclass(frozen=True)
class LocatedCentre:
    """A centre as the locator shows it. `km` and `bearing` (degrees from north) if a position is known; `number` in the
    list and on the map."""

    centre: ServiceCentre
    hours: str
    is_open: bool
    perks: list[Perk]
    gives_discount: bool
    km: int | None = None
    bearing: float = 0.0
    number: int = 0

    @property
    def address_lines(self) -> list[str]:
        """Street, town and postal code in the order of the country, and the country. Not in capitals as on a label."""
        centre = self.centre
        local = centre.address.label_lines[1:-1] if centre.has_address else [centre.local.city]
        readable = [line.replace(centre.city.upper(), centre.city) for line in local]
        return [*readable, country_name(centre.country.code)]

    @property
    def address_text(self) -> str:
        return with_commas(self.address_lines)

    @property
    def can_receive(self) -> bool:
        """Whether a member can get a product to it at all."""
        return self.centre.has_address or self.centre.takes_drop_off

    @property
    def is_canon(self) -> bool:
        return self.centre.kind in OWN_CENTRES


@dataclass(frozen=True)
class CentreGroup:
    """Part of the list: the country that was asked for, what is near, or the rest, which is folded away."""

    title: str
    rows: list[LocatedCentre]
    note: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Pin:
    """Position of a centre on the round map, in units of its drawing."""

    number: int
    x: int
    y: int
    is_canon: bool


def position_of(centre: ServiceCentre) -> Position:
    return Position(float(centre.latitude), float(centre.longitude))


def locate_centres(
    centres: Iterable[ServiceCentre], *, member: Member | None, here: Position | None, at: datetime
) -> list[LocatedCentre]:
    """The centres with what they offer, the nearest first; without a position by name."""
    # People who are not signed in see what Gold gives.
    checker = EntitlementChecker(member) if member else EntitlementChecker(None, level=Level.GOLD, home=Home.FREE_FULL)
    located = []
    for centre in centres:
        benefits = checker.benefits_at(centre)
        km = distance_km(here, position_of(centre)) if here else None
        is_open, hours = opening_text(centre, at)
        located.append(
            LocatedCentre(
                centre=centre,
                hours=hours,
                is_open=is_open,
                perks=list_perks(centre, checker.treatment_at(centre), benefits),
                gives_discount=bool(benefits.maintenance_discount and centre.kind in OWN_CENTRES),
                km=None if km is None else round(km),
                bearing=bearing(here, position_of(centre)) if here else 0.0,
            )
        )
    located.sort(key=lambda row: (row.km or 0, row.centre.name))
    return located


def group_centres(
    located: Sequence[LocatedCentre], *, country: str, lives_in: str, near: Position | None
) -> list[CentreGroup]:
    """Those in `country` first, then a few that are near, then the rest, folded; numbered in this order.

    Without a country and a position, what belongs to the free programme is shown and the rest folded.
    """
    own = [row for row in located if row.centre.country.code == country]
    others = [row for row in located if row.centre.country.code != country]
    groups = []
    if own:
        name = country_name(country)
        title = _("%(country)s, where you live") % {"country": name} if country == lives_in else name
        groups.append(CentreGroup(title, own))
    if near and others:
        by_distance = sorted(others, key=lambda row: distance_km(near, position_of(row.centre)))
        title = _("Nearby countries") if own else _("Nearest to it")
        groups.append(CentreGroup(title, by_distance[:MAX_NEARBY]))
        others = [row for row in others if row not in by_distance[:MAX_NEARBY]]
    free = [row for row in others if row.centre.programme == Programme.FREE]
    groups.extend(_rest(free, _("Part of the free programme."), is_folded=bool(groups)))
    rest = [row for row in others if row not in free]
    note = _("They’ll do their best for you. Not every benefit applies.")
    groups.extend(_rest(rest, note, is_folded=bool(groups)))
    return _number(groups)


def _rest(rows: list[LocatedCentre], note: str, *, is_folded: bool) -> list[CentreGroup]:
    return [CentreGroup(_name_countries(rows), rows, note, is_folded)] if rows else []


def _name_countries(rows: Iterable[LocatedCentre]) -> str:
    """The first countries by name, and how many more there are."""
    names = list(dict.fromkeys(country_name(row.centre.country.code) for row in rows))
    if len(names) <= MAX_COUNTRIES_NAMED:
        return in_words(names)
    more = len(names) - MAX_COUNTRIES_NAMED
    text = ngettext("%(names)s and %(n)d more country", "%(names)s and %(n)d more countries", more)
    return text % {"names": with_commas(names[:MAX_COUNTRIES_NAMED]), "n": more}


def _number(groups: Iterable[CentreGroup]) -> list[CentreGroup]:
    numbered, number = [], 0
    for group in groups:
        rows = [replace(row, number=number + place) for place, row in enumerate(group.rows, start=1)]
        numbered.append(replace(group, rows=rows))
        number += len(rows)
    return numbered


def map_pins(located: Iterable[LocatedCentre]) -> list[Pin]:
    """The round map: north is up, and each ring is ten times as far away as the one inside it."""
    pins = []
    for row in located:
        if row.km is None:
            return []
        rings = log10(min(max(row.km, NEAREST_KM / 3), FARTHEST_KM) / NEAREST_KM)
        radius = min(max(45 + rings * 41.5, 22), 134)
        angle = radians(row.bearing)
        pins.append(Pin(row.number, round(radius * sin(angle)), round(-radius * cos(angle)), row.is_canon))
    return pins


def opening_text(centre: ServiceCentre, at: datetime) -> tuple[bool, str]:
    """Whether the centre is open at that moment, and until when or from when, in its local time."""
    calendar = centre.calendar
    today = at.astimezone(calendar.zone).date()
    if hours := calendar.hours_on(today):
        opens, closes = calendar.opening(today)
        if opens <= at < closes:
            return True, _("Open until %(time)s") % {"time": time_format(hours.closes, "H:i")}
        if at < opens:
            return False, _("Opens at %(time)s") % {"time": time_format(hours.opens, "H:i")}
    following = next_opening(calendar, today)
    if following is None:
        return False, pgettext("day of a service centre", "Closed")
    day, opens_at = following
    params = {"time": time_format(opens_at, "H:i")}
    if day == today + timedelta(days=1):
        return False, _("Opens tomorrow at %(time)s") % params
    return False, _("Opens %(day)s at %(time)s") % {"day": date_format(day, "l j F"), **params}


def list_perks(centre: ServiceCentre, treatment: Treatment, benefits: Benefits) -> list[Perk]:
    """What a member gets there, and what they do not (R4, R46, R51, R65)."""
    if treatment in NOT_OURS:
        return [Perk(is_given=False, text=_("Membership gives no benefits here while you live where you do"))]
    if treatment in ELSEWHERE and benefits == NO_BENEFITS:
        return [Perk(is_given=False, text=_("Outside the free programme: they’ll do their best for you"))]
    own, fast = centre.kind in OWN_CENTRES, benefits.fast_track_days is not None
    other = ServiceKind.MAINTENANCE in centre.services
    return [
        Perk(is_given=fast, text=_("Fast Track repair") if fast else _("No Fast Track at this level")),
        Perk(
            is_given=fast and own and other,
            text=_("Fast Track maintenance and upgrade") if own and fast else _("No Fast Track maintenance"),
        ),
        Perk(
            is_given=own and bool(benefits.maintenance_discount),
            text=_("%(percent)s percent off maintenance") % {"percent": benefits.maintenance_discount}
            if own and benefits.maintenance_discount
            else _("They have their own offers: ask them"),
        ),
        Perk(
            is_given=own and benefits.free_return,
            text=_("Free return shipping") if own and benefits.free_return else _("Return shipping not included"),
        ),
    ]
