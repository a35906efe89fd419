"""Reporting one's own product as stolen, and saying that it was found (R34)."""

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
from cps_portal.core.lib.forms import DatePartsField
from kitbag.actions import stolen
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.presenters.registrations import own
from members.access import MemberRequest, member_required
from members.forms.profile import add_refusal


class StolenForm(forms.Form):
    police_reference = forms.CharField(
        label=_("Police reference"),
        max_length=stolen.MAX_REFERENCE_LENGTH,
        help_text=_("The number that the police gave your report."),
        error_messages={
            "required": _("Type the number that the police gave the report."),
            "max_length": _("Use at most 80 characters."),
        },
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    stolen_on = DatePartsField(label=_("Day of the theft"), help_text=_("For example 31 10 2025."))
    note = forms.CharField(
        label=_("Where and how"),
        required=False,
        max_length=stolen.MAX_NOTE_LENGTH,
        help_text=_("What helps to know it again. Only our staff read this."),
        error_messages={"max_length": _("Use at most 500 characters.")},
        widget=forms.Textarea(attrs={"class": "input", "rows": "4"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["stolen_on"].error_messages["required"] = str(_("Type the day of the theft."))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def report(request: MemberRequest, pk: int) -> HttpResponse:
    row = own(request, pk)
    if row.state != RegistrationState.VALIDATED or not row.serial_key:
        messages.info(request, _t("Only a product that counts and has a serial number can be reported here."))
        return redirect(row)
    if stolen.own_report(row):
        messages.info(request, str(stolen.STANDING))
        return redirect(row)
    form = StolenForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _reported(request, row, form):
        messages.success(
            request, _t("%(product)s is reported as stolen. We tell you if it turns up.") % {"product": row.product}
        )
        return redirect(row)
    context = {"row": row, "product": row.product, "form": form}
    return render(request, "kitbag/stolen.html", context, status=422 if form.errors else 200)


def _reported(request: MemberRequest, row: Registration, form: StolenForm) -> bool:
    try:
        stolen.report_own(registration=row, by=request.user, at=timezone.now(), **form.cleaned_data)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    return True


@require_POST
@member_required
def found(request: MemberRequest, pk: int) -> HttpResponse:
    """It is back: a case asks the staff to lift the report."""
    row = own(request, pk)
    try:
        case = stolen.say_found(registration=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return redirect(row)
    messages.success(request, _t("Good news! Our staff lift the report. Your reference is %(case)s.") % {"case": case})
    return redirect(row)
