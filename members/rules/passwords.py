"""How easy a new password is to guess, judged offline by zxcvbn and by words of the service and the person."""

import re
import threading
from collections.abc import Iterable
from enum import StrEnum

from anyascii import anyascii
from zxcvbn import zxcvbn

MIN_SCORE = 4  # of zxcvbn: more than ten thousand million guesses
MAX_JUDGED_LENGTH = 24  # signs; zxcvbn needs seconds for long ones that are full of look-alikes
MIN_OTHER_SIGNS = 6  # letters and digits that a password has besides words of the service and of the person
MIN_WORD_LENGTH = 3
LOOK_ALIKES = str.maketrans("@4831!0$57", "aabeliosst")

# zxcvbn keeps the words of the last call in a module: two threads at once would judge by each other's words.
_one_at_a_time = threading.Lock()


class Weakness(StrEnum):
    """Why a password is easy to guess."""

    OWN_WORDS = "own_words"
    COMMON = "common"
    KEYBOARD = "keyboard"
    REPEATED = "repeated"
    IN_ORDER = "in_order"
    DATE = "date"
    SHORT_WORDS = "short_words"


PATTERNS = {
    "spatial": Weakness.KEYBOARD,
    "repeat": Weakness.REPEATED,
    "sequence": Weakness.IN_ORDER,
    "date": Weakness.DATE,
    "regex": Weakness.DATE,
}
DICTIONARIES = {"passwords": Weakness.COMMON, "user_inputs": Weakness.OWN_WORDS}


def words_of(texts: Iterable[str]) -> list[str]:
    """The words of names, addresses and numbers, in plain lower-case letters: `Zoë.N@x.org` has zoe, x.org has org."""
    parts = (part for text in texts for part in re.split(r"[^a-z0-9]+", anyascii(text).lower()))
    letters = (piece for part in parts for piece in (part, part.strip("0123456789")))
    return [word for word in dict.fromkeys(letters) if len(word) >= MIN_WORD_LENGTH]


def find_weakness(password: str, words: Iterable[str]) -> Weakness | None:
    """Why the password is easy to guess for who knows `words`; None if it is not.

    Only the beginning of a long one is judged, which can only make it look weaker than it is.
    """
    known = words_of(words)
    if _is_made_of(password, known):
        return Weakness.OWN_WORDS
    with _one_at_a_time:
        judged = zxcvbn(password[:MAX_JUDGED_LENGTH], user_inputs=known)
    return None if judged["score"] >= MIN_SCORE else _reason(judged["sequence"])


def _is_made_of(password: str, words: list[str]) -> bool:
    """Whether little is left of it without these words, however they are spelled."""
    plain = re.sub(r"\s", "", anyascii(password).lower())
    readings = (re.sub(r"[^a-z0-9]", "", reading) for reading in (plain, plain.translate(LOOK_ALIKES)))
    return any(_has_little_else(reading, words) for reading in readings)


def _has_little_else(text: str, words: list[str]) -> bool:
    rest = text
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != text and len(rest) < MIN_OTHER_SIGNS


def _reason(sequence: list[dict[str, object]]) -> Weakness:
    """The reason that the longest guessable part gives."""
    parts = [part for part in sequence if part["pattern"] != "bruteforce"]
    if not parts:
        return Weakness.SHORT_WORDS
    longest = max(parts, key=lambda part: len(str(part["token"])))
    if longest["pattern"] == "dictionary":
        return DICTIONARIES.get(str(longest["dictionary_name"]), Weakness.SHORT_WORDS)
    return PATTERNS.get(str(longest["pattern"]), Weakness.SHORT_WORDS)
