"""The centre locator and the page of one centre, for members and visitors (R42)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.kept_pages import Kept, kept_for_visitors
from members.access import member_of
from members.models import CountryProgramme, LevelBenefit
from servicing.actions.shipping import travel_ways
from servicing.enums import CentreStatus, Travel
from servicing.forms.centres import LocatorForm
from servicing.models import CalendarException, ServiceCentre, load_calendars
from servicing.presenters import calendars
from servicing.queries import geocoding, locator, towns
from servicing.queries.distance import Position
from servicing.queries.locator import LocatedCentre

MAX_MAP_PINS = 9
MAX_SPECIAL_DAYS_SHOWN = 8
# What the list shows. tests/site/test_kept_pages.py holds that it reads nothing else.
OF_CENTRES = Kept(ServiceCentre, CalendarException, LevelBenefit, CountryProgramme)
WAYS_THERE = {
    Travel.COURIER: _("By post or courier"),
    Travel.COLLECTION: _("Collected by a courier"),
    Travel.DROP_OFF: _("Brought to the counter"),
}


@require_safe
@login_not_required
@kept_for_visitors(OF_CENTRES, by_minute=True)
def centre_list(request: HttpRequest) -> HttpResponse:
    """List centres near a place, in a country or near the phone, with what each offers."""
    form = LocatorForm(request.GET)
    form.is_valid()
    filters = {name: form.cleaned_data.get(name) for name in form.fields}
    all_centres = list(ServiceCentre.objects.all())
    load_calendars(all_centres)
    near = (filters["near"] or "").strip()
    member = member_of(request)
    lives_in = member.country.code if member else ""
    place = _resolve_place(filters, near, lives_in, all_centres)
    in_country = place.country if place.is_country and _has_centre(all_centres, place.country) else ""
    located = locator.locate_centres(
        [centre for centre in all_centres if _matches(centre, filters, in_country)],
        member=member,
        here=place.position,
        at=timezone.now(),
    )
    kinds: dict[str, Callable[[LocatedCentre], bool]] = {
        "": lambda entry: True,
        "canon": lambda entry: entry.is_canon,
        "partner": lambda entry: not entry.is_canon,
    }
    counts = {key: sum(map(test, located)) for key, test in kinds.items()}
    shown = [entry for entry in located if kinds[filters["only"] or ""](entry)]
    if filters["discount"]:
        shown = [entry for entry in shown if entry.gives_discount]
    if filters["now"]:
        shown = [entry for entry in shown if entry.is_open and entry.centre.status == CentreStatus.OPEN]
    has_position = place.position is not None
    country = place.country if near or has_position else lives_in
    capital = None if has_position or not country else towns.largest_town(country)
    origin = place.position or (capital.position if capital else None)
    groups = locator.group_centres(shown, country=country, lives_in=lives_in, near=origin)
    unfolded = [entry for group in groups if not group.is_folded for entry in group.rows]
    is_unknown = bool(near) and not place.is_known and not has_position
    context = {
        "form": form,
        "near": near,
        "asked": filters,
        "found": [entry for group in groups for entry in group.rows],
        "groups": groups,
        "place": place,
        "unknown": is_unknown,
        "is_postcode": is_unknown and geocoding.looks_like_postcode(near),
        "has_position": has_position,
        "pins": locator.map_pins(unfolded[:MAX_MAP_PINS]),
        "chips": _filter_chips(request, filters, counts),
    }
    return render(request, "servicing/centres.html", context)


@require_safe
@login_not_required
def centre_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One centre: opening hours, services and what the member gets there."""
    centre = get_object_or_404(ServiceCentre, slug=slug)
    now = timezone.now()
    member = member_of(request)
    (located,) = locator.locate_centres([centre], member=member, here=None, at=now)
    context = {
        "found": located,
        "centre": centre,
        "week": calendars.list_week(centre.calendar, centre.today(now), country=(member or centre).country.code),
        "special_days": calendars.list_special_days(centre.calendar, centre.today(now))[:MAX_SPECIAL_DAYS_SHOWN],
        "local_time": now.astimezone(centre.calendar.zone),
        "ways": [WAYS_THERE[way] for way in travel_ways(centre)],
    }
    return render(request, "servicing/centre.html", context)


def _resolve_place(filters: dict[str, Any], near: str, lives_in: str, centres: list[ServiceCentre]) -> geocoding.Place:
    """The place to search from: the position of the phone or of a link, else what was typed."""
    place = geocoding.geocode(near, lives_in=lives_in, centres=centres) if near else geocoding.UNKNOWN
    if filters["lat"] is None or filters["lon"] is None:
        return place
    position = Position(filters["lat"], filters["lon"])
    return replace(place, position=position, country=_country_of(place, position), is_country=False)


def _country_of(place: geocoding.Place, position: Position) -> str:
    """The country of the town that a link names with its position; "" for the position of a phone."""
    options = [town for town in (place.town, *place.others) if town]
    return next((town.country for town in options if town.position == position), "")


def _has_centre(centres: list[ServiceCentre], country: str) -> bool:
    return any(centre.country.code == country for centre in centres)


def _matches(centre: ServiceCentre, filters: dict[str, Any], in_country: str) -> bool:
    return (
        (not in_country or centre.country.code == in_country)
        and (not filters["service"] or filters["service"] in centre.services)
        and (not filters["shelf"] or filters["shelf"] in centre.shelves)
    )


def _filter_chips(request: HttpRequest, filters: dict[str, Any], counts: dict[str, int]) -> list[dict[str, Any]]:
    current_query = {name: str(value) for name, value in request.GET.items() if name in filters and value}

    def href(**changes: str) -> str:
        query = {name: value for name, value in {**current_query, **changes}.items() if value}
        return f"?{urlencode(query)}" if query else "?"

    chips: list[dict[str, Any]] = [
        {"label": label, "count": counts[key], "href": href(only=key), "current": (filters["only"] or "") == key}
        for key, label in LocatorForm.base_fields["only"].choices  # type: ignore[attr-defined]
    ]
    for name, label in (("discount", _("Maintenance discount")), ("now", _("Open now"))):
        current = bool(filters[name])
        chips.append({"label": label, "href": href(**{name: "" if current else "1"}), "current": current})
    return chips
