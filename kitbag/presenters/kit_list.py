"""A member's kit as a list for insurers and customs: PDF, .xlsx or CSV.

The columns are those of an ATA carnet, and the last service.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from cps_portal.core.lib.pdf import draw_text, wrapped_lines
from cps_portal.core.lib.spreadsheets import escape_formula, write_workbook
from kitbag.models import Registration
from kitbag.queries.last_service import last_service_days
from members.models import Member

MAKE = "Canon"
FONT_SIZE, LEADING, MARGIN, CELL_PADDING = 7.5, 9.5, 36, 6  # in PDF points, as all lengths here
COLUMN_WIDTHS = (26, 70, 38, 122, 84, 58, 92, 68, 58, 40, 52, 62)  # together the width of a page
SHEET_WIDTHS = (5, 16, 8, 34, 18, 16, 34, 20, 16, 9, 12, 16)  # of the .xlsx, in characters
MAX_CELL_LINES = 4  # a longer text is cut


@dataclass(frozen=True)
class ListItem:
    """One line of the list."""

    number: int
    description: str
    model: str
    serial: str
    purchased_on: date | None
    store: str
    country: str
    serviced_on: date | None = None


def kit_list_items(member: Member) -> list[ListItem]:
    """Everything in the Kitbag, in one query, and one for the last service of each product."""
    serviced_on = last_service_days(member)
    registrations = Registration.objects.of(member).live().select_related("product")
    return [
        ListItem(
            number=number,
            description=str(registration.product.get_shelf_display()),
            model=registration.product.name,
            serial=registration.serial,
            purchased_on=registration.purchased_on,
            store=registration.store,
            country=str(registration.country.name) if registration.country else "",
            serviced_on=serviced_on.get(registration.pk),
        )
        for number, registration in enumerate(registrations.order_by("product__shelf", "product__name", "pk"), start=1)
    ]


def headings() -> list[str]:
    return [
        _("No."),
        _("Description"),
        _("Make"),
        _("Model"),
        _("Serial number"),
        _("Date of purchase"),
        _("Store"),
        _("Country of purchase"),
        _("Last service"),
        _("Quantity"),
        _("Value"),
        _("Country of origin"),
    ]


def as_xlsx(items: Iterable[ListItem]) -> bytes:
    """For spreadsheets: all cells are text, so that serial numbers keep their leading zeros."""
    rows = (_cells(item, _iso_day) for item in items)
    return write_workbook(headings(), rows, widths=SHEET_WIDTHS)


def as_csv(items: Iterable[ListItem]) -> bytes:
    """For programs: a spreadsheet takes serial numbers for numbers and drops their leading zeros.

    UTF-8 with a byte order mark, because Excel reads the text as Latin-1 without one. No cell is a formula.
    """
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(headings())
    for item in items:
        writer.writerow([escape_formula(cell) for cell in _cells(item, _iso_day)])
    return output.getvalue().encode("utf-8-sig")


def as_pdf(items: Sequence[ListItem], *, owner: str, on: date) -> bytes:
    """A4 landscape, as many pages as needed, with the headings on each."""
    output = io.BytesIO()
    width, height = landscape(A4)
    canvas = Canvas(output, pagesize=(width, height))
    canvas.setTitle(_("Kit list"))
    canvas.setAuthor(owner)
    page, y = 0, 0.0
    for item in items:
        cells = _wrapped_cells(_cells(item, _printed_day))
        row_height = _row_height(cells)
        if page == 0 or y - row_height < MARGIN + LEADING:
            if page:
                canvas.showPage()
            page += 1
            y = _begin_page(canvas, page=page, height=height, owner=owner, on=on, count=len(items))
        _draw_row(canvas, cells, y)
        y -= row_height
        canvas.setLineWidth(0.3)
        canvas.line(MARGIN, y + 1, width - MARGIN, y + 1)
    if page == 0:
        _begin_page(canvas, page=1, height=height, owner=owner, on=on, count=0)
    canvas.save()
    return output.getvalue()


def _iso_day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _printed_day(day: date | None) -> str:
    return date_format(day, "j M Y") if day else ""


def _cells(item: ListItem, write_day: Callable[[date | None], str]) -> list[str]:
    """Value and country of origin stay empty: the owner fills them in."""
    return [
        str(item.number),
        item.description,
        MAKE,
        item.model,
        item.serial,
        write_day(item.purchased_on),
        item.store,
        item.country,
        write_day(item.serviced_on),
        "1",
        "",
        "",
    ]


def _begin_page(canvas: Canvas, *, page: int, height: float, owner: str, on: date, count: int) -> float:
    """Draw what is above the rows. Returns the height at which they begin."""
    y = height - MARGIN
    if page == 1:
        draw_text(canvas, MARGIN, y - 8, _("Kit list"), size=14)
        draw_text(canvas, MARGIN, y - 24, owner, size=FONT_SIZE)
        summary = _("%(on)s, %(count)s products") % {"on": date_format(on, "j F Y"), "count": count}
        draw_text(canvas, MARGIN, y - 36, summary, size=FONT_SIZE)
        y -= 52
    number = _("Page %(page)s") % {"page": page}
    draw_text(canvas, landscape(A4)[0] - MARGIN, MARGIN - 14, number, size=FONT_SIZE, align="right")
    cells = _wrapped_cells(headings())
    _draw_row(canvas, cells, y)
    y -= _row_height(cells)
    canvas.setLineWidth(0.9)
    canvas.line(MARGIN, y + 1, landscape(A4)[0] - MARGIN, y + 1)
    return y


def _draw_row(canvas: Canvas, cells: list[list[str]], y: float) -> None:
    x: float = MARGIN
    for lines, width in zip(cells, COLUMN_WIDTHS, strict=True):
        for number, line in enumerate(lines, start=1):
            draw_text(canvas, x, y - number * LEADING, line, size=FONT_SIZE)
        x += width


def _row_height(cells: list[list[str]]) -> float:
    return max(len(lines) for lines in cells) * LEADING + CELL_PADDING


def _wrapped_cells(texts: Sequence[str]) -> list[list[str]]:
    """The lines of each cell of a row."""
    return [
        wrapped_lines(text, size=FONT_SIZE, wide=width - CELL_PADDING)[:MAX_CELL_LINES]
        for text, width in zip(texts, COLUMN_WIDTHS, strict=True)
    ]
