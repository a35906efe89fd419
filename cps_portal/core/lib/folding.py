"""Names folded for search, so that people are found as they are typed on any keyboard. Never for storing a name.
No framework.
"""

import re
import unicodedata

MAX_WORD_LENGTH = 40
MAX_WORDS = 12

# Apostrophes of all kinds, also the Hawaiian ʻ, the Ukrainian ʼ, hamza and ayin as scholars write them, and accents
# that are typed for an apostrophe. Taken out before decomposing, which would make a blank of ´.
APOSTROPHES = dict.fromkeys(map(ord, "'‘’‛`´′ʹʻʼʽʾʿˈ՚׳＇ꞌ"))
# Letters that do not decompose, casefolded, because folding begins with that: Latin; Cyrillic ones of Ukrainian, Kazakh
# and others that are typed as the Russian ones; Arabic with the forms of Persian and Urdu keyboards. Tatweel only makes
# a word longer, and hamza is often left out.
LETTERS = str.maketrans(
    "øłđðıŋħŧĸəɛɔɖƒɓɗƙƴґқғңөұүһәٱىیېےکةہھە",
    "olddinhtkeeodfbdkyгкгноуухаاييييكهههه",
    "ـء",
)
LONG_LETTERS = str.maketrans({"þ": "th", "æ": "ae", "œ": "oe"})
HIRAGANA = dict(zip(range(0x30A1, 0x30F7), range(0x3041, 0x3097), strict=True))  # from katakana
# How these letters are written where they cannot be typed. Searched for as well as without the accent.
TRANSLITERATIONS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ə": "a", "đ": "dj"})
KEPT_MARKS = {8, 9}  # combining classes: the voicing of kana, and the virama of Indic scripts
SHORT_I = "й"
# Letters of their own in the Turkish alphabet, behind the one they look like; i without a dot comes before the other.
TURKISH_LETTERS = str.maketrans(
    {"ç": "cz", "ğ": "gz", "ı": "hzz", "ö": "oz", "ş": "sz", "ü": "uz"}
    | {"Ç": "cz", "Ğ": "gz", "I": "hzz", "İ": "i", "Ö": "oz", "Ş": "sz", "Ü": "uz"}
)
LETTER_BY_LETTER = re.compile("([\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff])")  # Chinese, Korean: no blanks


def fold(text: str) -> str:
    """Casefolded, without accents, apostrophes and other differences that people leave out when they type a name."""
    plain = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    plain = unicodedata.normalize("NFC", plain)
    letters = "".join(letter if letter == SHORT_I else unicodedata.normalize("NFKD", letter) for letter in plain)
    kept = "".join(letter for letter in letters if unicodedata.combining(letter) in {0, *KEPT_MARKS})
    kept = kept.translate(LETTERS).translate(LONG_LETTERS).translate(HIRAGANA)
    digits = (str(unicodedata.decimal(letter, letter)) for letter in kept if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", "".join(digits))


def alphabet_key(text: str, language: str) -> tuple[str, str]:
    """The key to sort names as a dictionary of this language does: Turkish has ç after c, the others not."""
    own = text.translate(TURKISH_LETTERS) if language == "tr" else text
    return fold(own), text


def name_words(name: str) -> list[str]:
    """What a search may begin with: the folded name from each of its parts on, written together.

    "Jan van der Merwe" gives janvandermerwe, vandermerwe, dermerwe and merwe; "O’Brien" obrien and brien; names without
    blanks (Chinese, Korean) from each letter on; "Müller" muller and mueller. At most `MAX_WORD_LENGTH` letters each.
    """
    spaced = "".join(" " if ord(letter) in APOSTROPHES else letter for letter in name)
    words: dict[str, None] = {}
    for variant in _variants(spaced):
        parts = _parts(variant)
        words |= dict.fromkeys("".join(parts[place:])[:MAX_WORD_LENGTH] for place in range(len(parts)))
    return list(words)


def query_words(typed: str) -> list[list[str]]:
    """For each word typed, the beginnings of which one has to match: as it is, and written with its neighbour.

    "Mc Donald" gives [mc, mcdonald] and [donald, mcdonald], so that it finds McDonald. Empty if no letter was typed.
    """
    variants = [words for words in map(_token_variants, re.split(r"[\s,;]+", typed)) if words][:MAX_WORDS]
    tokens = [own[0] for own in variants]
    alternatives = []
    for place, own in enumerate(variants):
        pairs = ["".join(tokens[at : at + 2]) for at in (place - 1, place) if 0 <= at < len(tokens) - 1]
        alternatives.append(list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in [*own, *pairs, "".join(tokens)])))
    return alternatives


def _parts(folded: str) -> list[str]:
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded)
    return LETTER_BY_LETTER.sub(r" \1 ", spaced).split()


def _token_variants(token: str) -> list[str]:
    return [word for word in ("".join(_parts(variant)) for variant in _variants(token)) if word]


def _variants(text: str) -> list[str]:
    composed = unicodedata.normalize("NFKC", text).casefold()
    return list(dict.fromkeys([fold(text), fold(composed.translate(TRANSLITERATIONS))]))
