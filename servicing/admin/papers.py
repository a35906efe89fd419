"""The job sheet and the return label on one page; the browser prints only the papers (R61)."""

from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from servicing.admin.arrivals import ArrivalPages
from servicing.models import load_calendars
from servicing.presenters.job_papers import MAX_PRINTED, ONLY_LABELS, job_sheets, return_labels


class PaperPages(ArrivalPages):
    """Adds the page of papers. `t` in the query string names the jobs; with `only=labels` no sheets are printed."""

    print_template = "admin/servicing/ticket/print.html"

    def get_urls(self) -> list[URLPattern]:
        view = require_safe(self.admin_site.admin_view(self.print_view))
        return [path("print/", view, name="servicing_ticket_print"), *super().get_urls()]

    def print_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        keys = {int(text) for text in request.GET.getlist("t")[:MAX_PRINTED] if text.isdecimal() and len(text) < 19}
        related = ("product", "member", "visitor", "centre", "parcel", "registration", "technician")
        tickets = list(self.get_queryset(request).filter(pk__in=keys).select_related(*related).order_by("pk"))
        if not tickets:
            raise Http404
        load_calendars(ticket.centre for ticket in tickets)
        with timezone.override(ZoneInfo(tickets[0].centre.zone)):
            context = {
                **self._page(request, gettext("Job sheet and return label")),
                "tickets": tickets,
                "sheets": [] if request.GET.get("only") == ONLY_LABELS else job_sheets(tickets, timezone.now()),
                "labels": return_labels(tickets),
            }
            return TemplateResponse(request, self.print_template, context).render()
