"""Whom a planned change of a country touches, for the preview before it is planned (R1, R22)."""

from dataclasses import dataclass

from django.db.models import Count

from members.actions import members_of_country
from members.enums import Level
from members.models import CountryPlan
from members.offers.models import SIGNED_UP, Card, SignUp, WelcomePack
from members.offers.rules import UNPACKED_STATES
from servicing.enums import BEFORE_INTAKE, Track
from servicing.models import ServiceCentre, Ticket


@dataclass(frozen=True)
class Touched:
    """How many open accounts there are in the country, by level and language, and what of theirs rests or stays."""

    members: int
    levels: list[tuple[Level, int]]
    languages: list[tuple[str, int]]
    cards: int
    packs: int  # not packed yet: they are cancelled
    in_line: int  # waiting for, or holding, a place at an event
    jobs_to_come: int  # Fast Track, not booked in: they become standard
    jobs_at_centre: int  # finished as promised
    centres: int  # open ones in the country


def read_touched(plan: CountryPlan) -> Touched:
    """In a fixed number of queries, however many members there are."""
    members = members_of_country(plan).order_by()
    levels = dict(members.values_list("level").annotate(Count("pk")))
    languages = dict(members.values_list("language").annotate(Count("pk")))
    of_members = {"member__country": plan.country.code, "member__closed_at": None}
    tickets = Ticket.objects.filter(**of_members, ended_at=None)
    return Touched(
        members=sum(levels.values()),
        levels=[(level, levels[level]) for level in Level if level in levels],
        languages=sorted(languages.items(), key=lambda found: -found[1]),
        cards=Card.objects.live().filter(**of_members).count(),
        packs=WelcomePack.objects.filter(**of_members, state__in=UNPACKED_STATES).count(),
        in_line=SignUp.objects.filter(**of_members, state__in=SIGNED_UP).count(),
        jobs_to_come=tickets.filter(state__in=BEFORE_INTAKE, track=Track.FAST).count(),
        jobs_at_centre=tickets.exclude(state__in=BEFORE_INTAKE).count(),
        centres=ServiceCentre.objects.open().filter(country=plan.country.code).count(),
    )
