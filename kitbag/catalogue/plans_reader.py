"""Read a CSV file of planned changes into plain values; report where and why rows are bad (R22)."""

import re
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cps_portal.core.lib.spreadsheets import SheetRow, UnreadableSheet, read_sheet, whole_number
from cps_portal.core.lib.text import clean_code
from kitbag.catalogue.reader import MAX_POINTS, SLUG, BadRow, UnreadableFile
from kitbag.enums import Stage

NEEDED = ("product", "stage", "successor", "effective_on")
COLUMNS = (*NEEDED, "points")
MAX_ROWS = 5_000
MAX_BYTES = 1024 * 1024
DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{2})[-/.]([0-9]{2})(?:[ T]00:00(?::00)?)?")  # some sheets add a time of day


@dataclass(frozen=True)
class PlanRecord:
    """A row. Products are named by their slugs; `successor` is "" for none."""

    line: int
    product: str
    stage: Stage
    successor: str
    effective_on: date
    points: int | None


class _Bad(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def read_plans(data: bytes) -> tuple[list[PlanRecord], list[BadRow]]:
    """The good rows and the bad ones. Raises UnreadableFile, with a text for the user, if no row can be used."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            _("The file is larger than %(megabytes)s MB. Load it in parts.") % {"megabytes": MAX_BYTES // 1024**2}
        )
    try:
        header, rows = read_sheet(data)
    except UnreadableSheet as error:
        raise UnreadableFile(str(error)) from error
    _check_header(header)
    _check_number(rows)
    good: dict[tuple[str, date], PlanRecord] = {}
    bad: list[BadRow] = []
    for row in rows:
        try:
            record = _record(row)
            _once(record, good)
        except _Bad as mistake:
            bad.append(BadRow(row.line, mistake.column, mistake.reason))
            continue
        good[record.product, record.effective_on] = record
    return list(good.values()), bad


def _once(record: PlanRecord, good: dict[tuple[str, date], PlanRecord]) -> None:
    if first := good.get((record.product, record.effective_on)):
        raise _Bad("product", _("The same product and day are on line %(line)s already.") % {"line": first.line})


def _check_number(rows: list[SheetRow]) -> None:
    if not rows:
        raise UnreadableFile(_("There is no row below the column names."))
    if len(rows) > MAX_ROWS:
        raise UnreadableFile(
            _("The file has %(rows)s rows; at most %(most)s are read at once. Load it in parts.")
            % {"rows": len(rows), "most": MAX_ROWS}
        )


def _check_header(header: list[str]) -> None:
    if missing := [name for name in NEEDED if name not in header]:
        raise UnreadableFile(
            _("These columns are missing from the first line: %(names)s. Start from the sample file.")
            % {"names": ", ".join(missing)}
        )
    if unknown := [name for name in header if name not in COLUMNS]:
        raise UnreadableFile(
            _("The first line has unknown columns: %(names)s. Remove them, or start from the sample file.")
            % {"names": ", ".join(name[:30] or "–" for name in unknown[:10])}
        )
    if len(set(header)) < len(header):
        raise UnreadableFile(_("The first line names a column twice."))


def _record(row: SheetRow) -> PlanRecord:
    if row.problem:
        raise _Bad(row.column, row.problem)
    cells = row.cells
    return PlanRecord(
        line=row.line,
        product=_slug("product", cells["product"]),
        stage=_stage(cells["stage"]),
        successor=_slug("successor", cells["successor"]) if cells["successor"] else "",
        effective_on=_day(cells["effective_on"]),
        points=_points(cells.get("points", "")),
    )


def _slug(column: str, text: str) -> str:
    if not text:
        raise _Bad(column, _("Enter the product’s slug, such as eos-r5."))
    if len(text) > 120 or not SLUG.fullmatch(text):
        raise _Bad(column, _("“%(text)s” is not a slug: small letters, digits and hyphens.") % {"text": text[:40]})
    return text


def _stage(text: str) -> Stage:
    try:
        return Stage(text.lower())
    except ValueError:
        raise _Bad(
            "stage",
            _("“%(text)s” is not a stage: write %(stages)s.")
            % {"text": text[:40], "stages": ", ".join(stage.value for stage in Stage)},
        ) from None


def _day(text: str) -> date:
    bad = _Bad("effective_on", _("“%(text)s” is not a day: write it as 2027-03-01.") % {"text": text[:40]})
    match = DAY.fullmatch(clean_code(text))
    if not match:
        raise bad
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError:
        raise bad from None


def _points(text: str) -> int | None:
    if not text:
        return None
    text = whole_number(text)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MAX_POINTS):
        raise _Bad(
            "points",
            _("“%(text)s” is not a whole number from 0 to %(most)s.") % {"text": text[:20], "most": MAX_POINTS},
        )
    return int(text)
