"""The locator and a centre's own page, for members and visitors (R42)."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from members.access import member_of
from servicing.enums import CentreStatus
from servicing.forms.centres import LocatorForm
from servicing.models import ServiceCentre
from servicing.queries import locator
from servicing.queries.locator import LocatedCentre, Position

ON_THE_DIAL = 9
DAYS_OFF_SHOWN = 6


@require_safe
@login_not_required
def centres(request: HttpRequest) -> HttpResponse:
    """Centres near a place, a country or the phone, with what each gives."""
    form = LocatorForm(request.GET)
    form.is_valid()
    asked = {name: form.cleaned_data.get(name) for name in form.fields}
    rows = list(ServiceCentre.objects.prefetch_related("closures"))
    near = (asked["near"] or "").strip()
    here, in_country, unknown = _where(asked, near, rows)
    found = locator.locate_centres(
        [row for row in rows if _fits(row, asked, in_country)],
        member=member_of(request),
        here=here,
        at=timezone.now(),
    )
    kinds: dict[str, Callable[[LocatedCentre], bool]] = {
        "": lambda one: True,
        "canon": lambda one: one.is_canon,
        "partner": lambda one: not one.is_canon,
    }
    counts = {key: sum(map(test, found)) for key, test in kinds.items()}
    shown = [one for one in found if kinds[asked["only"] or ""](one)]
    if asked["discount"]:
        shown = [one for one in shown if one.gives_discount]
    if asked["now"]:
        shown = [one for one in shown if one.is_open and one.centre.status == CentreStatus.OPEN]
    context = {
        "form": form,
        "near": near,
        "asked": asked,
        "found": shown,
        "unknown": unknown,
        "has_position": here is not None,
        "pins": locator.map_pins(shown[:ON_THE_DIAL]),
        "chips": _chips(request, asked, counts),
    }
    return render(request, "servicing/centres.html", context)


@require_safe
@login_not_required
def centre(request: HttpRequest, slug: str) -> HttpResponse:
    """One centre: when it is open, what it does, what the member gets there."""
    row = get_object_or_404(ServiceCentre.objects.prefetch_related("closures"), slug=slug)
    now = timezone.now()
    (found,) = locator.locate_centres([row], member=member_of(request), here=None, at=now)
    context = {
        "found": found,
        "centre": row,
        "week": [(name, number + 1 in row.weekdays) for number, name in WEEKDAYS.items()],
        "days_off": locator.days_off_ahead(row, now)[:DAYS_OFF_SHOWN],
        "local_time": now.astimezone(row.calendar.zone),
    }
    return render(request, "servicing/centre.html", context)


def _where(asked: dict[str, Any], near: str, rows: list[ServiceCentre]) -> tuple[Position | None, str, bool]:
    """The position asked about, the country asked for, and whether what was typed is unknown."""
    if asked["lat"] is not None and asked["lon"] is not None:
        return Position(asked["lat"], asked["lon"]), "", False
    if not near:
        return None, "", False
    typed = near.casefold()
    for row in rows:
        if typed in {row.city.casefold(), row.name.casefold()}:
            return locator.position_of(row), "", False
    for row in rows:
        if typed in {str(row.country.name).casefold(), row.country.code.casefold()}:
            return None, row.country.code, False
    return None, "", True


def _fits(row: ServiceCentre, asked: dict[str, Any], in_country: str) -> bool:
    return (
        (not in_country or row.country.code == in_country)
        and (not asked["service"] or asked["service"] in row.services)
        and (not asked["shelf"] or asked["shelf"] in row.shelves)
    )


def _chips(request: HttpRequest, asked: dict[str, Any], counts: dict[str, int]) -> list[dict[str, Any]]:
    kept = {name: str(value) for name, value in request.GET.items() if name in asked and value}

    def href(**changes: str) -> str:
        query = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"?{urlencode(query)}" if query else "?"

    chips: list[dict[str, Any]] = [
        {"label": label, "count": counts[key], "href": href(only=key), "current": (asked["only"] or "") == key}
        for key, label in LocatorForm.base_fields["only"].choices  # type: ignore[attr-defined]
    ]
    for name, label in (("discount", _("Maintenance discount")), ("now", _("Open now"))):
        current = bool(asked[name])
        chips.append({"label": label, "href": href(**{name: "" if current else "1"}), "current": current})
    return chips
