"""The forms of the desk for the service report and for the same fault again (R63, R64)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField, LongText
from servicing.actions.intake import MAX_SERIAL_LENGTH
from servicing.enums import CentreStatus, WhyOtherFault
from servicing.forms.ticket_steps import BareForm, StepForm, long_errors
from servicing.models import ServiceCentre
from servicing.models.reports import MAX_TECHNICIAN_LENGTH, MAX_TEXT_LENGTH
from servicing.queries.cover import other_centres


class ReportForm(BareForm):
    done = LongText(
        label=_("What was done"),
        rows=4,
        max_length=MAX_TEXT_LENGTH,
        error_messages={"required": _("Say what was done. If nothing was, say why.")},
        help_text=_("The customer and later owners read it: no names of people."),
    )
    parts = LongText(
        label=_("Parts used"), rows=3, max_length=MAX_TEXT_LENGTH, required=False, help_text=_("One in each line.")
    )
    notes = LongText(
        label=_("Measurements and notes"),
        rows=3,
        max_length=MAX_TEXT_LENGTH,
        required=False,
        help_text=_("For this customer only. One in each line, like “Firmware: 1.1.0, was 1.0.8”."),
    )
    technician = LineField(
        label=_("Technician or team"), max_length=MAX_TECHNICIAN_LENGTH, required=False, error_messages=long_errors()
    )


class OtherFaultForm(StepForm):
    why_other_fault = forms.ChoiceField(
        label=_("Why the last repair doesn’t cover it"),
        choices=[("", "–"), *WhyOtherFault.choices],
        error_messages={"required": _("Choose why it is another fault. The customer reads it.")},
    )


class SerialForm(StepForm):
    """The new number of a product that was replaced, or whose main board was (R64)."""

    serial = LineField(
        label=_("New serial number"),
        max_length=MAX_SERIAL_LENGTH,
        error_messages=long_errors(_("Type the number that is on the product now.")),
        help_text=_("The registration keeps its date and points, and the old number stays known."),
    )
    insisted = forms.BooleanField(label=_("It looks unusual, and I have compared it with the product"), required=False)


class FollowUpForm(BareForm):
    """Nothing to fill in, unless the centre of the job is suspended."""

    centre = forms.ModelChoiceField(
        label=_("Centre"),
        queryset=ServiceCentre.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This centre can’t take it. Choose another one.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.ticket.centre.status != CentreStatus.SUSPENDED:
            del self.fields["centre"]
            return
        keys = [centre.pk for centre in other_centres(self.ticket)]
        self.fields["centre"].queryset = ServiceCentre.objects.filter(pk__in=keys)  # type: ignore[attr-defined]
