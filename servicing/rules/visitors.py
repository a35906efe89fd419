"""What is known of the cards of elsewhere: their regions, by code or former name, and who serves them (R5, R65)."""

import re
from collections.abc import Mapping

from members.rules import Home
from servicing.enums import CardRegion

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
