"""What the desk types about Welcome Packs (R37, R38, R54)."""

import csv
import io
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.reference import read_reference
from members.offers.actions.pack_files import Line, Problem
from members.offers.actions.packs import Report
from members.offers.enums import PARTNER_STEPS, PackStep, ReturnReason
from members.offers.forms.packs import PackForm

COLUMNS = ["reference", "sending", "kind", "occurred_at", "carrier", "tracking", "tracking_url", "reason"]
NEEDED = COLUMNS[:4]
MAX_LINES = 2000
MAX_BYTES = 500_000
MAX_LENGTHS = {"carrier": 60, "tracking": 60, "tracking_url": 300}
BAD: dict[str, Any] = {
    "columns": _("The first line has to name these columns: %(columns)s."),
    "csv": _("Line %(n)d can’t be read as CSV. Look for a quotation mark that is not closed."),
    "many": _("Send at most %(n)d lines at once."),
    "reference": _("“%(value)s” is no reference of a Welcome Pack."),
    "sending": _("The sending is a number, 1 for the first."),
    "kind": _("The kind is one of %(kinds)s, not “%(value)s”."),
    "occurred_at": _("“%(value)s” is no moment. Write 2026-03-02T09:30:00Z, or only the day."),
    "long": _("Use at most %(n)d characters."),
    "url": _("The tracking page begins with https://."),
    "reason": _("Say why it came back: one of %(reasons)s."),
}


class ResendForm(PackForm):
    """The member's own form of an address, filled in by the desk: by its rules, without its scripts (R37)."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        widget = self.fields["country"].widget
        widget.attrs = {name: value for name, value in widget.attrs.items() if not name.startswith("hx-")}
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"


class ReportFileForm(forms.Form):
    """The house's file, chosen or pasted. A line that cannot be read is a problem of its own; the others are read."""

    file = forms.FileField(
        label=_("The file of the house"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    text = forms.CharField(
        label=_("Or its lines"),
        required=False,
        max_length=MAX_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )
    lines: list[Line]
    problems: list[Problem]

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if not file:
            return ""
        if file.size > MAX_BYTES:
            raise ValidationError(_("The file is larger than 500 kB. Send it in parts."))
        try:
            text: str = file.read().decode()
        except UnicodeDecodeError:
            raise ValidationError(_("This is no CSV in UTF-8. Save it as “CSV UTF-8”.")) from None
        ProhibitNullCharactersValidator()(text)
        return text

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self.lines, self.problems = [], []
        if not self.errors:
            name = "file" if data["file"] else "text"
            try:
                self._read_all(data[name])
            except ValidationError as problem:
                self.add_error(name, problem)
        return data

    def _read_all(self, text: str) -> None:
        if not text.strip():
            raise ValidationError(_("Choose the file of the house, or paste its lines."))
        whole = io.StringIO(text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
        first = whole.readline()
        whole.seek(0)
        rows = csv.DictReader(whole, delimiter=";" if ";" in first else ",")
        try:
            if not set(NEEDED) <= set(rows.fieldnames or ()):
                raise ValidationError(BAD["columns"] % {"columns": ", ".join(NEEDED)})
            for count, row in enumerate(rows):
                if count == MAX_LINES:
                    raise ValidationError(BAD["many"] % {"n": MAX_LINES})
                self._read_one(rows.line_num, {name: (row.get(name) or "").strip() for name in COLUMNS})
        except csv.Error:
            raise ValidationError(BAD["csv"] % {"n": rows.line_num + 1}) from None

    def _read_one(self, number: int, cells: dict[str, str]) -> None:
        try:
            self.lines.append(_line(number, cells))
        except ValidationError as problem:
            ((column, (why, *_others)),) = problem.message_dict.items()
            self.problems.append(Problem(number, column, why))


def _line(number: int, cells: dict[str, str]) -> Line:
    """Raises ValidationError with the column at fault."""
    reference = read_reference(cells["reference"])
    if not reference:
        raise ValidationError({"reference": BAD["reference"] % {"value": cells["reference"][:20]}})
    if not (cells["sending"].isascii() and cells["sending"].isdigit() and len(cells["sending"]) < 5):
        raise ValidationError({"sending": BAD["sending"]})
    if cells["kind"] not in PARTNER_STEPS:
        raise ValidationError({"kind": BAD["kind"] % {"value": cells["kind"][:20], "kinds": ", ".join(PARTNER_STEPS)}})
    moment = _moment(cells["occurred_at"])
    for name, longest in MAX_LENGTHS.items():
        if len(cells[name]) > longest:
            raise ValidationError({name: BAD["long"] % {"n": longest}})
    if cells["tracking_url"] and not cells["tracking_url"].startswith("https://"):
        raise ValidationError({"tracking_url": BAD["url"]})
    if cells["kind"] == PackStep.RETURNED and cells["reason"] not in ReturnReason.values:
        raise ValidationError({"reason": BAD["reason"] % {"reasons": ", ".join(ReturnReason.values)}})
    data = {name: cells[name] for name in COLUMNS[4:] if cells[name]}
    sending = int(cells["sending"])
    report = Report(PackStep(cells["kind"]), sending, moment, f"{reference}-{sending}-{cells['kind']}", data)
    return Line(number, reference, report)


def _moment(typed: str) -> datetime:
    try:
        moment = parse_datetime(typed)
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError({"occurred_at": BAD["occurred_at"] % {"value": typed[:30]}})
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
