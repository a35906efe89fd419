"""Where centres are, how far, and whether they are open at this moment in their own time (R42)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import asin, atan2, cos, degrees, log10, radians, sin, sqrt

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from members.enums import Level
from members.models import Member
from servicing.enums import ServiceKind
from servicing.models import ServiceCentre
from servicing.queries.entitlement import benefits_by_country
from servicing.rules.entitlement import OWN_CENTRES, Benefit

EARTH_KM = 6371
NEAREST_KM, FARTHEST_KM = 10, 10_000  # the rings stand at 10, 100 and 1,000 km


@dataclass(frozen=True)
class Position:
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Perk:
    given: bool
    words: str


@dataclass(frozen=True)
class Found:
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
    """Where a centre stands on the dial, in its own units."""

    number: int
    x: int
    y: int
    is_canon: bool


def distance_km(here: Position, there: Position) -> float:
    """Along the surface of the earth."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlat, dlon = lat2 - lat1, radians(there.longitude - here.longitude)
    a = sin(dlat / 2) ** 2 + cos(lat1) * cos(lat2) * sin(dlon / 2) ** 2
    return 2 * EARTH_KM * asin(min(sqrt(a), 1))


def bearing(here: Position, there: Position) -> float:
    """The direction in which to set out, in degrees from north."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlon = radians(there.longitude - here.longitude)
    return degrees(atan2(sin(dlon) * cos(lat2), cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(dlon))) % 360


def position_of(centre: ServiceCentre) -> Position:
    return Position(float(centre.latitude), float(centre.longitude))


def find(
    centres: Iterable[ServiceCentre], *, member: Member | None, here: Position | None, at: datetime
) -> list[Found]:
    """The centres with what they give this member, the nearest first; without a position the own country first."""
    benefits = benefits_by_country(member.level if member else Level.GOLD)  # visitors read what Gold gives
    found = []
    for centre in centres:
        benefit = benefits.get(centre.country.code)
        km = distance_km(here, position_of(centre)) if here else None
        opening, hours = opening_of(centre, at)
        found.append(
            Found(
                centre=centre,
                hours=hours,
                is_open=opening,
                perks=perks_of(centre, benefit),
                gives_discount=bool(benefit and benefit.maintenance_discount and centre.kind in OWN_CENTRES),
                km=None if km is None else round(km),
                bearing=bearing(here, position_of(centre)) if here else 0.0,
            )
        )
    home = member.country.code if member else ""
    found.sort(key=lambda one: (one.km if one.km is not None else one.centre.country.code != home, one.centre.name))
    return found


def pins(found: Iterable[Found]) -> list[Pin]:
    """The dial: north is up, each ring is ten times as far."""
    shown = []
    for number, one in enumerate(found, start=1):
        if one.km is None:
            return []
        far = log10(min(max(one.km, NEAREST_KM / 3), FARTHEST_KM) / NEAREST_KM)
        radius = min(max(45 + far * 41.5, 22), 134)
        angle = radians(one.bearing)
        shown.append(Pin(number, round(radius * sin(angle)), round(-radius * cos(angle)), one.is_canon))
    return shown


def opening_of(centre: ServiceCentre, at: datetime) -> tuple[bool, str]:
    """Whether it is open at that moment, and until or from when, in its local time."""
    calendar = centre.calendar
    local = at.astimezone(calendar.zone)
    if calendar.is_working_day(local.date()):
        opens, closes = calendar.opening(local.date())
        if opens <= at < closes:
            return True, _("Open until %(time)s") % {"time": time_format(centre.closes, "H:i")}
        if at < opens:
            return False, _("Opens at %(time)s") % {"time": time_format(centre.opens, "H:i")}
    following = next_working_day(centre, local.date())
    if following is None:
        return False, _("Closed")
    words = {"time": time_format(centre.opens, "H:i")}
    if following == local.date() + timedelta(days=1):
        return False, _("Opens tomorrow at %(time)s") % words
    return False, _("Opens %(day)s at %(time)s") % {"day": date_format(following, "l j F"), **words}


def next_working_day(centre: ServiceCentre, after: date) -> date | None:
    """The next day on which it works; None if it rests for months."""
    try:
        return next(centre.calendar.working_days(after + timedelta(days=1)))
    except ValueError:
        return None


def days_off_ahead(centre: ServiceCentre, at: datetime, days: int = 60) -> list[date]:
    """The days of its week on which it does not work, public holidays and closures, soonest first."""
    today = centre.today(at)
    calendar = centre.calendar
    ahead = (today + timedelta(days=n) for n in range(days))
    return [day for day in ahead if day.isoweekday() in calendar.weekdays and not calendar.is_working_day(day)]


def perks_of(centre: ServiceCentre, benefit: Benefit | None) -> list[Perk]:
    """What a member gets there, and what not (R46, R51)."""
    if benefit is None:
        return [Perk(given=False, words=_("Outside the free programme: they do their best for you"))]
    own, fast = centre.kind in OWN_CENTRES, benefit.fast_track_days is not None
    other = ServiceKind.MAINTENANCE in centre.services
    return [
        Perk(given=fast, words=_("Fast Track repair") if fast else _("No Fast Track at this level")),
        Perk(
            given=fast and own and other,
            words=_("Fast Track maintenance and upgrade") if own and fast else _("No Fast Track maintenance"),
        ),
        Perk(
            given=own and bool(benefit.maintenance_discount),
            words=_("%(percent)s percent off maintenance") % {"percent": benefit.maintenance_discount}
            if own and benefit.maintenance_discount
            else _("Own offers, ask them"),
        ),
        Perk(
            given=own and benefit.free_return,
            words=_("Free return shipping") if own and benefit.free_return else _("Return shipping not included"),
        ),
    ]
