"""One-time codes that people read to each other: unambiguous characters, the last one a check character."""

from collections.abc import Callable

from cps_portal.core.lib.text import clean_code

ALPHABET = "23456789ACDEFGHJKMPQRTVWXY"  # no 0, O, 1, I, L, B, S, U, Z, N, which look or sound like others
LENGTH = 12  # with the check character; the other 11 of 26 characters are 51 bits
GROUP = 4


def new_code(pick: Callable[[str], str]) -> str:
    """A new code without hyphens. `pick` draws a random character."""
    body = "".join(pick(ALPHABET) for _sign in range(LENGTH - 1))
    return body + _check_sign(body)


def format_code(code: str) -> str:
    """The code in groups, as people read it."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def normalise(typed: str) -> str:
    """A typed code in capitals, without spaces and hyphens, with the digits of any script as 0 to 9."""
    return "".join(sign for sign in clean_code(typed) if sign.isalnum())


def has_valid_check_character(code: str) -> bool:
    """Whether the check character is right. It detects any single wrong character and most swapped neighbours."""
    if len(code) != LENGTH or any(sign not in ALPHABET for sign in code):
        return False
    return _check_sign(code[:-1]) == code[-1]


def _check_sign(body: str) -> str:
    """The check character by the Luhn mod N algorithm."""
    size = len(ALPHABET)
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = ALPHABET.index(sign) * (2 if place % 2 == 0 else 1)
        total += value // size + value % size
    return ALPHABET[-total % size]
