"""Forms for a CSV file, uploaded or pasted: line by line, so that a wrong one does not stop the others (R38, R55)."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cps_portal.core.lib.spreadsheets import (
    LineError,
    SheetRow,
    UnreadableSheet,
    csv_attachment,
    read_sheet,
    whole_number,
)
from cps_portal.core.lib.text import clean_code

MAX_BYTES = 500_000
REPORT_COLUMNS = ("line", "column", "why")  # of the file of refused lines; left out when it is loaded again
YES, NO = ("yes", "true", "1", "x"), ("no", "false", "0")


class YesNoField(forms.Field):
    """A cell with yes or no; None if it is empty. Spreadsheets write TRUE and 1 as well."""

    def to_python(self, value: Any) -> Any:
        text = whole_number(super().to_python(value) or "").lower()
        if not text:
            return None
        if text not in (*YES, *NO):
            raise ValidationError(_("Write yes or no, not “%(value)s”."), params={"value": text[:20]}, code="invalid")
        return text in YES


class DayField(forms.DateField):
    """A day as 2026-03-31, in whatever digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=["%Y-%m-%d"], error_messages={"invalid": _("Write the day like 2026-03-31.")}, **kwargs
        )

    def to_python(self, value: Any) -> Any:
        return super().to_python(clean_code(value).strip() if isinstance(value, str) else value)


class RowForm(forms.Form):
    """The cells of one row. Each field is a column; the form's cleaned data are what the action takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.error_messages["required"] = _("This cell is empty. Fill it in.")

    @classmethod
    def columns(cls) -> list[str]:
        return list(cls.base_fields)

    @classmethod
    def required_columns(cls) -> list[str]:
        return [name for name, field in cls.base_fields.items() if field.required]


class CsvFileForm(forms.Form):
    """A CSV file, uploaded or pasted: `read_rows` gets what is in it. What is wrong with a whole file is its error."""

    max_lines: ClassVar[int]

    file = forms.FileField(
        label=pgettext_lazy("of a partner", "File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    text = forms.CharField(
        label=_("Or paste its lines"),
        required=False,
        max_length=MAX_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )

    def required_columns(self) -> Sequence[str]:
        raise NotImplementedError

    def read_rows(self, header: Sequence[str], rows: Sequence[SheetRow]) -> None:
        raise NotImplementedError

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if not file:
            return b""
        if file.size > MAX_BYTES:
            raise ValidationError(
                _("The file is larger than %(kilobytes)s kB. Split it into parts.") % {"kilobytes": MAX_BYTES // 1000}
            )
        content: bytes = file.read()
        return content

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self._read(data["file"] or data["text"].encode())
            except ValidationError as error:
                self.add_error("file" if data["file"] else "text", error)
        return data

    def _read(self, content: bytes) -> None:
        if not content.strip():
            raise ValidationError(_("Choose a file, or paste its lines."))
        try:
            header, rows = read_sheet(content)
        except UnreadableSheet as error:
            raise ValidationError(str(error)) from error
        required = self.required_columns()
        if not set(required) <= set(header):
            sentence = _("The first line has to contain these column names: %(columns)s.")
            raise ValidationError(sentence % {"columns": ", ".join(required)})
        if len(rows) > self.max_lines:
            raise ValidationError(_("Upload at most %(n)d lines at once.") % {"n": self.max_lines})
        self.read_rows(header, rows)


class SheetForm(CsvFileForm):
    """A file of rows. Those that can be read are in `lines`, as (line number, cleaned data); others in `problems`."""

    row_form: ClassVar[type[RowForm]]
    max_lines = 500  # each is a transaction of its own within one request

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines: list[tuple[int, dict[str, Any]]] = []
        self.problems: list[LineError] = []
        self.rows: dict[int, SheetRow] = {}
        self.ignored: list[str] = []

    def row_kwargs(self) -> dict[str, Any]:
        """What each row's form gets besides its cells."""
        return {}

    def required_columns(self) -> Sequence[str]:
        return self.row_form.required_columns()

    def read_rows(self, header: Sequence[str], rows: Sequence[SheetRow]) -> None:
        known = {*self.row_form.columns(), *REPORT_COLUMNS, ""}
        self.ignored = [name for name in dict.fromkeys(header) if name not in known]
        with_kwargs = self.row_kwargs()
        for row in rows:
            self.rows[row.line] = row
            if row.problem:
                self.problems.append(LineError(row.line, row.column, row.problem))
                continue
            form = self.row_form(row.cells, **with_kwargs)
            if form.is_valid():
                self.lines.append((row.line, form.cleaned_data))
            self.problems += [
                LineError(row.line, "" if name == NON_FIELD_ERRORS else name, str(errors[0]))
                for name, errors in form.errors.items()
            ]

    def report_of(self, problems: Iterable[LineError]) -> str:
        """The refused lines with the reasons, for `download_report`."""
        columns = self.row_form.columns()
        cells = [self.rows[problem.number].cells if problem.number in self.rows else {} for problem in problems]
        return json.dumps(
            [
                [str(problem.number), problem.column, problem.message, *(row.get(name, "") for name in columns)]
                for problem, row in zip(problems, cells, strict=True)
            ]
        )

    def lines_to_correct(self, problems: Iterable[LineError]) -> str:
        """The refused lines of an uploaded file as text, so that they can be corrected on the page."""
        columns = [name for name in self.row_form.columns() if any(row.cells.get(name) for row in self.rows.values())]
        numbers = sorted({problem.number for problem in problems})
        output = io.StringIO()
        table = csv.writer(output, lineterminator="\n")
        table.writerow(columns)
        for row in [self.rows[number] for number in numbers if self.rows[number].cells]:
            table.writerow([row.cells.get(name, "") for name in columns])
        return output.getvalue()


def download_report(row_form: type[RowForm], report: str, filename: str) -> HttpResponse | None:
    """The refused lines as a file: what `report_of` made and the page sent back. None if it is anything else."""
    width = len(REPORT_COLUMNS) + len(row_form.columns())
    try:
        rows = json.loads(report)
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not all(_is_row(row, width) for row in rows):
        return None
    return csv_attachment(filename, [*REPORT_COLUMNS, *row_form.columns()], rows)


def _is_row(row: Any, width: int) -> bool:
    return isinstance(row, list) and len(row) == width and all(isinstance(cell, str) for cell in row)


def download_template(row_form: type[RowForm], examples: Sequence[Mapping[str, str]], filename: str) -> HttpResponse:
    """The columns with an example or two."""
    columns = row_form.columns()
    return csv_attachment(filename, columns, [[example.get(name, "") for name in columns] for example in examples])
