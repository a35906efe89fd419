"""A member's kit as a list for insurers and customs, with the columns of an ATA carnet."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from cps_portal.core.lib.pdf import FONT, register_font, visual
from cps_portal.core.lib.sheets import escape_formula
from kitbag.models import Registration
from members.models import Member

MAKE = "Canon"
SIZE, LEADING, MARGIN = 7.5, 9.5, 36
WIDTHS = (26, 78, 42, 132, 84, 58, 108, 74, 40, 62, 66)  # points, together the width of a page
MAX_CELL_LINES = 4  # lines; what is longer is cut


@dataclass(frozen=True)
class Line:
    """One product as the list names it."""

    number: int
    description: str
    model: str
    serial: str
    purchased_on: date | None
    store: str
    country: str


def kit_lines(member: Member) -> list[Line]:
    """Everything in the Kitbag, in one query."""
    rows = Registration.objects.of(member).live().select_related("product")
    return [
        Line(
            number=number,
            description=str(row.product.get_shelf_display()),
            model=row.product.name,
            serial=row.serial,
            purchased_on=row.purchased_on,
            store=row.store,
            country=str(row.country.name) if row.country else "",
        )
        for number, row in enumerate(rows.order_by("product__shelf", "product__name", "pk"), start=1)
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
        _("Quantity"),
        _("Value"),
        _("Country of origin"),
    ]


def as_csv(lines: Iterable[Line]) -> bytes:
    """UTF-8 with a mark at its beginning, so that spreadsheets know; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings())
    for line in lines:
        bought = line.purchased_on.isoformat() if line.purchased_on else ""
        writer.writerow([escape_formula(cell) for cell in _cells(line, bought)])
    return out.getvalue().encode("utf-8-sig")


def as_pdf(lines: Sequence[Line], *, owner: str, on: date) -> bytes:
    """On A4, as many pages as it takes, the headings on each."""
    register_font()
    out = io.BytesIO()
    width, height = landscape(A4)
    canvas = Canvas(out, pagesize=(width, height))
    canvas.setTitle(_("Kit list"))
    canvas.setAuthor(owner)
    page, y = 0, 0.0
    for line in lines:
        bought = date_format(line.purchased_on, "j M Y") if line.purchased_on else ""
        cells = [_wrapped(cell, wide) for cell, wide in zip(_cells(line, bought), WIDTHS, strict=True)]
        tall = max(len(cell) for cell in cells) * LEADING + 6
        if page == 0 or y - tall < MARGIN + LEADING:
            if page:
                canvas.showPage()
            page += 1
            y = _begin_page(canvas, page=page, height=height, owner=owner, on=on, count=len(lines))
        _draw_row(canvas, cells, y)
        y -= tall
        canvas.setLineWidth(0.3)
        canvas.line(MARGIN, y + 1, width - MARGIN, y + 1)
    if page == 0:
        _begin_page(canvas, page=1, height=height, owner=owner, on=on, count=0)
    canvas.save()
    return out.getvalue()


def _cells(line: Line, bought: str) -> list[str]:
    """Value and origin are left for the owner to fill in."""
    return [
        str(line.number),
        line.description,
        MAKE,
        line.model,
        line.serial,
        bought,
        line.store,
        line.country,
        "1",
        "",
        "",
    ]


def _begin_page(canvas: Canvas, *, page: int, height: float, owner: str, on: date, count: int) -> float:
    y = height - MARGIN
    if page == 1:
        canvas.setFont(FONT, 14)
        canvas.drawString(MARGIN, y - 8, visual(_("Kit list")))
        canvas.setFont(FONT, SIZE)
        canvas.drawString(MARGIN, y - 24, visual(owner))
        facts = _("%(on)s, %(count)s products") % {"on": date_format(on, "j F Y"), "count": count}
        canvas.drawString(MARGIN, y - 36, visual(facts))
        y -= 52
    canvas.setFont(FONT, SIZE)
    canvas.drawRightString(landscape(A4)[0] - MARGIN, MARGIN - 14, visual(_("Page %(page)s") % {"page": page}))
    cells = [_wrapped(title, wide) for title, wide in zip(headings(), WIDTHS, strict=True)]
    _draw_row(canvas, cells, y)
    y -= max(len(cell) for cell in cells) * LEADING + 6
    canvas.setLineWidth(0.9)
    canvas.line(MARGIN, y + 1, landscape(A4)[0] - MARGIN, y + 1)
    return y


def _draw_row(canvas: Canvas, cells: list[list[str]], y: float) -> None:
    x: float = MARGIN
    for lines, wide in zip(cells, WIDTHS, strict=True):
        for place, text in enumerate(lines, start=1):
            canvas.drawString(x, y - place * LEADING, text)
        x += wide


def _wrapped(text: str, wide: int) -> list[str]:
    """The lines of a cell as they are drawn; a word that is too long is cut into pieces."""
    lines: list[str] = []
    for line in simpleSplit(text, FONT, SIZE, wide - 6):
        lines += _pieces(line, wide - 6)
    return [visual(line) for line in islice(lines, MAX_CELL_LINES)] or [""]


def _pieces(line: str, wide: float) -> list[str]:
    pieces, piece = [], ""
    for sign in line:
        if piece and pdfmetrics.stringWidth(piece + sign, FONT, SIZE) > wide:
            pieces.append(piece)
            piece = ""
        piece += sign
    return [*pieces, piece]
