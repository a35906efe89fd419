"""The admin as the desk of staff: its frame, Today, and the one box (R54)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.lib.admin import PortalAdminSite
from cps_portal.site.presenters import desk
from cps_portal.site.presenters.programme_numbers import TITLES
from cps_portal.site.queries import finder, workload
from cps_portal.site.queries.programme import NUMBERS
from cps_portal.site.views import programme, trail, view_as
from cps_portal.site.views.list_export import export_list
from cps_portal.site.views.open_case import open_case
from cps_portal.site.views.replace_card import replace as replace_card
from members.actions import staff


class DeskSite(PortalAdminSite):
    """The portal's admin site. Its pages keep their addresses; the rail and the box are on every one of them."""

    enable_nav_sidebar = False
    index_template = "admin/index.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        def view(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_view(require_safe(page))

        return [
            path("search/", self.admin_view(require_safe(self.search)), name="search"),
            path("records/", view(self.records), name="records"),
            path("keys/", self.admin_view(require_POST(self.switch_keys)), name="keys"),
            path("members/member/<int:pk>/trail/", self.admin_view(trail.trail), name="member_trail"),
            path("members/member/<int:pk>/trail.csv", self.admin_view(trail.trail_csv), name="member_trail_csv"),
            path("offers/card/<int:pk>/replace/", self.admin_view(replace_card), name="replace_card"),
            path("cases/case/open/", self.admin_view(open_case), name="cases_case_open"),
            path("members/member/<int:pk>/case/", self.admin_view(open_case), name="open_case_for"),
            path("programme/", view(programme.overview), name="programme"),
            path("programme/changes/", view(programme.changes), name="programme_changes"),
            path("programme/countries/", view(programme.countries), name="programme_countries"),
            path("programme/offers/", view(programme.offers), name="programme_offers"),
            path("programme/numbers/", view(programme.numbers), name="programme_numbers"),
            # A name each, so that the record of a download says which one it was.
            *(
                path(f"programme/numbers/{key}.csv", view(programme.numbers_csv), {"key": key}, f"programme_{key}_csv")
                for key in TITLES
            ),
            path("members/member/<int:pk>/view-as/", self.admin_view(view_as.view_as), name="member_view_as"),
            path("members/member/<int:pk>/view-as/end/", self.admin_view(view_as.end), name="member_view_end"),
            path("members/member/<int:pk>/view-as/<path:path>", self.admin_view(view_as.viewed), name="member_viewed"),
            path(
                "<slug:app_label>/<slug:model_name>/export/", self.admin_view(require_POST(export_list)), name="export"
            ),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """As Django's, made when it is first read: every page gets it, and only All records reads it."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if not context["has_permission"]:
            return context
        user: Any = request.user
        parts = [*desk.parts_for(user), desk.ALL_RECORDS]
        parts = desk.with_badges(parts, workload.read_rail(user, timezone.now()))
        main = [part for part in parts if part.icon]
        shell = {
            "parts": parts,
            "home": parts[0],
            "tabs": [*main[:-1][: desk.MAX_TABS], main[-1]],
            "current": desk.current_part(parts, request.path),
            "role": desk.role_of(user),
            "city": desk.city_of(timezone.get_current_timezone_name()),
        }
        return {**context, "shell": shell, "term": ""}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Today: what waits for whoever opens it.

        The programme opens on its overview, the administrator on both; a centre has all its work on its board.
        """
        user: Any = request.user
        if desk.works_in_centre_only(user):
            return HttpResponseRedirect(desk.parts_for(user)[0].url)
        now = timezone.now()
        sees_numbers = user.has_perm(NUMBERS)
        planning = programme.overview_context(user, now) if sees_numbers else {}
        if sees_numbers and not user.has_perm("kitbag.decide_registration"):
            context = {**planning, "title": gettext("Today"), "now": now, "is_programme": True}
            return super().index(request, {**context, **(extra_context or {})})
        queues, jobs = workload.read_queues(user, now), workload.read_jobs(user, now)
        today = {
            **planning,
            "may_start": "reviews" in queues and bool(queues["reviews"].total),
            "title": gettext("Today"),
            "summary": desk.summary([*queues.values(), *jobs.values()]),
            "queues": desk.queue_rows(queues),
            "jobs": desk.job_rows(jobs),
            "cases_due": workload.cases_due(user),
            "jobs_due": workload.jobs_due(user),
            "now": now,
        }
        return super().index(request, {**today, **(extra_context or {})})

    def records(self, request: HttpRequest) -> HttpResponse:
        """All records that the reader's rights open, by subject; those whose name has `q`."""
        context = self.each_context(request)
        term = request.GET.get("q", "").strip()[: desk.MAX_RECORDS_TERM]
        subjects = desk.records_by_subject(context["available_apps"], term)
        everything = desk.records_by_subject(context["available_apps"])
        own = {
            "title": gettext("All records"),
            "records_term": term,
            "subjects": subjects,
            "names": sorted({str(model["name"]) for subject in everything for model in subject["models"]}),
            "may_change": sum(model["is_main"] for subject in everything for model in subject["models"]),
        }
        return TemplateResponse(request, "admin/desk/records.html", {**context, **own})

    def switch_keys(self, request: HttpRequest) -> HttpResponse:
        """Switch single keys on or off for whoever is signed in, and go back to the page (WCAG 2.1.4)."""
        user: Any = request.user
        staff.switch_desk_keys(user=user, on=request.POST.get("keys") == "on")
        back = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
        return HttpResponseRedirect(f"{back if is_ours else reverse('admin:index')}#keys")

    def search(self, request: HttpRequest) -> HttpResponse:
        """The one box. Enter opens the only exact hit; while somebody types, only the hits are sent."""
        term = finder.clean_term(request.GET.get("q", ""))
        user: Any = request.user
        groups = desk.hit_groups(finder.find(user, term))
        typing = bool(getattr(request, "htmx", False))
        hit = desk.only_exact(groups)
        if hit and not typing and "all" not in request.GET:
            return open_hit(hit)
        template = "admin/desk/_found.html" if typing else "admin/desk/search.html"
        context = {
            **self.each_context(request),
            "title": gettext("Search"),
            "term": term,
            "groups": groups,
            "only": hit,
            "acts": desk.acts_for(user, hit),
            "too_short": not finder.is_long_enough(term),
            "count": sum(len(group.hits) for group in groups),
        }
        return TemplateResponse(request, template, context)


def open_hit(hit: desk.Hit) -> HttpResponseRedirect:
    """Where an exact hit of the box is opened. What staff open is recorded by the page itself, not here."""
    return HttpResponseRedirect(hit.url)
