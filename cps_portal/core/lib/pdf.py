"""Text in PDFs: one font for many scripts, and right-to-left text in visual order."""

from functools import cache
from pathlib import Path

from arabic_reshaper import ArabicReshaper
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "DejaVuSans"
FONT_FILE = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
# The font has no glyph for this ligature, which is part of many names: join its letters one by one.
_reshaper = ArabicReshaper(configuration={"ARABIC LIGATURE ALLAH": False})


def visual_order(text: str) -> str:
    """Join Arabic letters, and put right-to-left text in the order in which ReportLab draws it."""
    return text if text.isascii() else str(get_display(_reshaper.reshape(text)))


def fitting_size(text: str, *, size: float, wide: float) -> float:
    """The font size, at most `size`, at which the text is not wider than `wide` points."""
    width = pdfmetrics.stringWidth(text, FONT, size)
    return size if width <= wide else size * wide / width


@cache
def register_font() -> None:
    """Register DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian and Georgian; no Chinese or Japanese."""
    pdfmetrics.registerFont(TTFont(FONT, str(FONT_FILE)))
