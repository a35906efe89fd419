"""The loan units of a centre and their loans. Centre staff see only their own centre's (R53)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.forms import Form, ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, TranslatedAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_code
from members.forms.common import add_refusal
from members.models import Member
from servicing.actions import loans
from servicing.actions.events import Actor
from servicing.admin.loan_desk import WORK, LoanDesk
from servicing.enums import LoanState
from servicing.forms.loans import ExtendForm, HandOutForm, TakeBackForm
from servicing.models import Loan, LoanUnit, ServiceCentre

FORMS: dict[str, type[Form]] = {"hand_out": HandOutForm, "extend": ExtendForm, "take_back": TakeBackForm}


@admin.register(LoanUnit)
class LoanUnitAdmin(TranslatedAdmin, PortalModelAdmin[LoanUnit]):
    list_display = ["product", "serial", "centre", "in_pool", "lent", "sample", "not_translated"]
    list_filter = ["in_pool", "centre", "sample"]
    list_select_related = ["product", "centre"]
    search_fields = ["serial", "product__name"]
    autocomplete_fields = ["product"]
    fields = ["centre", "product", "serial", "condition", "in_pool", "translations"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoanUnit]:
        return LoanUnit.objects.seen_by(_user(request)).with_lent()

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "centre":
            kwargs["queryset"] = ServiceCentre.objects.seen_by(_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("lent"), boolean=True)
    def lent(self, unit: LoanUnit) -> bool:
        return bool(getattr(unit, "is_lent", False))


@admin.register(Loan)
class LoanAdmin(LoanDesk):
    """Handed out, extended, taken back and cancelled by buttons that call the actions."""

    change_form_template = "admin/servicing/loan/change_form.html"
    list_display = ["unit", "ticket", "member_name", "state", "due_back", "overdue"]
    ordering = ["-pk"]
    list_filter = ["state", "unit__centre", "due_back"]
    list_select_related = ["unit__product", "unit__centre", "ticket__parcel", "member"]
    search_fields = ["unit__serial", "unit__product__name"]
    search_help_text = _("Reference of the job, serial number, product or member")
    fields = [
        "unit",
        "ticket",
        "member_name",
        "state",
        "reserved_at",
        "agreed_at",
        "agreement",
        "out_at",
        "condition_out",
        "due_back",
        "returned_at",
        "condition_in",
        "cancelled_at",
        "by",
    ]
    readonly_fields = ["member_name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Loan]:
        return Loan.objects.seen_by(_user(request)).order_by("due_back", "-reserved_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Loan], search_term: str
    ) -> tuple[QuerySet[Loan], bool]:
        if reference := parse_reference(search_term):
            return queryset.filter(ticket__reference=reference), False
        return super().get_search_results(request, queryset, search_term)

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(unit__serial__icontains=clean_code(term)),
            Q(unit__product__name__icontains=term),
        ]

    @admin.display(description=_("member"))
    def member_name(self, loan: Loan) -> str:
        return loan.member.full_name

    @admin.display(description=_("overdue"), boolean=True)
    def overdue(self, loan: Loan) -> bool:
        return loan.is_overdue(loan.unit.centre.today(timezone.now()))

    def get_urls(self) -> list[URLPattern]:
        operate = require_POST(self.admin_site.admin_view(self.operate))
        return [path("<int:pk>/operate/", operate, name="servicing_loan_operate"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        loan = kwargs.get("obj")
        if loan is not None:
            forms = {name: form() for name, form in FORMS.items()} | getattr(request, "bound", {})
            context |= {"forms": forms, "may_work": request.user.has_perm(WORK)}
        return super().render_change_form(request, context, *args, **kwargs)

    def operate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Call the action of the pressed button. If it is refused, show the form again with its data and errors."""
        if not request.user.has_perm(WORK):
            raise PermissionDenied
        loan = get_object_or_404(self.get_queryset(request), pk=pk)
        button = request.POST.get("do", "")
        form = FORMS.get(button, Form)(request.POST)
        if form.is_valid():
            try:
                message = self._perform(request, loan, button, form.cleaned_data)
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                self.log_change(request, loan, message)
                self.message_user(request, message, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:servicing_loan_change", args=[loan.pk]))
        for error in form.non_field_errors():
            self.message_user(request, str(error), messages.ERROR)
        request.method = "GET"  # because a read-only admin refuses a POST; `bound` keeps the typed data
        request.bound = {button: form}  # type: ignore[attr-defined]
        return self.change_view(request, str(pk))

    def _perform(self, request: HttpRequest, loan: Loan, button: str, data: dict[str, Any]) -> str:
        actor, now = Actor(user=_user(request)), timezone.now()
        match button:
            case "hand_out":
                loan = loans.hand_out(
                    loan=loan, condition=data["condition"], due_back=data["due_back"], actor=actor, at=now
                )
            case "extend":
                loan = loans.extend(loan=loan, due_back=data["due_back"], actor=actor, at=now)
            case "take_back":
                loan = loans.take_back(loan=loan, condition=data["condition"], actor=actor, at=now)
            case "cancel":
                loan = loans.cancel(loan=loan, actor=actor, at=now)
            case _:
                raise Refusal("unknown", _("Choose one of the buttons."))
        return f"{LoanState(loan.state).label}, {loan.due_back or ''}".rstrip(", ")


def _user(request: HttpRequest) -> Any:
    return request.user


@admin.register(event_model(LoanUnit))
class LoanUnitEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product}, {event.serial}"


admin.site.register(event_model(Loan), EventAdmin)
