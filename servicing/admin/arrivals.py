"""A parcel has arrived: serial numbers are compared, and one button books everything in (R49)."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.submissions.once import run_once
from members.forms.common import add_refusal
from members.models import User
from servicing.actions import arrivals
from servicing.actions.events import Actor
from servicing.actions.intake import Stopped
from servicing.admin.parcels import ParcelPages
from servicing.forms.arrivals import ArrivalForm
from servicing.models import Ticket, load_calendars
from servicing.presenters.arrivals import arriving_products, places_used
from servicing.queries.arrivals import holder_of, parcel_tickets
from servicing.queries.file_access import PURPOSE

CHECK, BOOK_IN = "check", "book_in"


class ArrivalPages(ParcelPages):
    """Adds the page of a parcel that has arrived."""

    parcel_template = "admin/servicing/ticket/parcel.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        page = path("intake/<int:parcel>/", view(self.parcel_view), name="servicing_ticket_parcel")
        return [page, *super().get_urls()]

    def parcel_view(self, request: HttpRequest, parcel: int) -> HttpResponse:
        """`scanned` in the query string is the ticket by whose serial number the parcel was found."""
        user, now = self._worker(request), timezone.now()
        tickets = parcel_tickets(user, parcel)
        if not tickets:
            raise Http404
        with timezone.override(ZoneInfo(tickets[0].centre.zone)):  # times are shown as local time of the centre
            forms = _forms(request, tickets)
            if request.method == "POST":
                uploads = {form.ticket.pk: keep_uploads(form, "photos", by=user, at=now) for form in forms}
                try:
                    if answer := self._submit(request, user, forms, uploads, now):
                        return answer
                except Stopped as stopped:
                    return self.stopped_page(request, stopped)
            return self._parcel_page(request, tickets, forms, now)

    def _submit(
        self,
        request: HttpRequest,
        user: User,
        forms: list[ArrivalForm],
        uploads: Mapping[int, Uploads],
        now: datetime,
    ) -> HttpResponse | None:
        """Compare what was scanned, or book in. None if the page is to be shown again. Raises Stopped."""
        here = [form for form in forms if form.is_here]
        are_valid = sum(form.is_valid() for form in here) == len(here)  # each is asked, so that all errors are shown
        checked = [form.arrival() for form in here if not form.errors]
        arrivals.require_clean(checked, at=now)
        if request.POST.get("do") != BOOK_IN or not are_valid:
            return None
        if not here:
            self.message_user(request, gettext("Tick what is in the parcel."), messages.WARNING)
            return None
        return run_once(request, lambda: self._book_in(request, user, here, uploads, now))

    def _book_in(
        self,
        request: HttpRequest,
        user: User,
        forms: list[ArrivalForm],
        uploads: Mapping[int, Uploads],
        now: datetime,
    ) -> HttpResponse | None:
        found = []
        for form in forms:
            try:
                photos = files.collect(uploads=uploads[form.ticket.pk], purpose=PURPOSE, by=user, at=now)
            except Refusal as refusal:
                form.add_error("photos", str(refusal))
                continue
            found.append(form.arrival(photos))
        if len(found) < len(forms):
            return None
        booked = arrivals.book_in_parcel(arrivals=found, actor=Actor(user=user), at=now)
        for form in forms:
            if why := booked.refusals.get(form.ticket.pk):
                add_refusal(form, why)
        for ticket in booked.tickets:
            self.log_change(request, ticket, gettext("Booked in"))
        if booked.tickets:
            self.message_user(request, _booked(len(booked.tickets)), messages.SUCCESS)
        if booked.refusals:
            return None
        query = urlencode([("t", ticket.pk) for ticket in booked.tickets])
        return HttpResponseRedirect(f"{reverse('admin:servicing_ticket_print')}?{query}")

    def _parcel_page(
        self, request: HttpRequest, tickets: list[Ticket], forms: list[ArrivalForm], now: datetime
    ) -> HttpResponse:
        booked = set(
            Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets])
            .exclude(state__in=arrivals.MAY_ARRIVE)
            .values_list("pk", flat=True)
        )
        arriving = [form for form in forms if form.ticket.pk not in booked]
        holders = {
            form.ticket.pk: holder
            for form in arriving
            if arrivals.differs(form.ticket, scanned := str(form["scanned"].value() or ""))
            and (holder := holder_of(form.ticket, scanned))
        }
        load_calendars(form.ticket.centre for form in arriving)
        products = arriving_products(arriving, holders, now)
        here = [product for product in products if product.form.is_here]
        member = tickets[0].member
        context = {
            **self._page(request, gettext("Take in")),
            "parcel": tickets[0].parcel,
            "customer": member or tickets[0].visitor,
            "member": member,
            "level": tickets[0].get_level_display() if member else "",
            "places_used": places_used(member),
            "products": products,
            "others": [ticket for ticket in tickets if ticket.pk in booked],
            "due_at": max((product.due_at for product in here), default=None),
            "here": len(here),
            "all_match": bool(products) and all(product.is_same for product in products),
            "focus": next((p.ticket.pk for p in products if not p.form["scanned"].value() or p.form.errors), 0),
        }
        return TemplateResponse(request, self.parcel_template, context).render()


def _forms(request: HttpRequest, tickets: list[Ticket]) -> list[ArrivalForm]:
    """One form for each job that can be booked in."""
    found = request.GET.get("scanned", "")
    data, sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    return [
        ArrivalForm(data, sent, ticket=ticket, scanned=ticket.serial if str(ticket.pk) == found else "")
        for ticket in tickets
        if ticket.state in arrivals.MAY_ARRIVE
    ]


def _booked(count: int) -> str:
    return ngettext("%(n)s product is booked in.", "%(n)s products are booked in.", count) % {"n": count}
