"""What is known of the cards of elsewhere: their regions, what they look like, and who serves them (R5, R65)."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from members.rules import Home
from servicing.enums import CardDoubt, CardRegion

DIGIT, LETTER = "9", "A"  # in a shape

# What was typed while regions were free text. Names of countries count as their region.
FORMER_NAMES: Mapping[CardRegion, tuple[str, ...]] = {
    CardRegion.AMERICAS: (
        *("america", "north america", "south america", "central america", "latin america", "us", "usa"),
        *("united states", "united states of america", "canada", "mexico", "brazil"),
    ),
    CardRegion.JAPAN: ("jp", "cps japan"),
    CardRegion.CHINA: ("cn", "prc", "mainland china"),
    CardRegion.ASIA: ("asia elsewhere", "south asia", "south east asia", "southeast asia", "asia pacific"),
    CardRegion.OCEANIA: ("australia", "new zealand", "australasia", "au", "nz"),
    CardRegion.SUBSCRIPTION: ("emea subscription", "europe", "subscription programme in europe"),
    CardRegion.OTHER: ("another region",),
}
BY_NAME: Mapping[str, CardRegion] = {
    name: region for region in CardRegion for name in (region.value, *FORMER_NAMES[region])
}


def region_of(text: str) -> CardRegion:
    """The region that a text means, by code or former name; OTHER if it is none that we know."""
    return BY_NAME.get(" ".join(re.findall(r"\w+", text.casefold())), CardRegion.OTHER)


def home_of_card(region: str) -> Home:
    """Where the holder of a card belongs: the subscription programme serves its own in its countries."""
    return Home.SUBSCRIBER if region == CardRegion.SUBSCRIPTION else Home.OTHER_REGION


def shapes_of(text: str) -> tuple[str, ...]:
    """The shapes of card numbers in what staff typed: one on each line."""
    return tuple(line for line in map(str.strip, text.splitlines()) if line)


def has_shape(number: str, shape: str) -> bool:
    """Whether a number looks like `shape`: "9" is any digit, "A" any letter, every other sign itself."""
    signs, places = _without_gaps(number), _without_gaps(shape)
    return len(signs) == len(places) and all(map(_fits, signs, places))


def doubts_about_card(
    *, number: str, expires_on: date | None, today: date, shapes: Iterable[str], max_years: int | None
) -> list[CardDoubt]:
    """What is unusual about a card by the rule of its region; a rule without shapes or years doubts nothing."""
    doubts, known = [], tuple(shapes)
    if number and known and not any(has_shape(number, shape) for shape in known):
        doubts.append(CardDoubt.NUMBER)
    if expires_on and max_years and _years_from(today, max_years) < expires_on:
        doubts.append(CardDoubt.LONG)
    return doubts


def _without_gaps(text: str) -> str:
    return re.sub(r"[\s\-\u2010-\u2015]", "", text).upper()


def _fits(sign: str, place: str) -> bool:
    if place == DIGIT:
        return sign.isdecimal()
    return sign.isalpha() if place == LETTER else sign == place


def _years_from(day: date, years: int) -> date:
    """The same day some years later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
