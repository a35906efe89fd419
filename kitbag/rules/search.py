"""The tokens of a product name, and the key that the search matches (R16)."""

import re
import unicodedata

ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7"}
NOISE = {"mark", "mk", "mm", "canon", "lens", "the"}


def _plain_letters(text: str) -> str:
    """The text in lower case, without accents, with the digits of any script as 0 to 9."""
    letters = []
    for letter in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(letter):
            continue
        digit = unicodedata.decimal(letter, None)
        letters.append(letter if digit is None else str(digit))
    return "".join(letters).lower()


def name_tokens(text: str) -> list[str]:
    """The words and numbers by which a product name is found: "EOS 5D Mark III" becomes eos, 5, d, 3.

    The f of an aperture is dropped ("f/2.8", "F4L"), that of a name is kept ("F-1", "CanoScan 9000F").
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
    """The text that is matched for a product name: its tokens, then short runs of letters joined ("ts e" as tse)."""
    tokens = name_tokens(text)
    joins = []
    for size in (2, 3):
        for start in range(len(tokens) - size + 1):
            run = tokens[start : start + size]
            joined = "".join(run)
            if len(joined) <= 4 and all(token.isalpha() for token in run):
                joins.append(joined)
    return f" {' '.join(tokens)} | {' '.join(joins)} "
