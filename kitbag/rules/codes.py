"""One-time codes that people read to each other: no signs that look or sound alike, and one that checks the rest."""

from collections.abc import Callable

ALPHABET = "23456789ACDEFGHJKMPQRTVWXY"  # of signs that look alike only one: no 0, O, 1, I, L, B, S, U, Z, N
LENGTH = 12  # the last sign checks the others; 11 signs of 26 are 51 bits
GROUP = 4


def new_code(pick: Callable[[str], str]) -> str:
    """A new code without its hyphens; `pick` draws one sign."""
    body = "".join(pick(ALPHABET) for _sign in range(LENGTH - 1))
    return body + _check_sign(body)


def shown(code: str) -> str:
    """In groups, as people read it."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def normalise(typed: str) -> str:
    """What was typed, in capitals, without spaces and hyphens."""
    return "".join(sign for sign in typed.upper() if sign.isalnum())


def is_well_typed(code: str) -> bool:
    """Whether the sign that checks fits the rest: it finds one wrong sign and two that changed places."""
    if len(code) != LENGTH or any(sign not in ALPHABET for sign in code):
        return False
    return _check_sign(code[:-1]) == code[-1]


def _check_sign(body: str) -> str:
    """Luhn's way, for as many signs as the alphabet has."""
    size = len(ALPHABET)
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = ALPHABET.index(sign) * (2 if place % 2 == 0 else 1)
        total += value // size + value % size
    return ALPHABET[-total % size]
