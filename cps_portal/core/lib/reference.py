"""References that survive a phone call: of cases, packs, parcels and tickets."""

import secrets
from collections.abc import Callable

# No vowels, so no words; no I, L, O and 1, which look like others. Their number is prime: see check_sign.
ALPHABET = "023456789BCDFGHJKMNPQRSTVWXYZ"
BODY = 7
LENGTH = BODY + 1


def check_sign(body: str) -> str:
    """The sign that makes `body` a reference.

    A weighted sum over a prime number of signs: one wrong sign or two that changed places never go unseen.
    """
    total = sum(weight * ALPHABET.index(sign) for weight, sign in enumerate(body, start=2))
    return ALPHABET[total % len(ALPHABET)]


def reference(body: str) -> str:
    """The reference with this body. Raises ValueError for signs or a length that no reference has."""
    if len(body) != BODY or not set(body) <= set(ALPHABET):
        raise ValueError(f"not the body of a reference: {body!r}")
    return body + check_sign(body)


def read_reference(text: str) -> str:
    """A reference as typed or heard: blanks, dashes and small letters do not matter, O is 0. "" if it is none."""
    signs = "".join(text.split()).replace("-", "").upper().replace("O", "0")
    good = len(signs) == LENGTH and set(signs) <= set(ALPHABET) and check_sign(signs[:BODY]) == signs[BODY]
    return signs if good else ""


def in_groups(signs: str) -> str:
    """As people read it: two groups of four."""
    return f"{signs[:4]}-{signs[4:]}"


def new_reference(taken: Callable[[str], bool]) -> str:
    """A reference drawn at random that is not `taken` yet."""
    while True:
        drawn = reference("".join(secrets.choice(ALPHABET) for _sign in range(BODY)))
        if not taken(drawn):
            return drawn
