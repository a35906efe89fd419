"""Member numbers, levels and points: pure functions."""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise

MEMBER_NUMBER_DIGITS = 12
MEMBER_NUMBER_PREFIX = "44"
ADULT_AGE = 18


def luhn_digit(digits: str) -> str:
    """The Luhn check digit for `digits` (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def member_number(serial: int) -> str:
    """The twelve-digit member number: prefix, serial, check digit (R8)."""
    width = MEMBER_NUMBER_DIGITS - len(MEMBER_NUMBER_PREFIX) - 1
    if not 0 <= serial < 10**width:
        raise ValueError(f"serial {serial} does not fit into a member number")
    body = f"{MEMBER_NUMBER_PREFIX}{serial:0{width}d}"
    return body + luhn_digit(body)


def is_member_number(text: str) -> bool:
    """Whether `text`, ignoring spaces, is a member number with a correct check digit."""
    digits = text.replace(" ", "")
    return (
        len(digits) == MEMBER_NUMBER_DIGITS
        and digits.isascii()
        and digits.isdigit()
        and luhn_digit(digits[:-1]) == digits[-1]
    )


def level_for(points: int, thresholds: Mapping[str, int]) -> str:
    """The level for a number of points: the highest whose threshold is reached, else the lowest (R10, R11).

    Raises ValueError without thresholds.
    """
    if not thresholds:
        raise ValueError("no level without thresholds")
    by_points = sorted((at, level) for level, at in thresholds.items())
    reached = [level for at, level in by_points if at <= points]
    return reached[-1] if reached else by_points[0][1]


def thresholds_on(rows: Iterable[tuple[str, int, date]], day: date) -> dict[str, int]:
    """The thresholds on a day, as level to points, from `(level, points from, valid from)` rows."""
    valid = sorted((row for row in rows if row[2] <= day), key=lambda row: row[2])
    return {level: points for level, points, _valid_from in valid}  # a later row replaces an earlier one


def next_level(points: int, thresholds: Mapping[str, int]) -> tuple[str, int] | None:
    """The next level and the points missing to reach it; None at the highest level (R12)."""
    current = level_for(points, thresholds)
    ahead = [(at, level) for level, at in thresholds.items() if at > points and level != current]
    if not ahead:
        return None
    at, level = min(ahead)
    return level, at - points


def scale_position(points: int, thresholds: Mapping[str, int]) -> float:
    """Position on the scale of levels, in percent. All levels have the same length; the highest is the end."""
    stops = sorted(thresholds.values())
    for place, (low, high) in enumerate(pairwise(stops)):
        if points < high:
            return 100 * (place + (points - low) / (high - low)) / (len(stops) - 1)
    return 100.0


def fewest_to_close(gap: int, products: Iterable[tuple[int, int]]) -> list[int]:
    """The smallest set of `(key, points)` products that closes a gap of points (R12). Keys, most points first.

    Empty if all of them together are not enough.
    """
    chosen: list[int] = []
    for key, points in sorted(products, key=lambda product: (-product[1], product[0])):
        if gap <= 0:
            break
        chosen.append(key)
        gap -= points
    return chosen if gap <= 0 else []
