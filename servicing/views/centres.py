"""The centre locator and the page of one centre, for members and visitors (R42)."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.folding import fold
from members.access import member_of
from servicing.enums import CentreStatus
from servicing.forms.centres import LocatorForm
from servicing.models import ServiceCentre, load_calendars
from servicing.presenters import calendars
from servicing.queries import locator
from servicing.queries.locator import LocatedCentre, Position

MAX_MAP_PINS = 9
MAX_SPECIAL_DAYS_SHOWN = 8


@require_safe
@login_not_required
def centre_list(request: HttpRequest) -> HttpResponse:
    """List centres near a place, in a country or near the phone, with what each offers."""
    form = LocatorForm(request.GET)
    form.is_valid()
    filters = {name: form.cleaned_data.get(name) for name in form.fields}
    all_centres = list(ServiceCentre.objects.all())
    load_calendars(all_centres)
    near = (filters["near"] or "").strip()
    position, in_country, is_unknown = _resolve_place(filters, near, all_centres)
    located = locator.locate_centres(
        [centre for centre in all_centres if _matches(centre, filters, in_country)],
        member=member_of(request),
        here=position,
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
    context = {
        "form": form,
        "near": near,
        "asked": filters,
        "found": shown,
        "unknown": is_unknown,
        "has_position": position is not None,
        "pins": locator.map_pins(shown[:MAX_MAP_PINS]),
        "chips": _filter_chips(request, filters, counts),
    }
    return render(request, "servicing/centres.html", context)


@require_safe
@login_not_required
def centre_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One centre: opening hours, services and what the member gets there."""
    centre = get_object_or_404(ServiceCentre, slug=slug)
    now = timezone.now()
    (located,) = locator.locate_centres([centre], member=member_of(request), here=None, at=now)
    context = {
        "found": located,
        "centre": centre,
        "week": calendars.list_week(centre.calendar, today=centre.today(now)),
        "special_days": calendars.list_special_days(centre.calendar, centre.today(now))[:MAX_SPECIAL_DAYS_SHOWN],
        "local_time": now.astimezone(centre.calendar.zone),
    }
    return render(request, "servicing/centre.html", context)


def _resolve_place(
    filters: dict[str, Any], near: str, centres: list[ServiceCentre]
) -> tuple[Position | None, str, bool]:
    """The position and the country code to search by, and whether the typed place is unknown."""
    if filters["lat"] is not None and filters["lon"] is not None:
        return Position(filters["lat"], filters["lon"]), "", False
    if not near:
        return None, "", False
    text = fold(near)
    for centre in centres:
        if text in {fold(centre.city), fold(centre.name)}:
            return locator.position_of(centre), "", False
    for centre in centres:
        if text in {fold(str(centre.country.name)), fold(centre.country.code)}:
            return None, centre.country.code, False
    return None, "", True


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
