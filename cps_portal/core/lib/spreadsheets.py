"""Files for spreadsheets: CSV and .xlsx that leave, and CSV that a spreadsheet has written."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from django.http import HttpResponse
from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from cps_portal.core.lib.text import clean_code, clean_name, clean_text

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
NEGATIVE = re.compile(r"-\d+(\.\d+)?", re.ASCII)
DELIMITERS = ",;\t|"  # the first wins if a line has as many of another
BLANK = f'{DELIMITERS} "\xa0'
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*', re.IGNORECASE)  # for spreadsheets, which do not show it
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods and .numbers; .xls
MAX_LINES_PER_CELL = 20
MAX_CELL_LENGTH = 32_767  # of a workbook; a longer text would be left out


class UnreadableSheet(Exception):
    """The file is not a CSV file. Its text is for the user."""


@dataclass(frozen=True)
class LineError:
    """Why a line was not recorded, or what looks wrong about it. `column` is "" if no single one is to blame."""

    number: int
    column: str
    message: str


@dataclass(frozen=True)
class SheetRow:
    """A row with its line number, and its cells by column name; or why it can't be read.

    `column` is "" if the problem belongs to no single column.
    """

    line: int
    cells: dict[str, str] = field(default_factory=dict)
    column: str = ""
    problem: str = ""


def escape_formula(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula (CSV injection), but not before a number."""
    if NEGATIVE.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.lstrip().startswith(FORMULA_STARTS) or cell.startswith(FORMULA_STARTS) else cell


def csv_attachment(filename: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV file that spreadsheets open. It is an attachment, so that it is recorded as a download of staff (R54)."""
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{filename}"'}
    )
    response.write("\ufeff")  # without it a spreadsheet reads UTF-8 as Windows-1252
    table = csv.writer(response)
    table.writerow(columns)
    for row in rows:
        table.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return response


def write_workbook(headings: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]) -> bytes:
    """An .xlsx of one sheet. Every cell is text: no formula, no link, and numbers keep their leading zeros.

    `widths` are those of the columns, in characters. Empty cells are left out, so that numbers can be typed there.
    """
    output = io.BytesIO()
    _write_workbook(Workbook(output, {"in_memory": True}), headings, rows, widths)
    return output.getvalue()


def write_large_workbook(
    output: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]
) -> None:
    """The same into `output`. Rows are kept in a temporary file, one at a time in memory."""
    _write_workbook(Workbook(output, {"constant_memory": True}), headings, rows, widths)


def _write_workbook(
    book: Workbook, headings: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]
) -> None:
    with book:
        sheet = book.add_worksheet()
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        sheet.freeze_panes(1, 0)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if cell:
                    sheet.write_string(number, column, cell[:MAX_CELL_LENGTH], text)


def read_sheet(data: bytes) -> tuple[list[str], list[SheetRow]]:
    """The column names, as "effective_on", and the rows that are not blank. Raises UnreadableSheet.

    Understands commas, semicolons, TABs and bars; UTF-8, UTF-16 and Windows-1252; a line `sep=;`; blank lines; and
    empty columns at the end, which spreadsheets add to some rows and leave out of others.
    """
    lines = list(enumerate(re.split(r"\r\n|\r|\n", _decode(data)), start=1))
    lines = [(number, line) for number, line in lines if line.strip(BLANK)]
    if not lines:
        return [], []
    separator = SEPARATOR_LINE.fullmatch(lines[0][1])
    if separator:
        del lines[0]
    first = lines.pop(0)[1] if lines else ""
    if CONTROL.search(first):
        raise UnreadableSheet(_not_csv())
    delimiter = separator[1] if separator else _find_delimiter(first)
    header = [_column_name(name) for name in _without_empty_end(_split(first, delimiter) or [])]
    return header, list(_rows(lines, header, delimiter))


def whole_number(text: str) -> str:
    """A whole number as spreadsheets format it ("1 200", "35.0", "35,00", "٣٥") in plain digits; other text unchanged.

    A point or comma before three digits is left, because it divides thousands here and decimals there.
    """
    plain = re.sub(r"(?<=\d)[\s\u202f\u2009'’](?=\d{3}(?!\d))", "", clean_code(text).strip())
    return re.sub(r"(?<=\d)[.,]0{1,2}$", "", plain)


def _column_name(name: str) -> str:
    return re.sub(r"[\s-]+", "_", clean_name(name).lower())


def _not_csv() -> str:
    return _("This is not a CSV file. Save it as “CSV UTF-8” and load it again.")


def _decode(data: bytes) -> str:
    if data.startswith(WORKBOOKS):
        raise UnreadableSheet(_("This is a workbook, not a CSV file. Save it as “CSV UTF-8” and load it again."))
    for encoding in _encodings(data[:3]):
        try:
            return data.decode(encoding).lstrip("\ufeff")  # programs put a second mark before the first
        except UnicodeDecodeError:
            continue
    raise UnreadableSheet(_not_csv())


def _encodings(head: bytes) -> tuple[str, ...]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if head.startswith(codecs.BOM_UTF8):
        return ("utf-8",)
    if head[:1] == b"\0":
        return ("utf-16-be",)
    if head[1:2] == b"\0":
        return ("utf-16-le",)
    return ("utf-8", "cp1252")


def _find_delimiter(line: str) -> str:
    return max(DELIMITERS, key=lambda delimiter: len(_split(line, delimiter) or []))


def _split(text: str, delimiter: str) -> list[str] | None:
    """The cells of one row. None if it is not exactly one, such as when a quotation mark is not closed."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return [cell.strip() for cell in rows[0]] if len(rows) == 1 else None


def _without_empty_end(cells: list[str], least: int = 0) -> list[str]:
    while len(cells) > least and not cells[-1]:
        cells = cells[:-1]
    return cells


def _rows(lines: list[tuple[int, str]], header: list[str], delimiter: str) -> Iterator[SheetRow]:
    at = 0
    while at < len(lines):
        cells, used = _read_cells([line for _number, line in lines[at : at + MAX_LINES_PER_CELL]], delimiter)
        yield _as_row(lines[at][0], cells, header)
        at += used


def _read_cells(lines: list[str], delimiter: str) -> tuple[list[str] | None, int]:
    """The cells that begin on the first line, and how many lines they take.

    A quotation mark that is never closed spoils one line and not the rest of the file.
    """
    cells = _split(lines[0], delimiter)
    if cells is None and '"' in lines[0]:
        for used in range(2, len(lines) + 1):
            if joined := _split("\n".join(lines[:used]), delimiter):
                return joined, used
    return cells, 1


def _as_row(line: int, cells: list[str] | None, header: list[str]) -> SheetRow:
    if cells is None:
        return SheetRow(line, problem=_("This row can’t be read: a quotation mark is not closed."))
    cells = _without_empty_end(cells, len(header))
    if len(cells) > len(header):
        counts = {"cells": len(cells), "names": len(header)}
        return SheetRow(line, problem=_("The row has %(cells)s cells, the first line has %(names)s.") % counts)
    row = dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True))
    for name, cell in row.items():
        if CONTROL.search(cell):
            return SheetRow(line, column=name, problem=_("This cell has characters that can’t be read."))
    return SheetRow(line, {name: clean_text(cell) for name, cell in row.items()})
