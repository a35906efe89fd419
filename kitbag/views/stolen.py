"""Report a product as stolen, or say that it has been recovered (R34)."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import DatePartsField, LineField, MultiLineField
from kitbag.actions import stolen_reports
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.views.shortcuts import get_own_registration
from members.access import MemberRequest, member_required
from members.forms.common import add_refusal


class StolenForm(forms.Form):
    police_reference = LineField(
        label=_("Police reference"),
        max_length=stolen_reports.MAX_REFERENCE_LENGTH,
        help_text=_("The number of your report at the police."),
        error_messages={
            "required": _("Type the number of your report at the police."),
            "max_length": _("Use at most %(limit_value)d characters."),
        },
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    stolen_on = DatePartsField(label=_("Day of the theft"), help_text=_("For example 31 10 2025."))
    note = MultiLineField(
        label=_("Where and how"),
        required=False,
        max_length=stolen_reports.MAX_NOTE_LENGTH,
        help_text=_("Anything that helps us recognise it. Only our staff can read this."),
        error_messages={"max_length": _("Use at most %(limit_value)d characters.")},
        widget=forms.Textarea(attrs={"class": "input", "rows": "4"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["stolen_on"].error_messages["required"] = str(_("Type the day of the theft."))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def report(request: MemberRequest, pk: int) -> HttpResponse:
    registration = get_own_registration(request, pk)
    if registration.state != RegistrationState.VALIDATED or not registration.serial_key:
        messages.info(request, _t("You can only report a product that counts and has a serial number."))
        return redirect(registration)
    if stolen_reports.find_own_report(registration):
        messages.info(request, str(stolen_reports.ALREADY_REPORTED))
        return redirect(registration)
    form = StolenForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _report(request, registration, form):
        messages.success(
            request,
            _t("%(product)s is reported as stolen. We’ll tell you if it turns up.") % {"product": registration.product},
        )
        return redirect(registration)
    context = {"registration": registration, "product": registration.product, "form": form}
    return render(request, "kitbag/stolen.html", context, status=422 if form.errors else 200)


def _report(request: MemberRequest, registration: Registration, form: StolenForm) -> bool:
    try:
        stolen_reports.report_own(registration=registration, by=request.user, at=timezone.now(), **form.cleaned_data)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    return True


@require_POST
@member_required
def report_recovered(request: MemberRequest, pk: int) -> HttpResponse:
    """The owner has it back: opens a case that asks our staff to lift the report."""
    registration = get_own_registration(request, pk)
    try:
        case = stolen_reports.request_lifting(registration=registration, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return redirect(registration)
    messages.success(
        request, _t("Good news! Our staff will lift the report. Your reference is %(case)s.") % {"case": case}
    )
    return redirect(registration)
