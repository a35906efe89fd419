"""Text that people type or paste, cleaned for each purpose: names, messages, e-mail addresses, codes, look-ups.

Pages copy invisible signs along (direction marks, soft hyphens, byte order marks), keyboards type other digits, and
phones compose accents in their own way. One function for each purpose.
No framework.
"""

import re
import unicodedata

ZERO_WIDTH_JOINERS = "\u200c\u200d"  # Persian, Hindi, Sinhala and emoji need them between two signs
# Letters by category that are nevertheless invisible: Hangul fillers, the Braille blank, Khmer inherent vowels.
BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5"
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Co", "Cs"}  # not Cn: letters and emoji newer than our tables are in it
# Capitals of other scripts, and signs, that look like a letter or digit of a serial number.
LOOK_ALIKES = str.maketrans("OQILАВЕЅІЈКМНОРСТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "0011ABE51JKMH0PCTXYABEZH1KMN0PTYX")


def clean_name(text: str) -> str:
    """Composed (NFC), without invisible signs, blanks made single: for names and other single lines.

    A joiner stays between two signs that are drawn. Text of invisible signs only becomes "".
    """
    return " ".join(_without_invisible(text).split())


def clean_text(text: str) -> str:
    """As `clean_name`, but with its lines and the blanks in them: for messages and notes."""
    lines = re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text)
    return "\n".join(_without_invisible(line).rstrip() for line in lines).strip()


def clean_email(text: str) -> str:
    """Lower case, without blanks and invisible signs; accents stay, because they make another address.

    Control characters stay, too: nobody pastes them by accident, so the address has to be refused.
    """
    composed = unicodedata.normalize("NFC", text).lower()
    return "".join(sign for sign in composed if not sign.isspace() and unicodedata.category(sign) != "Cf")


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


def look_alike_code(code: str) -> str:
    """`code`, cleaned, with every sign that looks like another as that one: only to look up, never to store."""
    return code.translate(LOOK_ALIKES)


def _without_invisible(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(sign for place, sign in enumerate(composed) if _is_visible(composed, place))


def _is_visible(text: str, place: int) -> bool:
    sign = text[place]
    if sign in ZERO_WIDTH_JOINERS:
        around = text[place - 1 : place] + text[place + 1 : place + 2]
        return place > 0 and len(around) == 2 and all(unicodedata.category(one)[0] in "LMS" for one in around)
    if sign in BLANK_LETTERS:
        return False
    return sign.isspace() or unicodedata.category(sign) not in INVISIBLE_CATEGORIES
