"""The programme on the desk: what is planned, countries and terms, offers, and numbers over time (R54)."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.lib.spreadsheets import csv_attachment
from cps_portal.site.presenters import programme as presenter
from cps_portal.site.presenters import programme_lists, programme_numbers
from cps_portal.site.presenters.list_export import ExportedList
from cps_portal.site.queries import programme as queries
from cps_portal.site.queries.programme_numbers import read_numbers
from members.models import User

View = Callable[..., HttpResponse]
SHOWN = 6  # of each list of the overview
TEMPLATES = "admin/desk/programme"


def needs(right: str) -> Callable[[View], View]:
    """Decorator: refuse those who lack the right."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(right):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return wrapper

    return decorate


def overview_context(user: User, at: datetime) -> dict[str, Any]:
    """What the overview shows, of what the user may see: eight queries at most, besides the rights."""
    today = timezone.localdate(at)
    figures = queries.read_figures(user, at)
    lines = queries.read_countries(today) if user.has_perm("members.view_countryprogramme") else []
    plans = queries.open_threshold_plans() if user.has_perm("members.view_thresholdplan") else []
    changes = queries.open_changes(SHOWN) if user.has_perm("kitbag.view_stagechange") else []
    country_plans = queries.open_country_plans() if user.has_perm("members.view_countryplan") else []
    rows = presenter.change_rows(changes, plans, lines, country_plans, today)
    proposals = queries.open_proposals(SHOWN) if user.has_perm("kitbag.view_catalogueproposal") else []
    offers = queries.offers_in_view(at, SHOWN) if user.has_perm("offers.view_offer") else []
    return {
        "figures": figures,
        "strip": presenter.strip(figures, queries.last_ledger_check(user)),
        "summary": presenter.summary(figures, rows),
        "change_rows": rows[:SHOWN],
        "near": sum(1 for row in rows if row.tone),
        "proposals": [presenter.proposal_row(proposal) for proposal in proposals],
        "wanted": programme_lists.wanted_rows(figures.wanted, user),
        "missed_days": queries.MISSED_FOR.days,
        "level_parts": presenter.level_parts(figures) if figures.levels else [],
        "centre_bars": presenter.centre_shares(figures),
        "countries": len(lines),
        "kind_parts": programme_lists.kind_parts(lines),
        "jobs_days": queries.JOBS_FOR.days,
        "changed_days": queries.CHANGED_FOR.days,
        "countries_changed": programme_lists.countries_changed(lines, today - queries.CHANGED_FOR)[:SHOWN],
        "offer_rows": [programme_lists.offer_row(offer, at, at + queries.ENDS_SOON) for offer in offers],
    }


@needs("kitbag.view_stagechange")
def overview(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    return _page(request, "overview", gettext("Programme"), overview_context(user, timezone.now()))


@needs("kitbag.view_stagechange")
def changes(request: HttpRequest) -> HttpResponse:
    """Everything that is planned, by the day on which it applies, with what it does to members."""
    today = timezone.localdate()
    planned = queries.read_planned()
    lines = queries.read_countries(today) if request.user.has_perm("members.view_countryprogramme") else []
    rows = presenter.change_rows(planned.changes, planned.plans, lines, planned.countries, today)
    context = {
        "planned": planned,
        "touched": planned.effects.members if planned.effects else 0,
        "days": presenter.by_day(rows, planned),
        "is_cut": len(planned.changes) == queries.MAX_CHANGES,
        "max_changes": queries.MAX_CHANGES,
    }
    return _page(request, "changes", gettext("Planned changes"), context)


@needs("members.view_countryprogramme")
def countries(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    lines = queries.read_countries(timezone.localdate(now))
    terms = queries.read_terms(now) if request.user.has_perm("members.view_termsversion") else []
    in_force = [line.terms for line in terms if line.in_force]
    members = queries.members_by_country(in_force, now)
    rows = programme_lists.country_rows(lines, members, queries.open_country_plans())
    context = {
        "rows": rows,
        "kind_parts": programme_lists.kind_parts(lines),
        "countries": len(lines),
        "members": sum(n for n, _new, _accepted in members.values()),
        "terms": [(line, *programme_lists.terms_state(line)) for line in terms],
        "in_force": next((version for version in in_force if not version.country), None),
    }
    return _page(request, "countries", gettext("Countries and terms"), context)


@needs("offers.view_offer")
def offers(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = [programme_lists.offer_row(offer, now, now + queries.ENDS_SOON) for offer in queries.offers_in_view(now)]
    return _page(request, "offers", gettext("Offers"), {"groups": programme_lists.offer_groups(rows)})


@needs(queries.NUMBERS)
def numbers(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    parts = programme_numbers.parts(read_numbers(user, timezone.now()))
    return _page(request, "numbers", gettext("Numbers of the programme"), {"parts": parts})


@needs(queries.NUMBERS)
def numbers_csv(request: HttpRequest, key: str) -> HttpResponse:
    """One of the charts as a file."""
    user: Any = request.user
    part = next(part for part in programme_numbers.parts(read_numbers(user, timezone.now())) if part.key == key)
    rows = part.file_rows
    request.exported = ExportedList("", len(rows), "")  # type: ignore[attr-defined]  # StaffAccessMiddleware records it
    return csv_attachment(f"{key}.csv", part.csv_heads, rows)


def _page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    whole = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"{TEMPLATES}/{template}.html", whole)
