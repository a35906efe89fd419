"""What membership gives a member today (R65), and what changes when they move to another country (R6)."""

from collections.abc import Iterable
from datetime import date, datetime

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet

from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, LostAddress, Member, programme_in
from members.rules import ACTIVE_HOMES, Home, Membership, home_of


def membership_of(member: Member, on: date | None = None) -> Membership:
    """The member's home programme and level, today or on another day (R65)."""
    return membership_in(member, programme_in(member.country.code, on))


def membership_in(member: Member, programme: CountryProgramme | None, country: str = "") -> Membership:
    """The same in a country whose row is known; None: a country without one, by default where they live."""
    home = home_of(programme.kind, programme.service_level) if programme else Home.NO_PROGRAMME
    code = programme.country.code if programme else country or member.country.code
    if programme is None:
        return Membership(home, Level(member.level), code)
    return Membership(
        home, Level(member.level), code, programme.link, programme.on_hold, programme.served_with.code or ""
    )


def active_countries(on: date | None = None) -> QuerySet[CountryProgramme, str]:
    """The codes of the countries where membership is active: `Membership.is_active` for many members at once (R65)."""
    active_kinds = [kind for kind in Programme if home_of(kind, ServiceLevel.FULL) in ACTIVE_HOMES]
    return CountryProgramme.objects.in_force(on).filter(kind__in=active_kinds).values_list("country", flat=True)


def members_with_benefits_of(levels: Iterable[str], on: date | None = None) -> Q:
    """The members who get at home what one of `levels` gives: `Membership.benefit_level` for many at once (R3, R65)."""
    free = CountryProgramme.objects.in_force(on).filter(kind=Programme.FREE)
    benefit_levels, reached = set(levels), Q(pk__in=[])
    for service_level in ServiceLevel:
        home = home_of(Programme.FREE, service_level)
        having = [level for level in Level if Membership(home, level, country="").benefit_level in benefit_levels]
        reached |= Q(country__in=free.filter(service_level=service_level).values("country"), level__in=having)
    return reached


def confirmed_first_name(member: Member) -> str:
    """The name to greet with in a mail, if the member has confirmed the address that they sign in with; else "".

    Anybody can join with anybody's address: what they typed must not reach its owner in the first lines of our mails.
    """
    addresses = EmailAddress.objects.filter(user=member.user_id, primary=True, verified=True)
    return member.first_name if addresses.exists() else ""


def held_until(member: Member, at: datetime) -> datetime | None:
    """Until when no kit leaves the account and it is not closed, because staff changed its lost address (R69)."""
    change = LostAddress.objects.holding(at).filter(member=member).order_by("-decided_at").first()
    return change.held_until if change else None


def get_level_benefit(member: Member) -> LevelBenefit | None:
    """The benefits of the member's level in their country today; None outside the free programme (R3)."""
    membership = membership_of(member)
    return benefit_at(membership, membership.level)


def benefit_at(membership: Membership, level: str) -> LevelBenefit | None:
    """What a level, theirs or another one, gives in the home country; None outside the free programme (R3)."""
    if not membership.is_active:
        return None
    return LevelBenefit.objects.of(level, membership.country, membership.service_level)
