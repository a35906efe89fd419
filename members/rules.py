"""The arithmetic of membership: values in, values out."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise

MEMBER_NUMBER_DIGITS = 12
MEMBER_NUMBER_PREFIX = "44"
ADULT_AGE = 18


def luhn_digit(digits: str) -> str:
    """The check digit (ISO/IEC 7812) that makes ``digits`` + digit valid."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def member_number(serial: int) -> str:
    """The twelve-digit member number of the serial-th member: prefix, serial, check digit (R8)."""
    room = MEMBER_NUMBER_DIGITS - len(MEMBER_NUMBER_PREFIX) - 1
    if not 0 <= serial < 10**room:
        raise ValueError(f"no member number has room for {serial}")
    body = f"{MEMBER_NUMBER_PREFIX}{serial:0{room}d}"
    return body + luhn_digit(body)


def is_member_number(text: str) -> bool:
    """Whether ``text``, spaces ignored, is a well-formed member number with a right check digit."""
    digits = text.replace(" ", "")
    return (
        len(digits) == MEMBER_NUMBER_DIGITS
        and digits.isascii()
        and digits.isdigit()
        and luhn_digit(digits[:-1]) == digits[-1]
    )


def level_for(points: int, thresholds: Mapping[str, int]) -> str:
    """The level whose threshold is the highest one not above ``points`` (R10, R11)."""
    reached = [(at, level) for level, at in thresholds.items() if at <= points]
    if not reached:
        raise ValueError("no level starts at or below these points")
    return max(reached)[1]


def thresholds_on(rows: Iterable[tuple[str, int, date]], day: date) -> dict[str, int]:
    """Level to the points it starts at on a day: the latest of the ``(level, points from, valid from)`` rows."""
    begun = sorted((row for row in rows if row[2] <= day), key=lambda row: row[2])
    return {level: points for level, points, _since in begun}


def next_level(points: int, thresholds: Mapping[str, int]) -> tuple[str, int] | None:
    """The next level above ``points`` and how many points are missing to it; None at the top (R12)."""
    ahead = [(at, level) for level, at in thresholds.items() if at > points]
    if not ahead:
        return None
    at, level = min(ahead)
    return level, at - points


def scale_position(points: int, thresholds: Mapping[str, int]) -> float:
    """Where points stand on the scale of levels, in percent: every level is as long, the highest is its end."""
    stops = sorted(thresholds.values())
    for place, (low, high) in enumerate(pairwise(stops)):
        if points < high:
            return 100 * (place + (points - low) / (high - low)) / (len(stops) - 1)
    return 100.0


def fewest_to_close(gap: int, offers: Iterable[tuple[int, int]]) -> list[int]:
    """The keys of the fewest ``(key, points)`` offers that together close ``gap``, largest first (R12).

    Empty if all of them together do not.
    """
    chosen: list[int] = []
    for key, points in sorted(offers, key=lambda offer: (-offer[1], offer[0])):
        if gap <= 0:
            break
        chosen.append(key)
        gap -= points
    return chosen if gap <= 0 else []
