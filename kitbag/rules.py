"""The arithmetic of the Kitbag: serial numbers, points, search keys. Values in, values out."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

SERIAL_FORM = re.compile(r"[A-Z0-9]{4,14}")
ITEM_CODE = re.compile(r"\d{4}[ABCV]\d{3}([A-Z]{2})?")
DATE_CODE_NEW = re.compile(r"[UFO][A-Z](0?[1-9]|1[0-2])\d{0,2}")
DATE_CODE_OLD = re.compile(r"[A-Z](0?[1-9]|1[0-2])\d{0,2}[UFO]")
LOOKALIKES = str.maketrans({"O": "0", "Q": "0", "I": "1", "L": "1", "S": "5", "B": "8"})


# --- Serial numbers (R28 to R31) -----------------------------------------------------------------


def normalise_serial(text: str) -> str:
    """The serial as compared with a shape: upper case, no spaces, signs, brackets or leading "S/N" (R28).

    Leading zeros stay; ``serial_key`` drops them.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}", "", plain)
    plain = re.sub(r"[\s\-‐-―_./:#]+", "", plain)
    return re.sub(r"^(?:SN|NO|NR)+(?=\d)", "", plain)


def serial_key(text: str) -> str:
    """The form under which two serials are the same one (R28): normalised, without leading zeros."""
    plain = normalise_serial(text)
    return plain.lstrip("0") or plain[:1]


def has_ean_check_digit(digits: str) -> bool:
    """Whether thirteen digits end in a valid EAN-13 check digit."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


@dataclass(frozen=True)
class Shape:
    """An expected shape of serial numbers (R30): a full-match pattern for products released in these years."""

    pattern: str
    year_from: int | None = None
    year_to: int | None = None

    def covers(self, year: int | None) -> bool:
        return year is None or ((self.year_from or year) <= year <= (self.year_to or year))


@dataclass(frozen=True)
class SerialFinding:
    """What the check of a serial says. ``code`` is "" if nothing is wrong.

    ``blocks``: no serial number can look like this, so another one has to be typed. Otherwise it is a warning:
    the member may insist, and a person decides (R30). ``suggestion`` is what was probably meant.
    """

    code: str = ""
    blocks: bool = False
    suggestion: str = ""


def check_serial(text: str, shapes: Iterable[Shape], year: int | None = None) -> SerialFinding:
    """Name what is wrong with a serial number (R29), or say that its shape is unusual (R30).

    Shapes are those of the product's category; an empty list accepts any form. A product whose year is not
    known may have any shape of its category.
    """
    plain = normalise_serial(text)
    if not plain:
        return SerialFinding("empty", blocks=True)
    if mistake := named_mistake(plain):
        return SerialFinding(mistake)
    if not SERIAL_FORM.fullmatch(plain):
        return SerialFinding(_form_mistake(plain), blocks=True)
    fitting = [shape for shape in shapes if shape.covers(year)]
    if not fitting or any(re.fullmatch(shape.pattern, plain) for shape in fitting):
        return SerialFinding()
    corrected = plain.translate(LOOKALIKES)
    if corrected != plain and any(re.fullmatch(shape.pattern, corrected) for shape in fitting):
        return SerialFinding("letters", suggestion=corrected)
    return SerialFinding("shape")


def named_mistake(plain: str) -> str:
    """Which well-known wrong number this is (R29): "ean", "item_code", "date_code" or ""."""
    if len(plain) == 13 and plain.isascii() and plain.isdigit() and has_ean_check_digit(plain):
        return "ean"
    if ITEM_CODE.fullmatch(plain):
        return "item_code"
    if DATE_CODE_NEW.fullmatch(plain) or DATE_CODE_OLD.fullmatch(plain):
        return "date_code"
    return ""


def _form_mistake(plain: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]*", plain):
        return "signs"
    return "short" if len(plain) < 4 else "long"


# --- Details (R17) -------------------------------------------------------------------------------

DETAILS = ("serial", "country", "purchased_on", "store")


def missing_details(*, serial: str, no_serial: bool, country: str, purchased_on: date | None, store: str) -> list[str]:
    """Which of the four details are not there yet, by field name (R17)."""
    given = {
        "serial": bool(serial.strip()) or no_serial,
        "country": bool(country),
        "purchased_on": bool(purchased_on),
        "store": bool(store.strip()),
    }
    return [name for name in DETAILS if not given[name]]


def latest_purchase_date(today_utc: date) -> date:
    """A purchase date may be today anywhere on earth: one day ahead of UTC at most."""
    return today_utc + timedelta(days=1)


# --- The desk (R19) --------------------------------------------------------------------------------


def is_drawn(number: int, percent: float) -> bool:
    """Whether a number drawn evenly belongs to a sample of so many percent."""
    return number % 10_000 < percent * 100


# --- Points (R18, R20) ---------------------------------------------------------------------------


def points_fall(points: tuple[int, int, int]) -> bool:
    """Whether points only fall from stage to stage and never to nothing (R20)."""
    current, superseded, unserviceable = points
    if current == 0:
        return superseded == unserviceable == 0
    return current >= superseded >= unserviceable > 0


def stage_today(*, superseded: bool, service_end_year: int | None, on: date) -> str:
    """The stage that the catalogue's facts give on a day (R20): service ends on 1 January after its last year."""
    if service_end_year is not None and on.year > service_end_year:
        return "unserviceable"
    return "superseded" if superseded else "current"


