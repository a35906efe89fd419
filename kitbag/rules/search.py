"""The tokens of a product name, and the key that the search matches (R16)."""

import re
import unicodedata

ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7"}
NOISE = {"mark", "mk", "mm", "canon", "lens", "the", "version", "ver", "gen", "millimeter", "millimetre"}
JOINED = "_"  # between the tokens of one word, while a text is cut

# Letters of other scripts that look like Latin ones. A word becomes Latin only if all its letters do.
LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԚԜаеоѕіјрсухԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορτυχӀӏƒ",
    "ABESIJKMHOPCTYXQWaeosijpcyxqwABEZHIKMNOPTYXavoptyxIlf",
)
NUMERAL = r"(?:i{1,3}|iv|vi{0,2}|\d)(?![a-z0-9])"
# "Mark II" as people write it: 5dmk3, r5 marc ii, R6 mrk.2. A plain "m" counts only after a number: r5m2, but EOS M2.
MARK = r"(?:mark|marck|marc|mrk|mk)[\s.-]*"
MISSPELT_MARK = r"(?<![a-z])(?:mkr|makr|mrak|marl|mak|mar|mka|amrk)[\s.-]*"
SHORT_MARK = r"(\d(?:\s?d)?(?:\s?[sxc])?)\s*m\s*"
MARKS = [
    *((rf"(?<=mark ){word}(?![a-z])", number) for word, number in (("two", "2"), ("three", "3"), ("four", "4"))),
    (rf"{MARK}(?={NUMERAL})", " "),
    (rf"{MISSPELT_MARK}(?={NUMERAL})", " "),
    (rf"{SHORT_MARK}(?=(?:[2-7]|i{{2,3}}|iv)(?![a-z0-9]))", r"\1 "),
]
MARKED = re.compile(rf"(?:{MARK}|{MISSPELT_MARK}|{SHORT_MARK})\d$")
FAMILIES = "eos|rebel|kiss|powershot|ixus|legria|vixia|speedlite|pixma|selphy"
SPLITS = [  # words that are run together
    (r"(?<![a-z])canon(?=eos|rf|ef|power)", ""),
    (rf"(?<![a-z])({FAMILIES})(?=[a-z\d])", r"\1_"),
    (r"(?<![a-z])(rf|ef)(?=eos|\d)", r"\1_"),
    (r"(?<=\dd)x(?=[i\d]*(?![a-z0-9]))", "_x_"),  # 1dx, 1dxiii, 1dx2
    (r"(?<=\dd)c(?![a-z0-9])", "_c"),  # 1dc
    (r"(?<=\dds)r(?![a-z0-9])", "_r"),  # 5dsr
    (r"(?<=\d[a-hj-z])(i{2,3}|iv)\b|(?<=\dds)(i{2,3})\b", r"_\1\2"),  # 7dii, 1dsiii
    (r"(?<=\d)(i{2,3}|iv)(?![a-z0-9])|(?<![a-z0-9])([a-hj-u])(i{2,3})(?![a-z0-9])", r"\2_\1\3"),  # c300iii, giii
    (r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", "_"),
]
FEATURE = r"l|is|usm|stm|vcm|do|macro|iii|ii|iv|pz|z"  # of a lens; run together: f4lis, isiiusm
FEATURES = re.compile(rf"(?:{FEATURE}){{2,}}")
APERTURES_WITHOUT_POINT = r"1[248]|2[258]|3[25]|4[05]|56|63|71"  # f28; not f11 and f22, which are apertures


def without_signs(text: str) -> str:
    """The text in compatible letters ("Ｒ" as R), without accents and invisible signs."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in letters if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")


def fold(text: str) -> str:
    """The text in lower case, without accents and invisible signs, with the digits of any script as 0 to 9."""
    letters = without_signs(text).lower().replace("ı", "i")
    if letters.isascii():
        return letters
    return "".join(letter if (digit := unicodedata.decimal(letter, None)) is None else str(digit) for letter in letters)


def phrase(text: str) -> str:
    """Words of any script, folded, with a blank between them."""
    return " ".join(re.findall(r"[^\W_]+", fold(text)))


def is_one_typo(word: str, other: str) -> bool:
    """Whether one letter more, less, other, or two neighbours swapped make one word the other."""
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    same = next((n for n, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    a, b = word[same:], other[same:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _as_latin(text: str) -> str:
    """Words of letters that look like Latin ones, as Latin: ЕОS with a Cyrillic Е and О."""

    def latin(word: re.Match[str]) -> str:
        changed = word[0].translate(LOOK_ALIKES)
        return changed if changed.isascii() else word[0]

    return re.sub(r"\w+", latin, text)


def name_words(text: str) -> list[list[str]]:
    """The tokens of each word of a name: "EOS 5D Mark III" becomes eos; 5, d; 3.

    The f of an aperture is dropped ("f/2.8", "F4L"), that of a name is kept ("F-1", "CanoScan 9000F").
    """
    plain = _without_units(fold(text if text.isascii() else _as_latin(without_signs(text))))
    plain = re.sub(r"[^0-9a-z.]+", " ", plain)
    for pattern, replacement in (*MARKS, *SPLITS):
        plain = re.sub(pattern, replacement, plain)
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", plain)
    words = ([token for part in word.split(JOINED) for token in _features(part)] for word in plain.split())
    return [kept for word in words if (kept := [ROMAN.get(token, token) for token in word if token not in NOISE])]


def is_finished(text: str) -> bool:
    """Whether the last number cannot become a longer one: it has a unit, or is a numeral, as in "r5 mk2"."""
    plain = fold(text).rstrip()
    return bool(MARKED.search(plain)) or plain.endswith(".0") or not re.search(r"\d\.?$", plain)


def name_tokens(text: str) -> list[str]:
    """The words and numbers by which a product name is found: "EOS 5D Mark III" becomes eos, 5, d, 3."""
    return [token for word in name_words(text) for token in word]


def _without_units(plain: str) -> str:
    """Without what surrounds the numbers of a lens: 50 mm, f/1,2, 1:2.8, f28, 4.0."""
    plain = re.sub(r"[‐-―−]", "-", plain.replace("×", "x"))
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    plain = re.sub(r"(?<=[\s/f])\.(?=\d\d)", "0.", plain)
    plain = re.sub(r"(?<!\d)1\s*:\s*(?=\d)", " ", plain)
    plain = re.sub(r"(?<=\d)\s*mm(?![a-eg-z])|(?<=\d)mm(?=is|usm|stm|macro)", " ", plain)
    if not re.match(r"\s*(?:canon\s+|new\s+)*f[\s-]?1(?![\d.])", plain):
        plain = re.sub(
            rf"(?<![a-z-])f\s*/?\s*(?:({APERTURES_WITHOUT_POINT}))(?![\d.])", lambda f: f" {'.'.join(f[1])}", plain
        )
        plain = re.sub(r"(?<![a-z0-9-])f\s*[/.:]?\s*(?=\d)|(?<=\d)f(?=\d)", " ", plain)
    return re.sub(r"(?<=\d)\.0(?!\d)", "", plain)


def _features(part: str) -> list[str]:
    return re.findall(FEATURE, part) if part not in ROMAN and FEATURES.fullmatch(part) else [part] if part else []


def search_key(text: str) -> str:
    """The text that is matched for a product name: its tokens, then what people run together.

    Those are short runs of letters ("ts e" as tse) and the ends of a zoom's range ("70-200mm" as 70200). A lens of one
    focal length has it with its unit ("400mm"), so that it can be preferred to zooms that reach it.
    """
    tokens = name_tokens(text)
    joins = []
    for size in (2, 3):
        for start in range(len(tokens) - size + 1):
            run = tokens[start : start + size]
            joined = "".join(run)
            if len(joined) <= 4 and all(token.isalpha() for token in run):
                joins.append(joined)
    joins += ["".join(ends) for ends in re.findall(r"(?<![\d.])(\d+)-(\d+)mm", text)]
    joins += re.findall(r"(?<![\d.-])\d+mm", text)
    return f" {' '.join(tokens)} | {' '.join(joins)} "
