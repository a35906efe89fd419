"""References of cases, packs, parcels and tickets: short, easy to dictate, and with a check character."""

import secrets
from collections.abc import Callable

from cps_portal.core.lib.text import clean_code

# No vowels, so that no words appear; no I, L, O and 1, which look alike. Its length is prime: see check_sign.
ALPHABET = "023456789BCDFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 7
LENGTH = BODY_LENGTH + 1


def check_character(body: str) -> str:
    """The last character of the reference with this body.

    A weighted sum modulo a prime: a single wrong character and two swapped characters are always detected.
    """
    total = sum(weight * ALPHABET.index(character) for weight, character in enumerate(body, start=2))
    return ALPHABET[total % len(ALPHABET)]


def reference(body: str) -> str:
    """The reference with this body. Raises ValueError if the body has a wrong length or character."""
    if len(body) != BODY_LENGTH or not set(body) <= set(ALPHABET):
        raise ValueError(f"not the body of a reference: {body!r}")
    return body + check_character(body)


def parse_reference(text: str) -> str:
    """A reference as typed: ignores case, blanks and dashes, and reads O as 0. "" if it is not valid."""
    characters = "".join(clean_code(text).split()).replace("-", "").replace("O", "0")
    good = (
        len(characters) == LENGTH
        and set(characters) <= set(ALPHABET)
        and check_character(characters[:BODY_LENGTH]) == characters[BODY_LENGTH]
    )
    return characters if good else ""


def format_reference(characters: str) -> str:
    """For people: two groups of four characters."""
    return f"{characters[:4]}-{characters[4:]}"


def new_reference(taken: Callable[[str], bool]) -> str:
    """A random reference that is not `taken` yet."""
    while True:
        drawn = reference("".join(secrets.choice(ALPHABET) for _position in range(BODY_LENGTH)))
        if not taken(drawn):
            return drawn
