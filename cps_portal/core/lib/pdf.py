"""Text in PDFs: a font for every script that can be drawn letter by letter, and right-to-left text in visual order."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from unicodedata import combining, normalize

from anyascii import anyascii
from arabic_reshaper import ArabicReshaper
from bidi import get_display
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

# In the order in which they are tried. DejaVu: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian, symbols.
# Droid: Chinese, Japanese, Korean. Only the signs that are used get into a PDF.
FONTS = ("DejaVuSans", "DroidSansFallback", "NotoSansEthiopic")
FOLDER = Path(__file__).parent / "fonts"
JOINERS = "\u200c\u200d"
# Letters of Urdu and Kashmiri that the font lacks, as the Arabic and Persian ones that they were made from.
NEAR_LETTERS = str.maketrans(
    "\u06c0\u06c1\u06c2\u06c3\u06c4\u06c5\u06ca\u06cf\u06cd\u06d1\u06d2\u06d3\u0671\u0672\u0673",
    "\u0647\u0647\u0647\u0629\u0648\u0648\u0648\u0648\u06cc\u06cc\u06cc\u06cc\u0627\u0627\u0627",
)
# The font has no glyph for this ligature, which is part of many names: join its letters one by one.
_reshaper = ArabicReshaper(configuration={"ARABIC LIGATURE ALLAH": False})


def drawable(text: str) -> str:
    """The text with every sign that can't be drawn in Latin letters.

    Those are emoji (":camera:"), and scripts whose letters change with their neighbours, as those of India and Thai:
    ReportLab does not shape them.
    """
    letters = normalize("NFC", text).translate(NEAR_LETTERS)
    return "".join(sign if sign in JOINERS or _font_of(sign) else anyascii(sign) for sign in letters)


def text_width(text: str, size: float) -> float:
    """In points, of a drawable text in visual order."""
    return sum(float(pdfmetrics.stringWidth(part, font, size)) for font, part in _runs(text))


def fitting_size(text: str, *, size: float, wide: float) -> float:
    """The font size, at most `size`, at which the text is not wider than `wide` points."""
    width = text_width(_visual_order(drawable(text)), size)
    return size if width <= wide else size * wide / width


def wrapped_lines(text: str, *, size: float, wide: float) -> list[str]:
    """The lines of a text, none wider than `wide` points. What has no blanks, such as Japanese, is cut into pieces."""
    return [line for part in text.splitlines() or [""] for line in _wrapped(drawable(part).split(), size, wide)]


def draw_text(canvas: Canvas, x: float, y: float, text: str, *, size: float, align: str = "left") -> None:
    """Draw one line from `x` on, or up to it ("right"), or with its middle there ("centre")."""
    runs = list(_runs(_visual_order(drawable(text))))
    width = sum(float(pdfmetrics.stringWidth(part, font, size)) for font, part in runs)
    x -= {"left": 0.0, "right": width, "centre": width / 2}[align]
    for font, part in runs:
        canvas.setFont(font, size)
        canvas.drawString(x, y, part)
        x += float(pdfmetrics.stringWidth(part, font, size))


def _visual_order(text: str) -> str:
    """Join Arabic letters, and put right-to-left text in the order in which ReportLab draws it."""
    if text.isascii():
        return text
    joined = _reshaper.reshape(text).translate(dict.fromkeys(map(ord, JOINERS)))  # they have done their work
    # A letter of which the font lacks this form is drawn unjoined.
    return str(get_display("".join(sign if _font_of(sign) else normalize("NFKC", sign) for sign in joined)))


@cache
def _registered(font: str) -> TTFont:
    loaded = TTFont(font, str(FOLDER / f"{font}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


@cache
def _font_of(sign: str) -> str:
    """The first font that has the sign, "" if none has."""
    return next((font for font in FONTS if _has(font, sign)), "")


def _has(font: str, sign: str) -> bool:
    return ord(sign) in _registered(font).face.charToGlyph


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """The text in parts of one font each. A combining mark stays with its letter, and a blank with the word before."""
    fonts: list[str] = []
    for sign in text:
        own = _font_of(sign) or FONTS[0]
        fonts.append(fonts[-1] if fonts and (combining(sign) or sign == " ") and _has(fonts[-1], sign) else own)
    for font, part in groupby(zip(fonts, text, strict=True), key=lambda pair: pair[0]):
        yield font, "".join(sign for _font, sign in part)


def _wrapped(words: list[str], size: float, wide: float) -> list[str]:
    lines, line = [], ""
    for word in words:
        if line and text_width(f"{line} {word}", size) <= wide:
            line = f"{line} {word}"
            continue
        *whole, rest = _pieces(word, size, wide)
        lines += [line, *whole] if line else whole
        line = rest
    return [*lines, line]


def _pieces(word: str, size: float, wide: float) -> list[str]:
    if text_width(word, size) <= wide:
        return [word]
    pieces, piece = [], ""
    for sign in word:
        if piece and not combining(sign) and text_width(piece + sign, size) > wide:
            pieces.append(piece)
            piece = ""
        piece += sign
    return [*pieces, piece]
