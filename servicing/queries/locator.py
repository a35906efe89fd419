"""Where centres are, how far away, and whether they are open now in their local time (R42)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import asin, atan2, cos, degrees, log10, radians, sin, sqrt

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from cps_portal.core.lib.clock import Calendar
from members.enums import Level
from members.models import Member
from members.rules import NO_BENEFITS, Benefits, Home, Treatment
from servicing.enums import ServiceKind
from servicing.models import ServiceCentre
from servicing.queries.entitlement import EntitlementChecker
from servicing.rules.entitlement import ELSEWHERE, NOT_OURS, OWN_CENTRES

EARTH_KM = 6371
NEAREST_KM, FARTHEST_KM = 10, 10_000  # the rings of the map are at 10, 100 and 1,000 km


@dataclass(frozen=True)
class Position:
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Perk:
    is_given: bool
    text: str


@dataclass(frozen=True)
class LocatedCentre:
    """A centre as the locator shows it. `km` and `bearing` (degrees from north) if a position is known."""

    centre: ServiceCentre
    hours: str
    is_open: bool
    perks: list[Perk]
    gives_discount: bool
    km: int | None = None
    bearing: float = 0.0

    @property
    def is_canon(self) -> bool:
        return self.centre.kind in OWN_CENTRES


@dataclass(frozen=True)
class Pin:
    """Position of a centre on the round map, in units of its drawing."""

    number: int
    x: int
    y: int
    is_canon: bool


def distance_km(here: Position, there: Position) -> float:
    """Distance along the surface of the earth."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlat, dlon = lat2 - lat1, radians(there.longitude - here.longitude)
    a = sin(dlat / 2) ** 2 + cos(lat1) * cos(lat2) * sin(dlon / 2) ** 2
    return 2 * EARTH_KM * asin(min(sqrt(a), 1))


def bearing(here: Position, there: Position) -> float:
    """Initial direction of the shortest way, in degrees from north."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlon = radians(there.longitude - here.longitude)
    return degrees(atan2(sin(dlon) * cos(lat2), cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(dlon))) % 360


def position_of(centre: ServiceCentre) -> Position:
    return Position(float(centre.latitude), float(centre.longitude))


def locate_centres(
    centres: Iterable[ServiceCentre], *, member: Member | None, here: Position | None, at: datetime
) -> list[LocatedCentre]:
    """The centres with what they offer: the nearest first or, without a position, those of the member's country."""
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
    home = member.country.code if member else ""
    located.sort(key=lambda row: (row.km if row.km is not None else row.centre.country.code != home, row.centre.name))
    return located


def map_pins(located: Iterable[LocatedCentre]) -> list[Pin]:
    """The round map: north is up, and each ring is ten times as far away as the one inside it."""
    pins = []
    for number, row in enumerate(located, start=1):
        if row.km is None:
            return []
        rings = log10(min(max(row.km, NEAREST_KM / 3), FARTHEST_KM) / NEAREST_KM)
        radius = min(max(45 + rings * 41.5, 22), 134)
        angle = radians(row.bearing)
        pins.append(Pin(number, round(radius * sin(angle)), round(-radius * cos(angle)), row.is_canon))
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
        return False, _("Closed")
    day, opens_at = following
    params = {"time": time_format(opens_at, "H:i")}
    if day == today + timedelta(days=1):
        return False, _("Opens tomorrow at %(time)s") % params
    return False, _("Opens %(day)s at %(time)s") % {"day": date_format(day, "l j F"), **params}


def next_opening(calendar: Calendar, after: date) -> tuple[date, time] | None:
    """The next day on which it works and when it opens; None if it is closed for months."""
    try:
        day = next(calendar.working_days(after + timedelta(days=1)))
    except ValueError:
        return None
    hours = calendar.hours_on(day)
    return (day, hours.opens) if hours else None


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
