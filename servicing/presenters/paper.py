"""A4 paper that is written from top to bottom: labels, lists, estimates, reports."""

import io

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from cps_portal.core.lib.pdf import draw_text, fitting_size, wrapped_lines

MARGIN = 18 * mm
WIDE, HIGH = A4
INNER = WIDE - 2 * MARGIN
INK, MUTED, LINE = HexColor("#141517"), HexColor("#55585e"), HexColor("#c9cbd0")
LINE_HEIGHT = 1.3  # of the size of the letters
BAR_WIDTH, BAR_HEIGHT = 0.5 * mm, 20 * mm  # wide enough to be scanned with a phone across a counter


class Paper:
    """A PDF that is written from top to bottom."""

    def __init__(self, title: str) -> None:
        self._out = io.BytesIO()
        self.canvas = Canvas(self._out, pagesize=A4)
        self.canvas.setTitle(title)
        self.y = HIGH - MARGIN

    def line(self, text: str, *, size: float = 10, x: float = MARGIN, wide: float = INNER, ink: HexColor = INK) -> None:
        """One line, in a smaller size if it is wider than `wide`."""
        self.canvas.setFillColor(ink)
        self.y -= size * LINE_HEIGHT
        draw_text(self.canvas, x, self.y, text, size=fitting_size(text, size=size, wide=wide))

    def amount(self, text: str, *, size: float = 10, wide: float = INNER) -> None:
        """One line that ends at the right margin, as sums below each other do."""
        self.canvas.setFillColor(INK)
        self.y -= size * LINE_HEIGHT
        size = fitting_size(text, size=size, wide=wide)
        draw_text(self.canvas, WIDE - MARGIN, self.y, text, size=size, align="right")

    def text(
        self,
        text: str,
        *,
        size: float = 10,
        x: float = MARGIN,
        wide: float = INNER,
        max_lines: int = 99,
        ink: HexColor = INK,
    ) -> None:
        """As many lines as it needs, up to `max_lines`; on a new page if they don't fit on this one."""
        lines = wrapped_lines(text, size=size, wide=wide)
        for number, line in enumerate(lines[:max_lines], start=1):
            self.require_height(size * LINE_HEIGHT)
            self.line(f"{line} …" if number == max_lines < len(lines) else line, size=size, x=x, wide=wide, ink=ink)

    def bar_code(self, signs: str, *, x: float = MARGIN, height: float = BAR_HEIGHT, width: float = BAR_WIDTH) -> None:
        self.y -= height + 2 * mm
        self.canvas.setFillColor(INK)
        # With quiet zones, because without them scanners cannot read a code next to a frame.
        code = Code128(signs, barWidth=width, barHeight=height, quiet=1)
        code.drawOn(self.canvas, x - code.lquiet, self.y)

    def rule(self, gap: float = 4 * mm) -> None:
        self.y -= gap
        self.canvas.setStrokeColor(LINE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(MARGIN, self.y, WIDE - MARGIN, self.y)

    def space(self, gap: float) -> None:
        self.y -= gap

    def require_height(self, height: float) -> None:
        """Start a new page if this height does not fit on the current one."""
        if self.y - height < MARGIN:
            self.canvas.showPage()
            self.y = HIGH - MARGIN

    def bytes(self) -> bytes:
        self.canvas.save()
        return self._out.getvalue()
