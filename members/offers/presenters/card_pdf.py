"""The membership card on paper: both sides, to be cut out and folded (R41)."""

import io

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from cps_portal.core.lib.pdf import draw_text, fitting_size
from members.enums import Level
from members.models import Member
from members.offers.models import Card
from members.offers.presenters import qr

WIDTH, HEIGHT = 85.6 * mm, 54 * mm  # ISO 7810 ID-1
INSET, MARK, GAP = 6 * mm, 5 * mm, 1.5 * mm
QR_SIDE = 34 * mm
COLOURS = {  # paper and ink
    Level.RED: ("#b3122b", "#ffffff"),
    Level.SILVER: ("#d5d8dc", "#141517"),
    Level.GOLD: ("#e3c27a", "#231a05"),
    Level.PLATINUM: ("#2b2d33", "#ffffff"),
}


def as_pdf(card: Card, member: Member) -> bytes:
    """One A4 page; the level is that of today."""
    out = io.BytesIO()
    page_wide, page_high = A4
    canvas = Canvas(out, pagesize=A4)
    canvas.setTitle(_("Membership card"))
    canvas.setAuthor(member.full_name)
    left, bottom = (page_wide - 2 * WIDTH) / 2, page_high - 40 * mm - HEIGHT
    _line(
        canvas, _("Print it in its real size, cut along the marks and fold it in the middle."), left, bottom + 70 * mm
    )
    _front(canvas, member, left, bottom)
    _back(canvas, card, left + WIDTH, bottom)
    _cutting_marks(canvas, left, bottom)
    canvas.save()
    return out.getvalue()


def _front(canvas: Canvas, member: Member, x: float, y: float) -> None:
    paper, ink = COLOURS[Level(member.level)]
    canvas.setFillColor(HexColor(paper))
    canvas.rect(x, y, WIDTH, HEIGHT, stroke=0, fill=1)
    canvas.setFillColor(HexColor(ink))
    inner = WIDTH - 2 * INSET
    _line(canvas, "Canon Professional Services", x + INSET, y + HEIGHT - INSET - 3 * mm, size=9, wide=inner)
    _line(canvas, str(Level(member.level).label), x + INSET, y + 23 * mm, size=24, wide=inner)
    since = _("Member since %(year)s") % {"year": date_format(member.joined_at, "Y")}
    _line(canvas, since, x + INSET, y + 15 * mm, size=7.5, wide=inner)
    _line(canvas, member.full_name, x + INSET, y + 10.5 * mm, size=11, wide=inner)
    _line(canvas, member.number_in_groups, x + INSET, y + INSET - 1 * mm, size=9.5, wide=inner)


def _back(canvas: Canvas, card: Card, x: float, y: float) -> None:
    canvas.setFillColor(HexColor("#000000"))
    canvas.setLineWidth(0.3)
    canvas.setStrokeColor(HexColor("#c9cbd0"))
    canvas.rect(x, y, WIDTH, HEIGHT, stroke=1, fill=0)
    rows = qr.as_rows(card)
    side = QR_SIDE / len(rows)
    corner = x + (WIDTH - QR_SIDE) / 2, y + HEIGHT - 4 * mm
    for down, row in enumerate(rows, start=1):
        for across, dark in enumerate(row):
            if dark:  # a hair larger than its place, so that no white line is left between two
                canvas.rect(corner[0] + across * side, corner[1] - down * side, side * 1.02, side * 1.02, 0, 1)
    inner = WIDTH - 2 * INSET
    _centred(canvas, _("Scan it to see whether this card is valid."), x, y + 10 * mm, size=7.5, wide=inner)
    number = _("Card %(number)s") % {"number": card.number_in_groups}
    _centred(canvas, number, x, y + 5.5 * mm, size=7.5, wide=inner)


def _line(canvas: Canvas, text: str, x: float, y: float, *, size: float = 9, wide: float = 2 * WIDTH) -> None:
    draw_text(canvas, x, y, text, size=fitting_size(text, size=size, wide=wide))


def _centred(canvas: Canvas, text: str, x: float, y: float, *, size: float, wide: float) -> None:
    draw_text(canvas, x + WIDTH / 2, y, text, size=fitting_size(text, size=size, wide=wide), align="centre")


def _cutting_marks(canvas: Canvas, x: float, y: float) -> None:
    """At the corners, outside; and where it is folded."""
    canvas.setStrokeColor(HexColor("#000000"))
    canvas.setLineWidth(0.4)
    for across in (x, x + 2 * WIDTH):
        outward = -1 if across == x else 1
        for up in (y, y + HEIGHT):
            away = -1 if up == y else 1
            canvas.line(across + outward * GAP, up, across + outward * (GAP + MARK), up)
            canvas.line(across, up + away * GAP, across, up + away * (GAP + MARK))
    canvas.setDash(1, 2)
    for up, away in ((y, -1), (y + HEIGHT, 1)):
        canvas.line(x + WIDTH, up + away * GAP, x + WIDTH, up + away * (GAP + MARK))
