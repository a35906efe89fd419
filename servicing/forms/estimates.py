"""The estimate of a job: its lines, and what else the customer reads (R62). They check format only."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField, LongText
from servicing.actions import estimates
from servicing.enums import LineKind
from servicing.forms.ticket_steps import StepForm, day_input, long_errors

Row = dict[str, Any]  # the fields of a line, as typed
NAMES = ("kind", "text", "quantity", "price", "tax_percent")
PREFIX = "lines"


class EstimateForm(StepForm):
    valid_until = forms.DateField(
        label=_("Valid until"),
        widget=day_input(),
        error_messages={
            "required": _("Say until when the member can answer."),
            "invalid": _("Write the day like 2026-03-31."),
        },
    )
    note = LongText(label=_("What was found"), rows=3, max_length=estimates.MAX_NOTE_LENGTH, required=False)
    draft = forms.CharField(required=False, widget=forms.HiddenInput)  # the version that the person began with


class LineForm(forms.Form):
    """One line of an estimate. An empty line is ignored."""

    kind = forms.ChoiceField(
        label=_("For"),
        choices=[choice for choice in LineKind.choices if choice[0] != LineKind.DISCOUNT],
        required=False,
        error_messages={"invalid_choice": _("Choose what this line is for.")},
    )
    text = LineField(
        label=_("What"), max_length=estimates.MAX_TEXT_LENGTH, required=False, error_messages=long_errors()
    )
    quantity = forms.DecimalField(
        label=_("Quantity"),
        required=False,
        widget=forms.TextInput(attrs={"size": 6, "inputmode": "decimal", "class": "input num"}),
        error_messages={"invalid": _("Write a number like 1 or 0.5.")},
    )
    price = forms.DecimalField(
        label=_("Unit price"),
        required=False,
        widget=forms.TextInput(attrs={"size": 10, "inputmode": "decimal", "class": "input num"}),
        error_messages={"invalid": _("Write the price with at most two decimals, like 120.50.")},
    )
    tax_percent = forms.DecimalField(
        label=_("Tax, %"),
        required=False,
        widget=forms.TextInput(attrs={"size": 5, "inputmode": "decimal", "class": "input num"}),
        error_messages={"invalid": _("Write a number like 15 or 7.5.")},
    )

    @property
    def is_empty(self) -> bool:
        return not self.cleaned_data.get("text") and self.cleaned_data.get("price") is None

    @property
    def line(self) -> estimates.Line:
        """What a valid form says."""
        data = self.cleaned_data
        return estimates.Line(
            kind=data["kind"],
            text=data["text"],
            quantity=_default_to(data["quantity"], 1),
            price=_default_to(data["price"], 0),
            tax_percent=_default_to(data["tax_percent"], 0),
        )

    def clean(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        if data.get("text") and data.get("price") is None and "price" not in self.errors:
            self.add_error("price", str(_("Write the unit price.")))
        return data


LineForms = forms.formset_factory(
    LineForm, extra=0, max_num=estimates.MAX_LINES, absolute_max=estimates.MAX_LINES, validate_max=True
)


def typed_rows(data: Mapping[str, str]) -> list[Row]:
    """The rows as typed, whatever they say."""
    total = data.get(f"{PREFIX}-TOTAL_FORMS", "")
    count = min(int(total), estimates.MAX_LINES) if total.isascii() and total.isdecimal() and len(total) < 4 else 0
    return [{name: data.get(f"{PREFIX}-{n}-{name}", "") for name in NAMES} for n in range(count)]


def is_blank(row: Row) -> bool:
    """Whether nothing was typed in a row but what was filled in for it."""
    return not str(row["text"]).strip() and str(row["price"]).strip() == ""


def line_forms(rows: Iterable[Row], *, has_focus: bool = True) -> Any:
    """Forms that show the rows, without complaining about what is not finished. The first blank one has the focus."""
    rows = list(rows)
    forms = LineForms(prefix=PREFIX, initial=rows)
    for form, row in zip(forms, rows, strict=True):
        if has_focus and is_blank(row):
            form.fields["text"].widget.attrs["autofocus"] = True
            break
    return forms


def filled_lines(rows: Iterable[Row]) -> list[tuple[int, estimates.Line]]:
    """The lines that can be read, each with the number of its row."""
    data: dict[str, Any] = {f"{PREFIX}-INITIAL_FORMS": "0"}
    for n, row in enumerate(rows):
        data |= {f"{PREFIX}-{n}-{name}": "" if value is None else str(value) for name, value in row.items()}
        data[f"{PREFIX}-TOTAL_FORMS"] = str(n + 1)
    if f"{PREFIX}-TOTAL_FORMS" not in data:
        return []
    typed = enumerate(LineForms(data, prefix=PREFIX))
    return [(n, form.line) for n, form in typed if form.is_valid() and not form.is_empty]


def _default_to(number: Decimal | None, default: int) -> Decimal:
    return Decimal(default) if number is None else number
