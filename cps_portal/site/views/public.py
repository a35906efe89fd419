"""The pages that draw on all apps: public home, dashboard, help, terms, privacy."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from cps_portal.core.lib.countries import is_country, list_countries
from cps_portal.core.lib.etags import etag_of, not_modified, with_etag
from cps_portal.core.lib.kept_pages import Kept, kept_for_visitors
from cps_portal.site.presenters import dashboard as dashboards
from cps_portal.site.presenters.help import build_topics, find_answers, help_facts
from cps_portal.site.presenters.retention import privacy_periods
from kitbag.queries.catalogue_counts import count_products
from members.access import MemberRequest, member_of, member_required, newest_terms
from members.enums import Level, Programme, ServiceLevel
from members.middleware import PASSKEY_OFFER_KEY
from members.models import CountryProgramme, LevelBenefit, LevelThreshold
from members.offers.models import PackItem
from servicing.models import ServiceCentre

MAX_QUERY_LENGTH = 100
# What the public pages show. tests/site/test_kept_pages.py holds that they read nothing else.
OF_THE_PROGRAMME = Kept(LevelBenefit, LevelThreshold, CountryProgramme, ServiceCentre, PackItem, figures=count_products)


def public_numbers() -> dict[str, Any]:
    """What the public pages say of the programme, from the data and never typed (R57)."""
    products = count_products()
    full = LevelBenefit.objects.filter(service_level=ServiceLevel.FULL, country="")
    programmes = list(CountryProgramme.objects.in_force())
    return {
        "products": products.registrable,
        "fast_track_products": products.fast_track,
        "fastest_days": full.aggregate(days=Min("fast_track_days"))["days"],
        "free_countries": sum(row.kind == Programme.FREE for row in programmes),
        "silver_countries": sum(row.service_level == ServiceLevel.SILVER for row in programmes),
        "subscription_countries": sum(row.kind == Programme.SUBSCRIPTION for row in programmes),
        "countries": len(programmes),
        "centres": ServiceCentre.objects.open().filter(programme=Programme.FREE).count(),
        "thresholds": LevelThreshold.objects.in_force(),
        "benefits": {
            row["level"]: row
            for row in full.values(
                "level",
                "fast_track_days",
                "maintenance_discount",
                "free_return",
                "courtesy_loan",
                "first_answer_hours",
            )
        },
    }


def public_context() -> dict[str, Any]:
    """The numbers, and the levels with what each gives."""
    figures = OF_THE_PROGRAMME.get("numbers", public_numbers)
    levels = [
        {
            "level": level,
            "label": Level(level).label,
            "points_from": points,
            "benefit": figures["benefits"].get(level),
        }
        for level, points in figures["thresholds"].items()
    ]
    return {"numbers": figures, "levels": levels}


def countries_by_programme() -> dict[str, list[tuple[str, str]]]:
    """Country choices by name under the programme each takes part in today (R1)."""
    kinds = {row.country.code: row.kind for row in CountryProgramme.objects.in_force()}
    return {kind: list_countries(code for code, of_code in kinds.items() if of_code == kind) for kind in Programme}


@login_not_required
@require_safe
@kept_for_visitors(OF_THE_PROGRAMME, by_minute=True)
def home(request: HttpRequest) -> HttpResponse:
    """The public home with the country chooser (R2); members go on to their dashboard."""
    if member_of(request):
        return redirect("dashboard")
    countries = countries_by_programme()
    typed = request.GET.get("country")
    valid_codes = {code for choices in countries.values() for code, _name in choices}
    error = ""
    if typed is not None and typed not in valid_codes:
        error = _("Choose a country from the list.")
    context = {
        **public_context(),
        "free_countries": countries[Programme.FREE],
        "subscription_countries": countries[Programme.SUBSCRIPTION],
        "other_countries": countries[Programme.NONE],
        "country_error": error,
    }
    return render(request, "public/home.html", context, status=422 if error else 200)


@require_safe
@vary_on_headers("HX-Request")
@never_cache
@member_required
def dashboard(request: MemberRequest) -> HttpResponse:
    """Level, your turn, points over time. While something is being checked, the page asks for its middle again."""
    now = timezone.now()
    board = dashboards.build(request.member, now)
    request.turn_count = board.totals.needing
    etag = etag_of(_stamp(board))
    context = {"board": board, "member": board.member, "etag": etag}
    if request.htmx:
        known = not_modified(request, etag) if board.checking else None
        return known or with_etag(render(request, "portal/_live.html", {**context, "is_update": True}), etag)
    may_offer = request.user.passkey_offer and not board.unconfirmed
    context["offers_passkey"] = may_offer and request.session.pop(PASSKEY_OFFER_KEY, False)
    context["greeting"] = dashboards.greeting(now) % {"name": board.member.first_name}
    context["today"] = timezone.localdate(now)
    return render(request, "portal/dashboard_new.html" if board.is_new else "portal/dashboard.html", context)


def _stamp(board: dashboards.Dashboard) -> str:
    """Changes whenever the middle of the dashboard would look different."""
    totals = board.totals
    counts = [board.member.points, totals.counting, totals.waiting, totals.needing, int(board.checking)]
    lines = [*(str(notice.key) for notice in board.news), *(task.path for task in board.other_tasks)]
    return ".".join(str(part) for part in [*counts, salted_hmac("dashboard", " ".join(lines)).hexdigest()[:12]])


@login_not_required
@require_safe
@kept_for_visitors(OF_THE_PROGRAMME, by_minute=True)
def help_page(request: HttpRequest) -> HttpResponse:
    """Questions and answers, with the numbers from the data; with ?q= those that have all of its words (R57)."""
    context = public_context()
    topics = build_topics(help_facts(context["numbers"], context["levels"]))
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY_LENGTH]
    answers = find_answers(topics, query) if query else []
    status = ngettext("%(count)s answer for “%(query)s”", "%(count)s answers for “%(query)s”", len(answers))
    if not answers:
        status = _("We found no answer for “%(query)s”. Try other words, or write to us.")
    context = {
        "topics": topics,
        "query": query,
        "answers": answers,
        "status": status % {"count": len(answers), "query": query},
    }
    return render(request, "public/help.html", context)


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """The Terms of Use in force where the member lives; with ?country= those of that country (R9)."""
    member, asked = member_of(request), request.GET.get("country", "")
    country = asked if is_country(asked) else member.country.code if member else ""
    return render(request, "public/terms.html", {**public_context(), "terms": newest_terms(country)})


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The privacy notice (R9)."""
    return render(request, "public/privacy.html", {"periods": privacy_periods()})
