"""Text in PDFs: one font for many scripts, and right-to-left text in the order in which it is drawn."""

from functools import cache
from pathlib import Path

from arabic_reshaper import ArabicReshaper
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "DejaVuSans"
FONT_FILE = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
# The font has no sign for the whole word, which is part of many names: its letters are joined one by one.
_reshaper = ArabicReshaper(configuration={"ARABIC LIGATURE ALLAH": False})


def visual(text: str) -> str:
    """Arabic letters joined and right-to-left text in the order in which it is drawn."""
    return text if text.isascii() else str(get_display(_reshaper.reshape(text)))


def fitting(text: str, *, size: float, wide: float) -> float:
    """The size, this one or smaller, in which the text is not wider than that."""
    drawn = pdfmetrics.stringWidth(text, FONT, size)
    return size if drawn <= wide else size * wide / drawn


@cache
def register_font() -> None:
    """DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian and Georgian; no Chinese or Japanese."""
    pdfmetrics.registerFont(TTFont(FONT, str(FONT_FILE)))
