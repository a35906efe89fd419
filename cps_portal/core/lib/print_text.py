"""Text on paper: a font for every script that people type, no signs that no font has, no word wider than its column."""

import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from anyascii import anyascii
from django.utils.translation import get_language_bidi

from cps_portal.core.lib.languages import RIGHT_TO_LEFT

FONTS = Path(__file__).parent / "fonts"
MAX_WORD = 24  # letters of a word that may not be broken: longer ones are no words
PIECE = 8  # letters between two places where a longer one may be broken
WORD_BREAK = "\u200b"  # zero width space
ISOLATE, ISOLATE_LEFT_TO_RIGHT, ISOLATE_RIGHT_TO_LEFT, END_ISOLATE = "\u2068", "\u2066", "\u2067", "\u2069"
JOINERS = "\u200c\u200d"  # Persian, Hindi and Sinhala need them between two signs
KEPT = frozenset(
    f"\n{WORD_BREAK}{ISOLATE}{ISOLATE_LEFT_TO_RIGHT}{ISOLATE_RIGHT_TO_LEFT}{END_ISOLATE}{JOINERS}"
)  # no font needs glyphs for them
GROUPS_OF_DIGITS = re.compile(r"\+?[0-9]+(?:[ \u00a0][0-9]+)+")
EVERY_PLANE, FIRST_PLANE = 12, 4  # formats of the table "cmap" of a font


def isolated(text: str) -> str:
    """For a name inside a sentence: in whatever direction it is written, what stands around it keeps its order."""
    is_apart = text and (get_language_bidi() or not text.isascii())
    return f"{ISOLATE}{text}{END_ISOLATE}" if is_apart else text


def in_direction_of(language: str, text: str) -> str:
    """For words of another language on a paper: each line reads in the direction of that language."""
    begin = ISOLATE_RIGHT_TO_LEFT if language in RIGHT_TO_LEFT else ISOLATE_LEFT_TO_RIGHT
    return "\n".join(f"{begin}{line}{END_ISOLATE}" if line else "" for line in text.split("\n"))


def in_own_direction(text: str) -> str:
    """For a whole text on a paper that is read from right to left: a line without a letter of such a script, as
    "12 Sample Road", "+335" or a sentence in English, keeps its number and its full stop where they belong.
    """
    return "\n".join(
        line if line.isalnum() or _has_right_to_left(line) else f"{ISOLATE_LEFT_TO_RIGHT}{line}{END_ISOLATE}"
        for line in text.split("\n")
    )


def _has_right_to_left(line: str) -> bool:
    return not line or any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in line)


def with_groups_in_order(text: str) -> str:
    """For a text that is read from right to left: the groups of a number, as "4400 0000", stay in their order."""
    return GROUPS_OF_DIGITS.sub(lambda found: f"{ISOLATE_LEFT_TO_RIGHT}{found[0]}{END_ISOLATE}", text)


def drawable(text: str) -> str:
    """The text without invisible signs, and with every sign that no font has in Latin letters, as ":camera:"."""
    return unicodedata.normalize("NFC", text).translate(_drawn_as())


def breakable(text: str, longest: int = MAX_WORD) -> str:
    """The text with places to break words of more than `longest` letters. Japanese and the like need none."""
    if all(len(word) <= longest for word in text.split()):
        return text
    return "".join(_with_breaks(word) if len(word) > longest else word for word in _words(text))


def shortened(text: str, length: int) -> str:
    """At most so many signs, with an ellipsis if some were cut off."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


class _DrawnAs(dict[int, str]):
    """For `str.translate`: what is drawn for each sign, worked out when the sign is met first."""

    def __missing__(self, code: int) -> str:
        self[code] = drawn = _drawn_as_sign(chr(code))
        return drawn


@cache
def _drawn_as() -> _DrawnAs:
    return _DrawnAs()


def _drawn_as_sign(sign: str) -> str:
    if sign in KEPT:
        return sign
    if sign.isspace():
        return "\u00a0" if sign in "\u00a0\u202f" else " "
    if unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") or not _is_in_a_font(sign):
        # One that has no Latin letters either, or whose own are not in the fonts, is left out.
        return "".join(letter for letter in anyascii(sign) if letter.isprintable() and _is_in_a_font(letter))
    return sign


def _words(text: str) -> Iterator[str]:
    """Runs of signs between which a line may end anyway, in order; together they are the text."""
    ends = [at for at, sign in enumerate(text, start=1) if _ends_word(sign)]
    for start, end in pairwise([0, *ends, len(text)]):
        yield text[start:end]


def _ends_word(sign: str) -> bool:
    return sign.isspace() or sign == WORD_BREAK or unicodedata.east_asian_width(sign) in "WF"


def _with_breaks(word: str) -> str:
    pieces, length = [], 0
    for before, sign in zip(f" {word}", word, strict=False):
        is_bound = unicodedata.category(sign)[0] == "M" or sign in JOINERS or before in JOINERS
        if length >= PIECE and not is_bound:
            pieces.append(WORD_BREAK)
            length = 0
        pieces.append(sign)
        length += 1
    return "".join(pieces)


def _is_in_a_font(sign: str) -> bool:
    code = ord(sign)
    return bool(_signs_of_all_fonts()[code >> 3] >> (code & 7) & 1)


@cache
def _signs_of_all_fonts() -> bytearray:
    """A bit for each sign of Unicode."""
    bits = bytearray(0x110000 >> 3)
    for font in FONTS.glob("*.ttf"):
        for code in _signs_of(font.read_bytes()):
            bits[code >> 3] |= 1 << (code & 7)
    return bits


def _signs_of(font: bytes) -> Iterator[int]:
    """The signs for which a TrueType font has a glyph, by its table "cmap"."""
    for number in range(struct.unpack_from(">H", font, 4)[0]):
        tag, _sum, start, _length = struct.unpack_from(">4sLLL", font, 12 + 16 * number)
        if tag == b"cmap":
            break
    else:
        raise ValueError("a font without signs")
    tables = {}
    for number in range(struct.unpack_from(">H", font, start + 2)[0]):
        offset = start + struct.unpack_from(">HHL", font, start + 4 + 8 * number)[2]
        tables[struct.unpack_from(">H", font, offset)[0]] = offset
    if EVERY_PLANE in tables:
        return _signs_of_every_plane(font, tables[EVERY_PLANE])
    return _signs_of_first_plane(font, tables[FIRST_PLANE])


def _signs_of_every_plane(font: bytes, at: int) -> Iterator[int]:
    for group in range(struct.unpack_from(">L", font, at + 12)[0]):
        first, last, glyph = struct.unpack_from(">LLL", font, at + 16 + 12 * group)
        yield from range(first + (glyph == 0), last + 1)


def _signs_of_first_plane(font: bytes, at: int) -> Iterator[int]:
    count = struct.unpack_from(">H", font, at + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts, deltas, offsets = (
        struct.unpack_from(f">{count}H", font, at + 16 + 2 * count * (1 + column)) for column in range(3)
    )
    for number, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        own = at + 16 + 2 * count * 3 + 2 * number + offset  # from where the segment's own offset is written
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = struct.unpack_from(">H", font, own + 2 * (code - first))[0] if offset else code
            if glyph and (glyph + delta) & 0xFFFF:
                yield code