# --- Fast Track (R43 to R45) -----------------------------------------------------------------------

STANDARD_DAYS = 10  # "about": what everything takes without Fast Track (R44)
VIDEO_DAYS = 5
SLOW_VIDEO = ("cinema-eos", "x-series")


def target_days(level_days: int | None, *, fast_track: bool, video_class: str) -> int | None:
    """The repair target in working days, None without Fast Track. Video is never under five (R44, R45).

    `level_days` is what the level gives where the repair happens.
    """
    if not fast_track or level_days is None:
        return None
    return max(level_days, VIDEO_DAYS) if video_class in SLOW_VIDEO else level_days


# --- Search: tokens of a product name -------------------------------------------------------------

ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7"}
NOISE = {"mark", "mk", "mm", "canon", "lens", "the"}


def _plain_letters(text: str) -> str:
    """Lower case, without accents, with the digits of any script as 0 to 9."""
    letters = []
    for letter in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(letter):
            continue
        digit = unicodedata.decimal(letter, None)
        letters.append(letter if digit is None else str(digit))
    return "".join(letters).lower()


def name_tokens(text: str) -> list[str]:
    """The words and numbers by which a product name is found: "EOS 5D Mark III" is eos, 5, d, 3.

    The f of an aperture goes ("f/2.8", "F4L"), that of a name stays ("F-1", "CanoScan 9000F").
    """
    plain = _plain_letters(text).replace("×", "x")
    plain = re.sub(r"[‐-―]", "-", plain)
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    plain = re.sub(r"(?<=\d)mm(?![a-eg-z])", " ", plain)
    if not re.match(r"\s*(?:canon\s+|new\s+)*f[\s-]?1(?![\d.])", plain):
        plain = re.sub(r"(?<![a-z0-9-])f\s*/?\s*(?=\d)", " ", plain)
    plain = re.sub(r"(?:mark|mk)\s*(?=(?:i{1,3}|iv|vi{0,2}|\d)\b)", " ", plain)  # 5dmk3, mark ii
    plain = re.sub(r"(?<=\dd)x(?=i{0,3}\b)", " x ", plain)  # 1dx, 1dxiii
    plain = re.sub(r"(?<=\d[a-z])(i{2,3}|iv)\b|(?<=\dds)(i{2,3})\b", r" \1\2", plain)  # 7dii, 1dsiii
    plain = re.sub(r"[^0-9a-z.]+", " ", plain)
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", plain)
    plain = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", plain)
    return [ROMAN.get(token, token) for token in plain.split() if token not in NOISE]


def search_key(text: str) -> str:
    """The text a product name is matched by: its tokens, then its short letter runs joined (ts e: tse)."""
    tokens = name_tokens(text)
    joins = []
    for size in (2, 3):
        for start in range(len(tokens) - size + 1):
            run = tokens[start : start + size]
            joined = "".join(run)
            if len(joined) <= 4 and all(token.isalpha() for token in run):
                joins.append(joined)
    return f" {' '.join(tokens)} | {' '.join(joins)} "
