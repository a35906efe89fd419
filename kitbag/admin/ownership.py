"""Admin pages of stolen reports, their sightings, and handovers (R34, R35)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget, AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField, MultiLineField
from kitbag import rules
from kitbag.actions import stolen_reports
from kitbag.admin.staff import staff_user
from kitbag.models import Handover, Product, Sighting, StolenReport
from members.forms.common import add_refusal
from members.models import Member

LIFT = "kitbag.lift_stolenreport"


class ReportForm(forms.Form):
    """A report by staff, from the police or an insurer."""

    product = forms.ModelChoiceField(
        Product.objects.all(),
        label=_("Product"),
        widget=AutocompleteSelect(StolenReport._meta.get_field("product"), admin.site),
        error_messages={
            "required": _("Choose the product."),
            "invalid_choice": _("Choose a product from the list."),
        },
    )
    serial = forms.CharField(label=_("Serial number"), max_length=40)
    police_reference = LineField(label=_("Police reference"), max_length=stolen_reports.MAX_REFERENCE_LENGTH)
    stolen_on = forms.DateField(label=_("Stolen on"), required=False, widget=AdminDateWidget)
    note = MultiLineField(
        label=_("Where and how"),
        required=False,
        max_length=stolen_reports.MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class LiftForm(forms.Form):
    reason = LineField(
        label=_("Why is it lifted?"),
        max_length=stolen_reports.MAX_REASON_LENGTH,
        help_text=_("Kept with the report. The owner is only told that it was lifted."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("lifted", _("Lifted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(lifted_at__isnull=self.value() == "open") if self.value() else queryset


@admin.register(StolenReport)
class StolenReportAdmin(ReadOnlyAdmin[StolenReport]):
    """Read-only. Reporting and lifting are pages that call an action."""

    change_form_template = "admin/kitbag/stolen/change_form.html"
    form_template = "admin/kitbag/stolen/form.html"
    list_display = ["product", "serial_key", "member", "police_reference", "stolen_on", "reported_at", "lifted_at"]
    list_filter = [StatusFilter, "reported_at"]
    list_select_related = ["product", "member"]
    search_fields = ["serial_key"]
    search_help_text = _("Serial number, police reference, product, or the owner’s number, e-mail address or name")
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(police_reference__iexact=term),
            Q(product__name__icontains=term),
            Q(member__in=Member.objects.search(term)),
            Q(serial_key__in=rules.look_up_keys(term)),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("kitbag.add_stolenreport")

    def get_urls(self) -> list[URLPattern]:
        lift = self.admin_site.admin_view(self.lift_view)
        return [path("<int:pk>/lift/", lift, name="kitbag_stolenreport_lift"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        report = self.get_object(request, object_id)
        may_lift = report is not None and report.lifted_at is None and request.user.has_perm(LIFT)
        context = {
            **(extra_context or {}),
            "lift_url": reverse("admin:kitbag_stolenreport_lift", args=[report.pk]) if report and may_lift else "",
            "sightings": report.sightings.select_related("registration__member") if report else [],
            "registrations": stolen_reports.find_registrations(report) if report else [],
        }
        return super().change_view(request, object_id, form_url, context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A report by staff. The product doesn’t have to be registered."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ReportForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            by = staff_user(request)
            try:
                report = stolen_reports.report_by_staff(by=by, at=timezone.now(), **form.cleaned_data)
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                self.log_addition(request, report, gettext("Reported stolen."))
                self.message_user(
                    request, gettext("%(report)s: reported stolen.") % {"report": report}, messages.SUCCESS
                )
                return HttpResponseRedirect(reverse("admin:kitbag_stolenreport_change", args=[report.pk]))
        return self._form_page(request, form, title=gettext("Report stolen kit"), button=gettext("Report"))

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, then lift it (R34)."""
        if not request.user.has_perm(LIFT):
            raise PermissionDenied
        report = get_object_or_404(StolenReport.objects.select_related("product"), pk=pk)
        form = LiftForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            by = staff_user(request)
            try:
                stolen_reports.lift_report(report=report, reason=form.cleaned_data["reason"], by=by, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                self.log_change(request, report, gettext("Lifted."))
                self.message_user(
                    request, gettext("%(report)s: the report is lifted.") % {"report": report}, messages.SUCCESS
                )
                return HttpResponseRedirect(reverse("admin:kitbag_stolenreport_change", args=[report.pk]))
        title = gettext("Lift the report: %(report)s") % {"report": report}
        return self._form_page(request, form, title=title, button=gettext("Lift the report"), original=report)

    def _form_page(
        self, request: HttpRequest, form: forms.Form, *, title: str, button: str, original: StolenReport | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "button": button,
            "form": form,
            "media": self.media + form.media,
            "original": original,
        }
        return TemplateResponse(request, self.form_template, context, status=422 if form.errors else 200)


@admin.register(Sighting)
class SightingAdmin(ReadOnlyAdmin[Sighting]):
    """Where stolen kit was presented, for staff to follow up."""

    list_display = ["at", "report", "presenter", "where", "registration", "note"]
    list_filter = ["where", "at"]
    list_select_related = ["report__product", "registration__product", "registration__member"]
    search_fields = ["=report__serial_key", "=report__police_reference"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(report__serial_key__in=rules.look_up_keys(term)),
            Q(report__police_reference__iexact=term),
            Q(report__member__in=Member.objects.search(term)),
            Q(registration__member__in=Member.objects.search(term)),
        ]

    @admin.display(description=_("brought by"))
    def presenter(self, sighting: Sighting) -> str:
        if sighting.registration is None or sighting.where != "registration":
            return "–"
        return str(sighting.registration.member)


@admin.register(Handover)
class HandoverAdmin(ReadOnlyAdmin[Handover]):
    list_display = ["registration", "made_at", "expires_at", "revoked_at", "redeemed_at", "redeemed_as"]
    list_filter = ["made_at", "redeemed_at"]
    list_select_related = ["registration__product", "redeemed_as__product"]
    search_fields = ["=registration__serial", "=registration__member__number"]
    exclude = ["code_digest"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(registration__serial_key__in=rules.look_up_keys(term)),
            Q(registration__member__in=Member.objects.search(term)),
        ]


@admin.register(event_model(StolenReport))
class StolenReportEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product} {event.serial_key}"


@admin.register(event_model(Handover))
class HandoverEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "registration__product"]

    def what(self, event: Any) -> str:
        return str(event.registration)
