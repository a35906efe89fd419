"""Text that people type or paste, cleaned for each purpose: names, messages, e-mail addresses, codes, look-ups.

Pages copy invisible signs along (direction marks, soft hyphens, byte order marks), keyboards type other digits, and
phones compose accents in their own way. One function for each purpose.
No framework.
"""

import re
import unicodedata

ZERO_WIDTH_JOINERS = "\u200c\u200d"  # Persian, Hindi, Sinhala and emoji need them between two signs
# Scripts in which a joiner changes nothing that is drawn, so that two names with and without it would look the same.
SCRIPTS_WITHOUT_JOINERS = {
    "LATIN",
    "GREEK",
    "CYRILLIC",
    "ARMENIAN",
    "GEORGIAN",
    "HEBREW",
    "CJK",
    "HANGUL",
    "HIRAGANA",
    "KATAKANA",
    "FULLWIDTH",
    "HALFWIDTH",
    "COMBINING",
}
# Invisible by what they draw, not by category: Hangul fillers, the Braille blank, Khmer vowels, placeholders.
BLANK_LETTERS = "\u034f\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\ufffc"
IGNORABLE = re.compile("[\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]")  # unassigned, but never to be drawn
# Format characters by category that are drawn: signs of years and numbers in Arabic, Syriac and Kaithi.
VISIBLE_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
VARIATION_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Flags of England, Scotland and others: a black flag, letters as invisible tags, and a tag that ends them.
TAGGED_FLAG = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)")
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Co", "Cs"}  # not Cn: letters and emoji newer than our tables are in it
FULL_WIDTH = re.compile("[\uff01-\uff5e\ufe6b]")
EMAIL_DOTS = str.maketrans("\u3002\uff61", "..")
IN_BRACKETS = re.compile(r"<([^<>]*@[^<>]*)>")
SLASHES = "/\\\u2044\u2215\u29f5\u29f8\ufe68\uff0f\uff3c\u2571\u2afd"
# Capitals of other scripts, and signs, that look like a letter or digit of a serial number.
LOOK_ALIKES = str.maketrans("OQILАВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "0011ABE51JKMH0PCTXYABEZH1KMN0PTYX")


def clean_name(text: str) -> str:
    """Composed (NFC), without invisible signs, blanks made single: for names and other single lines.

    A joiner stays where it changes what is drawn. Text of invisible signs or accents only becomes "".
    """
    line = " ".join(_without_invisible(text).split())
    while line and unicodedata.category(line[0])[0] in "MZ":  # an accent would be drawn on what stands before it
        line = line[1:]
    return line


def clean_text(text: str) -> str:
    """As `clean_name`, but with its lines and the blanks in them: for messages and notes."""
    lines = re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text)
    return "\n".join(_without_invisible(line).rstrip() for line in lines).strip()


def clean_email(text: str) -> str:
    """The bare address in lower case: without a name, `mailto:`, brackets, blanks, invisible signs and a last dot.

    Full-width signs become plain ones. Accents stay, because they make another address. Control characters stay, too:
    nobody pastes them by accident, so the address has to be refused. International domains are in their own letters.
    """
    composed = unicodedata.normalize("NFC", FULL_WIDTH.sub(_plain_sign, text)).lower()
    letters = [sign for sign in composed if not sign.isspace() and not _is_dropped_from_email(sign)]
    address = "".join(letters).translate(EMAIL_DOTS)
    bracketed = IN_BRACKETS.search(address)
    address = (bracketed.group(1) if bracketed else address).strip("<>\"'“”„«»,;")
    if address.startswith("mailto:"):
        address = address.removeprefix("mailto:").partition("?")[0]
    local, at, domain = address.rstrip(".,;").rpartition("@")
    return f"{local}{at}{_international_domain(domain)}"


def clean_password(text: str) -> str:
    """One form (NFKC) of a password that keyboards and phones compose differently. Nothing is removed from it."""
    return unicodedata.normalize("NFKC", text)


def has_address(text: str) -> bool:
    """Whether a name contains a web address or a slash of any kind, with which a mail to a stranger could lure."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "www." in plain or any(sign in plain for sign in SLASHES)


def clean_code(text: str) -> str:
    """Capitals, digits of every script as 0 to 9, without invisible signs: for serial numbers, codes, references."""
    letters = []
    for sign in unicodedata.normalize("NFKC", text):
        if (unicodedata.category(sign) in INVISIBLE_CATEGORIES and not sign.isspace()) or sign in BLANK_LETTERS:
            continue
        digit = unicodedata.decimal(sign, None)
        letters.append(sign if digit is None else str(digit))
    capitals = "".join(letters).replace("ı", "i").replace("i\u0307", "i").upper().replace("İ", "I")
    return unicodedata.normalize("NFKC", capitals)  # upper() can leave parts, as of ŉ


def latin_digits(text: str) -> str:
    """Digits of every script as 0 to 9; everything else as it is."""
    return "".join(sign if (digit := unicodedata.decimal(sign, None)) is None else str(digit) for sign in text)


def clean_digits(text: str) -> str:
    """`clean_code` without blanks and hyphens: for member and card numbers, which people write in groups."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", clean_code(text))


def look_alike_code(code: str) -> str:
    """`code`, cleaned, with every sign that looks like another as that one: only to look up, never to store."""
    return code.translate(LOOK_ALIKES)


def _plain_sign(full_width: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", full_width.group())


def _is_dropped_from_email(sign: str) -> bool:
    is_selector = VARIATION_SELECTOR.match(sign) is not None
    return unicodedata.category(sign) == "Cf" or sign in BLANK_LETTERS or is_selector or bool(IGNORABLE.match(sign))


def _international_domain(domain: str) -> str:
    """`xn--mnchen-3ya.de` as `münchen.de`, so that both are one address; unchanged if it is not such a domain."""
    if "xn--" not in domain:
        return domain
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def _without_invisible(text: str) -> str:
    parts = TAGGED_FLAG.split(unicodedata.normalize("NFC", text).replace("\u2800", " "))
    return "".join(part if place % 2 else _visible_signs(part) for place, part in enumerate(parts))


def _visible_signs(text: str) -> str:
    return "".join(sign for place, sign in enumerate(text) if _is_visible(text, place))


def _is_visible(text: str, place: int) -> bool:
    sign, before, after = text[place], text[place - 1 : place] if place else "", text[place + 1 : place + 2]
    if sign in ZERO_WIDTH_JOINERS:
        return bool(before and after) and _takes_joiner(before) and _takes_joiner(after)
    if VARIATION_SELECTOR.match(sign):
        return _takes_selector(before, after)
    if sign in BLANK_LETTERS or IGNORABLE.match(sign):
        return False
    return sign.isspace() or sign in VISIBLE_FORMATS or unicodedata.category(sign) not in INVISIBLE_CATEGORIES


def _takes_joiner(sign: str) -> bool:
    """Whether a joiner beside this sign can change how it is drawn: in emoji, Arabic, Indic and similar scripts."""
    if VARIATION_SELECTOR.match(sign):
        return True
    category = unicodedata.category(sign)
    script = unicodedata.name(sign, "").partition(" ")[0]
    return category[0] in "LMNS" and script not in SCRIPTS_WITHOUT_JOINERS and not sign.isascii()


def _takes_selector(before: str, after: str) -> bool:
    """Whether a variation selector stands after a symbol, a keycap, or a letter of a script that has variants."""
    if not before:
        return False
    category = unicodedata.category(before)
    return category[0] == "S" or category == "Lo" or after == "\u20e3" or before in "\u203c\u2049\u3030\u303d"
