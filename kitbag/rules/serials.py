"""Normalise serial numbers, name well-known wrong ones, notice unusual ones (R28 to R31)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cps_portal.core.lib.text import clean_code, look_alike_code
from kitbag.rules.search import name_tokens

SERIAL_FORM = re.compile(r"[A-Z0-9]{4,14}")
BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}")
LABEL_WORDS = (  # what stands before the number on a label or a receipt, in the languages of our members
    r"SERIAL|NUMBER|S[/\\]N|SN|NO|NR|N°|SERIENNUMMER|SERIENNR|SERIEN-NR|SERIEN|NUMMER|SERIE|SÉRIE|SERI|NUMERO|NÚMERO|NUMÉRO|NUMARASI|DE"
    "|СЕРИЙНЫЙ|НОМЕР|الرقم|التسلسلي"
)
SERIAL_LABEL = rf"^[^0-9A-Z]*(?:(?:{LABEL_WORDS})[\s.:#°]+)+"
WITHOUT_BRACKETS = str.maketrans("", "", "()[]{}")
BOX_CODE = re.compile(r"\d?(4549292|4960999|4957792|8714574)\d{6}")  # with or without the extra digit of an outer box
ITEM_CODE = re.compile(r"\d{4}[ABCV]\d{3}([A-Z]{2})?")
DATE_CODE_NEW = re.compile(r"[UFO][A-Z](0?[1-9]|1[0-2])\d{0,2}")
DATE_CODE_OLD = re.compile(r"[A-Z](0?[1-9]|1[0-2])\d{0,2}[UFO]")
PHONE = re.compile(r"\s*\+[\s\d().\-/]*")
SHORTENED = re.compile(r"\d+(?:[.,]\d*E\+?|E\+)\d{1,3}")  # what a spreadsheet makes of a long number: 3.3216E+11
MODEL_CODE = re.compile(r"DS\d{6}|PC\d{4}|K1\d{4}")  # printed as "model" beside the number on a label
RUNS = ("01234567890", "09876543210")
SHORTEST_RUN = 5
TO_DIGITS = str.maketrans("OQILSB", "001158")
TO_LETTERS = str.maketrans("0158", "OISB")
MODEL_FILLERS = {"body", "camera", "digital", "kit", "mount", "only", "usm", "stm", "is", "l"}
SERIAL_QUOTES = "*'’‘`\"="  # a bar-code scanner's start and stop signs, a spreadsheet's mark of text
MAX_SERIAL_LENGTH = 14
UNREADABLE = ("empty", "phone", "shortened", "ean", "imei", "item_code")  # never a serial number
MAX_PREFIX_LETTERS = 5  # letters before the digits


def normalise_serial(text: str) -> str:
    """The serial as compared with a shape: upper case, no spaces, punctuation, brackets or leading "S/N" (R28).

    What is in brackets is dropped, unless there is nothing else.
    Leading zeros are kept; `serial_key` drops them.
    """
    code = clean_code(text)
    plain = BRACKETS.sub("", code)
    if not plain.strip() and any(sign.isdigit() for sign in code):  # all of it is in brackets
        plain = code.translate(WITHOUT_BRACKETS)
    plain = re.sub(SERIAL_LABEL, "", plain)
    plain = re.sub(r"[\s\-‐-―_./:#,;|\\]+", "", plain)
    plain = plain.strip(SERIAL_QUOTES)
    return re.sub(r"^(?:SERIAL|NUMBER|SN|NO|NR)+(?=\d)", "", plain)


def serial_key(text: str) -> str:
    """The key by which serials are compared (R28): normalised, without leading zeros."""
    plain = normalise_serial(text)
    return plain.lstrip("0") or plain[:1]


def look_alike_key(text: str) -> str:
    """The key with letters that look like digits read as digits. Never to store: see `look_up_keys`."""
    return serial_key(look_alike_code(normalise_serial(text)))


def look_up_keys(text: str) -> set[str]:
    """The keys to look a serial up by: as typed, and with letters that look like digits read as digits.

    Never to store: two products may differ in just such a letter (R31).
    """
    return {serial_key(text), look_alike_key(text)} - {""}


def has_brackets(text: str) -> bool:
    """Whether the text has brackets, whose content is not part of the number."""
    return BRACKETS.search(clean_code(text)) is not None


def has_ean_check_digit(digits: str) -> bool:
    """Whether thirteen digits end in a valid EAN-13 check digit."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


