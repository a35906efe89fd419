"""What the desk types about Welcome Packs (R38, R54)."""

import csv
import io
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.reference import read_reference
from cps_portal.offers.actions.by_file import Line
from cps_portal.offers.actions.packs import Report
from cps_portal.offers.enums import HOUSE_STEPS, PackStep, ReturnReason

COLUMNS = ["reference", "sending", "kind", "occurred_at", "carrier", "tracking", "tracking_url", "reason"]
MOST_LINES = 2000
LONGEST = {"carrier": 60, "tracking": 60, "tracking_url": 300}
BAD: dict[str, Any] = {
    "columns": _("The first line has to name these columns: %(columns)s."),
    "many": _("Send at most %(n)d lines at once."),
    "reference": _("“%(value)s” is no reference of a Welcome Pack."),
    "sending": _("The sending is a number, 1 for the first."),
    "kind": _("The kind is one of %(kinds)s, not “%(value)s”."),
    "occurred_at": _("“%(value)s” is no moment. Write 2026-03-02T09:30:00Z."),
    "long": _("%(column)s is too long."),
    "url": _("The tracking page begins with https://."),
    "reason": _("Say why it came back: one of %(reasons)s."),
}


class BroughtBackForm(forms.Form):
    """The lines of the house's file, pasted: what is wrong is named with its line, and the text stays."""

    text = forms.CharField(
        label=_("What the house wrote, as CSV"), max_length=500_000, strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )  # fmt: skip

    def clean_text(self) -> list[Line]:
        text: str = self.cleaned_data["text"].lstrip("\ufeff")
        rows = csv.DictReader(io.StringIO(text))
        if not rows.fieldnames or not set(COLUMNS[:4]) <= set(rows.fieldnames):
            raise ValidationError(BAD["columns"] % {"columns": ", ".join(COLUMNS[:4])})
        lines, problems = [], []
        for number, row in enumerate(rows, start=2):
            if number > MOST_LINES + 1:
                raise ValidationError(BAD["many"] % {"n": MOST_LINES})
            try:
                lines.append(_read(number, {name: (row.get(name) or "").strip() for name in COLUMNS}))
            except ValidationError as problem:
                problems.append(_("Line %(n)d: %(why)s") % {"n": number, "why": problem.message})
        if problems:
            raise ValidationError(problems[:20])
        return lines


def _read(number: int, cells: dict[str, str]) -> Line:
    reference = read_reference(cells["reference"])
    if not reference:
        raise ValidationError(BAD["reference"] % {"value": cells["reference"][:20]})
    if not (cells["sending"].isascii() and cells["sending"].isdigit() and len(cells["sending"]) < 5):
        raise ValidationError(BAD["sending"])
    if cells["kind"] not in HOUSE_STEPS:
        raise ValidationError(BAD["kind"] % {"value": cells["kind"][:20], "kinds": ", ".join(HOUSE_STEPS)})
    for name, longest in LONGEST.items():
        if len(cells[name]) > longest:
            raise ValidationError(BAD["long"] % {"column": name})
    if cells["tracking_url"] and not cells["tracking_url"].startswith("https://"):
        raise ValidationError(BAD["url"])
    if cells["kind"] == PackStep.RETURNED and cells["reason"] not in ReturnReason.values:
        raise ValidationError(BAD["reason"] % {"reasons": ", ".join(ReturnReason.values)})
    moment = _moment(cells["occurred_at"])
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
        raise ValidationError(BAD["occurred_at"] % {"value": typed[:30]})
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
