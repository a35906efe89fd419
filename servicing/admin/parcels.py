"""Where a product returns to, entered by staff, and shipments that are corrected (R61)."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.lib.errors import Refusal
from members.forms.common import add_refusal
from servicing.actions import shipping
from servicing.actions.events import Actor
from servicing.admin.shipping import ShipPage
from servicing.forms.packing import shipment_form
from servicing.forms.returning import SHOW_COUNTRY, return_forms
from servicing.models import Carrier, Shipment, Ticket


class ParcelPages(ShipPage):
    """Adds the pages of a return address and of a shipment."""

    return_template = "admin/servicing/ticket/return.html"
    shipment_template = "admin/servicing/ticket/shipment.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/return/", view(self.return_view), name="servicing_ticket_return"),
            path("<int:pk>/shipment/<int:shipment>/", view(self.shipment_view), name="servicing_ticket_shipment"),
            *super().get_urls(),
        ]

    def return_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enter or change the address until the product has left. `next=ship` leads back to the page for shipping."""
        ticket = self._workable(request, pk)
        if not shipping.may_change_return(ticket):
            self.message_user(request, gettext("It has left already: its address can’t be changed."), messages.WARNING)
            return HttpResponseRedirect(_job(ticket))
        typed = request.POST if request.method == "POST" else None
        form, address = return_forms(typed, ticket=ticket)
        if typed and request.POST.get("go") == SHOW_COUNTRY:
            address = address.without_errors()
        elif typed and self._save_return(request, ticket, form, address):
            is_shipping = request.GET.get("next") == "ship"
            return HttpResponseRedirect(reverse("admin:servicing_ticket_ship") if is_shipping else _job(ticket))
        title = gettext("Where %(job)s goes back to") % {"job": ticket.reference_in_groups}
        context = {**self._page(request, title), "ticket": ticket, "form": form, "address": address, "go": SHOW_COUNTRY}
        return TemplateResponse(request, self.return_template, context)

    def _save_return(self, request: HttpRequest, ticket: Ticket, form: Any, address: Any) -> bool:
        bound = [form, address] if form.is_sent else [form]
        if sum(each.is_valid() for each in bound) < len(bound):  # each is asked, so that all errors are shown
            return False
        try:
            shipping.change_address(
                parcel=ticket.parcel,
                address=address.address if form.is_sent else None,
                phone="" if form.is_sent else ticket.parcel.phone,
                actor=Actor(user=self._worker(request)),
                at=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, ticket, gettext("Return address changed"))
        self.message_user(request, gettext("Saved."), messages.SUCCESS)
        return True

    def shipment_view(self, request: HttpRequest, pk: int, shipment: int) -> HttpResponse:
        """Correct the carrier, the number or the day of a box of this job."""
        ticket = self._workable(request, pk)
        box = get_object_or_404(ticket.shipments.select_related("carrier"), pk=shipment)
        form = shipment_form(request.POST if request.method == "POST" else None, box)
        if form.is_bound and form.is_valid() and self._correct(request, ticket, box, form):
            return HttpResponseRedirect(_job(ticket))
        context = {
            **self._page(request, gettext("Correct a shipment")),
            "ticket": ticket,
            "shipment": box,
            "in_the_box": Ticket.objects.seen_by(self._worker(request)).filter(shipments=box).select_related("product"),
            "form": form,
            "carriers": Carrier.objects.filter(is_offered=True),
        }
        return TemplateResponse(request, self.shipment_template, context)

    def _correct(self, request: HttpRequest, ticket: Ticket, box: Shipment, form: Any) -> bool:
        actor = Actor(user=self._worker(request))
        try:
            shipping.correct_shipment(
                ticket=ticket, shipment=box, tracking=form.tracking_facts, actor=actor, at=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, ticket, gettext("Tracking corrected"))
        self.message_user(request, gettext("Corrected. The job’s timeline has it."), messages.SUCCESS)
        return True

    def _workable(self, request: HttpRequest, pk: int) -> Ticket:
        """A job this person may work on. Raises Http404 at another centre, PermissionDenied for their own."""
        user = self._worker(request)
        related = ("product", "member__user", "visitor", "centre", "parcel__centre")
        ticket = self.get_queryset(request).select_related(*related).filter(pk=pk).first()
        if ticket is None:
            raise Http404
        if ticket.person and ticket.person.user_id == user.pk:
            raise PermissionDenied
        return ticket


def _job(ticket: Ticket) -> str:
    return reverse("admin:servicing_ticket_change", args=[ticket.pk])
