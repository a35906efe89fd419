"""The forms of a ticket's admin page. They check format only; the rules are in the actions (R52)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import LineField, LongText
from members.models import User
from members.support.models import CannedAnswer
from servicing.actions import messages, notes, parts, shipping
from servicing.enums import WhyNoCharge, WhyNoWarranty
from servicing.models import Part, Ticket
from servicing.models.parcels import MAX_NUMBER_LENGTH
from servicing.queries.canned_answers import canned_answers
from servicing.queries.file_access import PURPOSE

MAX_CONDITION_LENGTH = 1000
MAX_ACCESSORIES_LENGTH = 300
MAX_KEY = 2**63 - 1
URL_INPUT_SIZE = 40
CARRIERS_LIST = "carriers"  # the id of the datalist on the page of a ticket


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def long_errors(required: str | Promise = "") -> dict[str, Any]:
    too_long = {"max_length": _("Use at most %(limit_value)d characters. You have %(show_value)d.")}
    return {**too_long, "required": required} if required else too_long


Technicians = Sequence[tuple[User, int]]  # the people of the centre, each with how many open jobs they have


class StepForm(forms.Form):
    """A step that may have happened earlier. The page activates the centre's time zone, so times are local to it."""

    occurred_at = forms.DateTimeField(
        label=_("When, if earlier"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Write the day and the time, like 2026-03-31 14:30. Leave it empty for now.")},
    )

    once = forms.RegexField(
        r"^[0-9a-f]{32}$", required=False, widget=forms.HiddenInput
    )  # the same on both clicks of a double click

    def __init__(self, *args: Any, ticket: Ticket, technicians: Technicians = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticket = ticket
        self.technicians = technicians
        if "occurred_at" in self.fields:
            self.order_fields([*(name for name in self.fields if name != "occurred_at"), "occurred_at"])

    @property
    def when(self) -> datetime | None:
        occurred_at: datetime | None = self.cleaned_data.get("occurred_at")
        return occurred_at

    @property
    def external_id(self) -> str:
        once = self.cleaned_data.get("once")
        return f"desk-{self.prefix}-{once}" if once else ""


class BareForm(StepForm):
    """A step that happens now."""

    occurred_at = None  # type: ignore[assignment]


class EndForm(StepForm):
    """The end of a job. While its loan is out, that has to be confirmed (R53)."""

    loan_stays_out = forms.BooleanField(
        label=_("The customer keeps the loan for now: it comes back on the day it’s due"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.ticket.loan_out:
            self.fields["loan_stays_out"].widget = forms.HiddenInput()


class WithTechnician(StepForm):
    """A step that somebody of the centre takes on. Left empty, whoever has the job keeps it."""

    technician = forms.TypedChoiceField(
        label=_("Technician"),
        coerce=int,
        empty_value=None,
        required=False,
        error_messages={"invalid_choice": _("Choose somebody who works at this centre.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(user.pk), self._label(user, jobs)) for user, jobs in self.technicians]
        self.fields["technician"].choices = [("", _("Nobody yet")), *choices]  # type: ignore[attr-defined]

    def _label(self, user: User, jobs: int) -> str:
        has = ngettext("%(count)s job", "%(count)s jobs", jobs) % {"count": jobs}
        return f"{user.email}, {has}"

    @property
    def chosen(self) -> User | None:
        key = self.cleaned_data["technician"]
        return next((user for user, _jobs in self.technicians if user.pk == key), None)


class WorkForm(WithTechnician):
    """A step of the work at the bench."""


class TechnicianForm(WithTechnician):
    """Give the job to somebody else, or to nobody."""

    occurred_at = None  # type: ignore[assignment]


class BookInForm(StepForm):
    condition = LongText(
        label=_("Condition"),
        rows=3,
        max_length=MAX_CONDITION_LENGTH,
        required=False,
    )
    accessories = LineField(
        label=_("Came with"),
        max_length=MAX_ACCESSORIES_LENGTH,
        required=False,
        error_messages=long_errors(),
        help_text=_("Battery, strap, cards, case …"),
    )
    files = UploadsField(purpose=PURPOSE, label=_("Photos on arrival"), required=False)  # type: ignore[assignment]


class PhotosForm(StepForm):
    """Photos of what arrived, after it was booked in. A tablet offers its camera."""

    occurred_at = None  # type: ignore[assignment]
    files = UploadsField(purpose=PURPOSE, label=_("Photos"))  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].widget.attrs["capture"] = "environment"


class WarrantyForm(StepForm):
    """Who pays (R60): the member reads the reason."""

    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[("yes", _("In warranty")), ("no", _("Refused"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the two.")},
    )
    why = forms.ChoiceField(
        label=_("If refused: the reason the member reads"),
        choices=[("", "–"), *WhyNoWarranty.choices],
        required=False,
    )
    proof_seen = forms.BooleanField(label=_("The proof of purchase was shown at the counter"), required=False)


class WriteForm(StepForm):
    """A message to the customer. `seen` is the last message that was on the page when it was opened."""

    occurred_at = None  # type: ignore[assignment]
    seen = forms.IntegerField(min_value=0, max_value=MAX_KEY, required=False, widget=forms.HiddenInput)
    canned = forms.ModelChoiceField(
        label=_("Canned answer"), queryset=CannedAnswer.objects.none(), required=False, empty_label=_("None")
    )
    text = LongText(
        label=_("Message"),
        rows=4,
        max_length=messages.MAX_TEXT_LENGTH,
        error_messages={"required": _("Type your message.")},
    )
    asks = forms.BooleanField(label=_("This is a question: pause the clock until it’s answered"), required=False)
    files = UploadsField(purpose=PURPOSE, label=_("Photos or documents"), required=False)  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["canned"].queryset = canned_answers(self.ticket)  # type: ignore[attr-defined]


class NoteForm(StepForm):
    occurred_at = None  # type: ignore[assignment]
    text = LongText(
        label=_("Internal note"),
        rows=3,
        max_length=notes.MAX_NOTE_LENGTH,
        help_text=_("The customer does not see it."),
        error_messages={"required": _("Type a note.")},
    )


class ReadForm(StepForm):
    """Nothing needs an answer up to the message `seen`."""

    occurred_at = None  # type: ignore[assignment]
    seen = forms.IntegerField(min_value=1, max_value=MAX_KEY, widget=forms.HiddenInput)


class AnswerForm(StepForm):
    """The member's answer by phone or at the counter, because visiting members have no account."""

    answer = forms.ChoiceField(
        label=_("The member said"),
        choices=[("yes", _("Approved")), ("no", _("Declined"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what the member said.")},
    )


class OrderPartForm(StepForm):
    name = LineField(
        label=_("Part"),
        max_length=parts.MAX_NAME_LENGTH,
        error_messages=long_errors(_("Say which part it is.")),
    )
    expected_on = forms.DateField(
        label=_("Expected"),
        required=False,
        widget=day_input(),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
        help_text=_("Leave it empty if there is no date yet."),
    )


class PartForm(StepForm):
    """A part that was ordered and has not arrived."""

    part = forms.ModelChoiceField(
        label=_("Part"),
        queryset=Part.objects.none(),
        empty_label=None,
        error_messages={
            "required": _("Choose the part."),
            "invalid_choice": _("This part has already arrived. Choose another one."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["part"].queryset = Part.objects.filter(ticket=self.ticket, arrived_at=None)  # type: ignore[attr-defined]


class ArriveForm(WithTechnician, PartForm):
    """The last part is there, and the work goes on."""


class ExpectPartForm(PartForm):
    expected_on = forms.DateField(
        label=_("Expected"),
        required=False,
        widget=day_input(),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
        help_text=_("Leave it empty if there is no date any more."),
    )


class NoChargeForm(StepForm):
    why_no_charge = forms.ChoiceField(
        label=_("Why the customer pays nothing"),
        choices=WhyNoCharge.choices,
        error_messages={"required": _("Choose why there is no charge. The customer reads it.")},
    )


class ShipForm(StepForm):
    carrier = LineField(
        label=_("Carrier"),
        max_length=shipping.MAX_CARRIER_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"list": CARRIERS_LIST}),
        error_messages=long_errors(),
    )
    tracking = LineField(
        label=_("Tracking number"),
        max_length=MAX_NUMBER_LENGTH,
        required=False,
        error_messages=long_errors(),
    )
    tracking_url = forms.CharField(
        label=_("Tracking page"),
        max_length=shipping.MAX_URL_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "size": URL_INPUT_SIZE}),
        error_messages=long_errors(),
    )
    expected_on = forms.DateField(
        label=_("Expected"),
        required=False,
        widget=day_input(),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
    )
