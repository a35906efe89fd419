"""Forms for Welcome Packs in the admin (R37, R38, R54)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.sheet_forms import CsvFileForm
from cps_portal.core.lib.spreadsheets import LineError, SheetRow, whole_number
from cps_portal.core.lib.text import clean_code, latin_digits
from members.offers.actions.pack_files import ReportLine
from members.offers.actions.packs import Report
from members.offers.enums import PARTNER_STEPS, PackStep, ReturnReason
from members.offers.forms.packs import PackForm

COLUMNS = ["reference", "sending", "kind", "occurred_at", "carrier", "tracking", "tracking_url", "reason"]
REQUIRED_COLUMNS = COLUMNS[:4]
MAX_LENGTHS = {"carrier": 60, "tracking": 60, "tracking_url": 300}
ERRORS: dict[str, Any] = {
    "reference": _("“%(value)s” isn’t a Welcome Pack reference."),
    "sending": _("The sending has to be a number, starting at 1."),
    "kind": _("The kind has to be one of %(kinds)s, not “%(value)s”."),
    "occurred_at": _("“%(value)s” isn’t a date or time. Use 2026-03-02T09:30:00Z, or only the date."),
    "long": _("Use at most %(n)d characters."),
    "url": _("The tracking page has to start with https://."),
    "reason": _("Enter the reason for the return: one of %(reasons)s."),
}


class ResendForm(PackForm):
    """The member's address form for use in the admin: the same rules, without htmx and autocompletion (R37)."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        widget = self.fields["country"].widget
        widget.attrs = {name: value for name, value in widget.attrs.items() if not name.startswith("hx-")}
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"


class ReportFileForm(CsvFileForm):
    """A file of reports. Lines with errors are listed in `problems`, all others in `lines`."""

    max_lines = 2000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].label = _("File from the fulfilment partner")
        self.lines: list[ReportLine] = []
        self.problems: list[LineError] = []

    def required_columns(self) -> Sequence[str]:
        return REQUIRED_COLUMNS

    def read_rows(self, header: Sequence[str], rows: Sequence[SheetRow]) -> None:
        for row in rows:
            self._read_row(row)

    def _read_row(self, row: SheetRow) -> None:
        if row.problem:
            self.problems.append(LineError(row.line, row.column, row.problem))
            return
        try:
            self.lines.append(_parse_row(row.line, {name: row.cells.get(name, "") for name in COLUMNS}))
        except ValidationError as error:
            ((column, (message, *_more)),) = error.message_dict.items()
            self.problems.append(LineError(row.line, column, message))


def _parse_row(number: int, cells: dict[str, str]) -> ReportLine:
    """Raises ValidationError for the first column with an error."""
    reference = parse_reference(cells["reference"])
    if not reference:
        raise ValidationError({"reference": ERRORS["reference"] % {"value": cells["reference"][:20]}})
    sent = whole_number(cells["sending"])
    if not (sent.isascii() and sent.isdigit() and len(sent) < 5):
        raise ValidationError({"sending": ERRORS["sending"]})
    if cells["kind"] not in PARTNER_STEPS:
        raise ValidationError(
            {"kind": ERRORS["kind"] % {"value": cells["kind"][:20], "kinds": ", ".join(PARTNER_STEPS)}}
        )
    moment = _parse_moment(cells["occurred_at"])
    cells["tracking"] = latin_digits(cells["tracking"])  # the carrier’s page is looked up by it
    for name, max_length in MAX_LENGTHS.items():
        if len(cells[name]) > max_length:
            raise ValidationError({name: ERRORS["long"] % {"n": max_length}})
    if cells["tracking_url"] and not cells["tracking_url"].startswith("https://"):
        raise ValidationError({"tracking_url": ERRORS["url"]})
    if cells["kind"] == PackStep.RETURNED and cells["reason"] not in ReturnReason.values:
        raise ValidationError({"reason": ERRORS["reason"] % {"reasons": ", ".join(ReturnReason.values)}})
    data = {name: cells[name] for name in COLUMNS[4:] if cells[name]}
    sending = int(sent)
    report = Report(PackStep(cells["kind"]), sending, moment, f"{reference}-{sending}-{cells['kind']}", data)
    return ReportLine(number, reference, report)


def _parse_moment(text: str) -> datetime:
    try:
        moment = parse_datetime(clean_code(text).strip())
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError({"occurred_at": ERRORS["occurred_at"] % {"value": text[:30]}})
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