@dataclass(frozen=True)
class Shape:
    """An expected shape of serial numbers (R30): a pattern for the full number of products released in these years."""

    pattern: str
    year_from: int | None = None
    year_to: int | None = None
    example: str = ""

    def covers(self, year: int | None) -> bool:
        return year is None or ((self.year_from or year) <= year <= (self.year_to or year))

    def fits(self, plain: str) -> bool:
        return re.fullmatch(self.pattern, plain) is not None


@dataclass(frozen=True)
class SerialFinding:
    """The result of checking a serial. `code` is "" if nothing is wrong.

    If it `blocks`, no serial number looks like this, and the member has to type another one. Otherwise it is a warning:
    the member may insist, and a person decides (R30). `suggestion` is the number that was probably meant, `example` a
    typical number, `other` the product that has this number, `other_key` the key of its registration.
    """

    code: str = ""
    blocks: bool = False
    suggestion: str = ""
    example: str = ""
    other: str = ""
    other_key: int = 0

    @property
    def may_insist(self) -> bool:
        return bool(self.code) and not self.blocks

    @property
    def is_stuck(self) -> bool:
        """Whether only our staff can help, if the number is as printed."""
        return self.blocks and self.code != "own_duplicate"


def check_serial(
    text: str, shapes: Iterable[Shape], year: int | None = None, names: Iterable[str] = ()
) -> SerialFinding:
    """Check a serial number for known mistakes (R29) and for an unusual shape (R30).

    `shapes` are those of the product's category; without any, every number of a possible form is accepted. A product
    without a known year may have any shape of its category. `names` are the product's own names.
    """
    plain = normalise_serial(text)
    if mistake := _what_it_is(text, plain, names):
        return SerialFinding(mistake, blocks=not SERIAL_FORM.fullmatch(plain))
    fitting = [shape for shape in shapes if shape.covers(year)]
    if plain.isascii() and any(shape.fits(plain) for shape in fitting):
        return SerialFinding()
    if not SERIAL_FORM.fullmatch(plain):
        folded = look_alike_code(plain)
        if not plain.isascii() and any(shape.fits(folded) for shape in fitting):
            return SerialFinding("letters", blocks=True, suggestion=folded)
        return SerialFinding(_form_mistake(plain), blocks=True)
    return _unusual(plain, fitting) if fitting else SerialFinding()


def _what_it_is(text: str, plain: str, names: Iterable[str]) -> str:
    if not plain:
        return "empty"
    if PHONE.fullmatch(text):
        return "phone"
    if SHORTENED.fullmatch(clean_code(text).strip(SERIAL_QUOTES + " \t")):
        return "shortened"
    if mistake := named_mistake(plain):
        return mistake
    return "model" if any(_is_model_name(text, plain, name) for name in names) else ""


def _is_model_name(text: str, plain: str, name: str) -> bool:
    """Whether the text is one of the product's names or a part of one: "EOS R5", "R5", "RF 70-200" (R29).

    A text of digits alone is the name only if it is written as in it: "70-200" is, "70200" can be a serial number.
    """
    own_plain = normalise_serial(name)
    if plain.isdigit():
        return plain == own_plain or (not text.isalnum() and clean_code(text).strip() in clean_code(name))
    if len(plain) > 1 and own_plain.removeprefix("CANON").startswith(plain.removeprefix("CANON")):
        return True
    own = [token for token in name_tokens(name) if token not in MODEL_FILLERS]
    typed = [token for token in name_tokens(text) if token not in MODEL_FILLERS]
    return bool(typed) and any(own[start : start + len(typed)] == typed for start in range(len(own)))


