"""The columns of a file of events (R52, R54)."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField, MultiLineField
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.sheet_forms import DayField, RowForm, SheetForm, YesNoField
from cps_portal.core.lib.text import clean_code, latin_digits
from servicing.actions import shipping
from servicing.enums import REPORTED_KINDS, EventKind, WhyNoCharge, WhyNoWarranty, WhyOtherFault
from servicing.forms.ticket_steps import MAX_ACCESSORIES_LENGTH, MAX_CONDITION_LENGTH
from servicing.models import ServiceCentre

MAX_CELL_LENGTH = 100
NEEDED = {  # what a kind cannot do without, and what to do then
    EventKind.WARRANTY_DECIDED: ("in_warranty", _("Say what was decided: yes or no.")),
    EventKind.NO_CHARGE: ("why_no_charge", _("Say why there is no charge.")),
    EventKind.SERIAL_CHANGED: ("serial", _("Write the number that is on the product now.")),
    EventKind.OTHER_FAULT: ("why_other_fault", _("Say why it is another fault.")),
}


class CodeField(forms.ChoiceField):
    """One of some codes; help and error name them. `of` is the kind of event that it belongs to."""

    def __init__(self, codes: list[str], *, of: str = "", **kwargs: Any) -> None:
        self.codes = codes
        sentence = _("{kind}: one of {codes}.") if of else _("One of {codes}.")
        help_text = format_lazy(sentence, kind=of, codes=", ".join(codes))
        super().__init__(choices=[(code, code) for code in codes], help_text=help_text, **kwargs)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).strip().lower()

    def validate(self, value: Any) -> None:
        if value and value not in self.codes:
            sentence = _("“%(value)s” isn’t one of %(values)s.")
            raise ValidationError(sentence, params={"value": value[:20], "values": ", ".join(self.codes)}, code="code")
        super().validate(value)


class EventRowForm(RowForm):
    """The columns of an event: the fields of `recordTicketEvent`."""

    reference = forms.CharField(max_length=20, help_text=_("The reference of the job."))
    kind = CodeField([kind.value for kind in REPORTED_KINDS])
    occurred_at = LineField(
        max_length=40, help_text=_("When it happened: 2026-03-31 14:30, in the centre’s time, or with a time zone.")
    )
    external_id = LineField(
        max_length=MAX_CELL_LENGTH,
        required=False,
        help_text=_("The centre’s own number of the event. Without one, kind and time tell it from others."),
    )
    condition = MultiLineField(
        max_length=MAX_CONDITION_LENGTH, required=False, help_text=_("booked_in: its condition on arrival.")
    )
    accessories = LineField(
        max_length=MAX_ACCESSORIES_LENGTH, required=False, help_text=_("booked_in: what came with it.")
    )
    in_warranty = YesNoField(required=False, help_text=_("warranty_decided: yes or no."))
    why = CodeField(WhyNoWarranty.values, of=EventKind.WARRANTY_DECIDED.value, required=False)
    proof_seen = YesNoField(required=False, help_text=_("warranty_decided: yes if the proof of purchase was shown."))
    why_no_charge = CodeField(WhyNoCharge.values, of=EventKind.NO_CHARGE.value, required=False)
    why_other_fault = CodeField(WhyOtherFault.values, of=EventKind.OTHER_FAULT.value, required=False)
    serial = forms.CharField(
        max_length=40, required=False, help_text=_("serial_changed: the number that is on the product now.")
    )
    insisted = YesNoField(
        required=False,
        help_text=_("serial_changed: yes if an unusual number was compared with the product."),
    )
    carrier = LineField(max_length=shipping.MAX_CARRIER_LENGTH, required=False, help_text=_("shipped: the carrier."))
    tracking = LineField(max_length=60, required=False, help_text=_("shipped: the tracking number."))
    tracking_url = forms.CharField(
        max_length=shipping.MAX_URL_LENGTH, required=False, help_text=_("shipped: begins with https://.")
    )
    expected_on = DayField(
        required=False, help_text=_("shipped: the day on which it should arrive, such as 2026-03-31.")
    )
    loan_stays_out = YesNoField(
        required=False, help_text=_("closed, cancelled: yes if the customer keeps the loan for now.")
    )

    def clean_reference(self) -> str:
        reference = parse_reference(self.cleaned_data["reference"])
        if not reference:
            raise ValidationError(_("This isn’t the reference of a job. Copy it from the job’s page."))
        return reference

    def clean_occurred_at(self) -> Any:
        text: str = self.cleaned_data["occurred_at"]
        try:
            moment = parse_datetime(clean_code(text).strip())
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError(_("“%(value)s” isn’t a time. Write it like 2026-03-31 14:30.") % {"value": text[:30]})
        try:
            return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
        except (OverflowError, ValueError):
            raise ValidationError(_("This can’t be right. Check the year.")) from None

    def clean_serial(self) -> str:
        return clean_code(self.cleaned_data["serial"]).strip()

    def clean_tracking(self) -> str:
        return latin_digits(self.cleaned_data["tracking"])

    def clean_tracking_url(self) -> str:
        url: str = self.cleaned_data["tracking_url"].strip()
        if url and not url.startswith("https://"):
            raise ValidationError(_("The tracking page has to start with https://."))
        return url

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needed, sentence = NEEDED.get(cleaned.get("kind", ""), ("", ""))
        if needed and needed not in self.errors and cleaned.get(needed) in (None, ""):
            self.add_error(needed, ValidationError(sentence))
        for name in ("proof_seen", "insisted", "loan_stays_out"):
            cleaned[name] = bool(cleaned.get(name))
        return cleaned


class EventFileForm(SheetForm):
    """For the centres that somebody may work for."""

    row_form = EventRowForm
    centre = forms.ModelChoiceField(
        ServiceCentre.objects.none(),
        label=_("Service centre"),
        error_messages={"required": _("Choose the centre whose jobs these are.")},
    )
    field_order = ["centre", "file", "text"]

    def __init__(self, *args: Any, centres: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["centre"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = centres
        if len(centres) == 1:
            field.initial = centres[0]