def look_up_problem(text: str) -> str:
    """Why a serial number cannot be looked up, or "": a code of `SerialFinding` for what is no serial number at all."""
    plain = normalise_serial(text)
    mistake = _what_it_is(text, plain, ())
    if mistake in UNREADABLE:
        return mistake
    folded = look_alike_code(plain)
    if not re.fullmatch(r"[A-Z0-9]*", folded):
        return "signs"
    if not any(sign.isdigit() for sign in plain):
        return "no_digits"
    return "long" if len(folded) > MAX_SERIAL_LENGTH else ""


def named_mistake(plain: str) -> str:
    """The kind of well-known wrong number (R29), or "": bar code, item code, date code, IMEI, made up."""
    is_number = plain.isascii() and plain.isdigit()
    if is_number and (BOX_CODE.fullmatch(plain) or (len(plain) == 13 and has_ean_check_digit(plain))):
        return "ean"
    if is_number and len(plain) == 15:
        return "imei"
    if ITEM_CODE.fullmatch(plain):
        return "item_code"
    if DATE_CODE_NEW.fullmatch(plain) or DATE_CODE_OLD.fullmatch(plain):
        return "date_code"
    return "made_up" if _is_made_up(plain) else ""


def _is_made_up(plain: str) -> bool:
    if not SERIAL_FORM.fullmatch(plain):
        return False
    return len(set(plain)) == 1 or (len(plain) >= SHORTEST_RUN and any(plain in run for run in RUNS))


def _form_mistake(plain: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]*", plain):
        return "alphabet" if re.fullmatch(r"[A-Z0-9]*", look_alike_code(plain)) else "signs"
    return "short" if len(plain) < 4 else "long"


def _unusual(plain: str, fitting: Sequence[Shape]) -> SerialFinding:
    for meant in _readings(plain):
        if any(shape.fits(meant) for shape in fitting):
            return SerialFinding("letters", suggestion=meant)
    if MODEL_CODE.fullmatch(plain):
        return SerialFinding("model")
    return SerialFinding("shape", example=next((shape.example for shape in fitting if shape.example), ""))


def _readings(plain: str) -> Iterator[str]:
    """Other readings of a number with look-alike letters and digits: all digits, or a few letters and then digits."""
    whole = [plain.translate(TO_DIGITS)]
    heads = range(1, min(MAX_PREFIX_LETTERS, len(plain)) + 1)
    kept = [plain[:head] + plain[head:].translate(TO_DIGITS) for head in heads]
    turned = [plain[:head].translate(TO_LETTERS) + plain[head:].translate(TO_DIGITS) for head in heads]
    return (reading for reading in [*whole, *kept, *turned] if reading != plain)


# --- Patterns written by staff ---

TOKEN = re.compile(r"\\d|\[(?:[A-Z0-9](?:-[A-Z0-9])?)+\]|[A-Z0-9]|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)")
REPEAT = re.compile(r"[?*+]|\{\d{1,2}(?:,(?:\d{1,2})?)?\}")
MAX_AMBIGUOUS_CHARACTERS = 6  # numbers have at most 14 characters, so backtracking over so few takes no time


def pattern_problem(pattern: str) -> str:
    """Why a pattern can't be used, or "". One that passes is fast, and means the same to Python and to the database.

    "unreadable": not a regular expression; "form": more than letters, digits, groups and repetition; "nested": a
    repeated group; "choices": so many alternatives that matching could take long.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "unreadable"
    rest = pattern.removeprefix("^").removesuffix("$")
    choices, place = 0, 0
    while place < len(rest):
        token = TOKEN.match(rest, place)
        if token is None:
            return "form"
        place = token.end()
        if token["bar"]:
            choices += 1
        if repeat := REPEAT.match(rest, place):
            if token["open"] or token["bar"]:  # (?= and its like
                return "form"
            if token["close"] and repeat.group() != "?":
                return "nested"
            choices += repeat.group() in ("?", "*", "+") or "," in repeat.group()
            place = repeat.end()
    return "choices" if choices > MAX_AMBIGUOUS_CHARACTERS else ""
