"""What membership gives a member today (R65), and what changes when they move to another country (R6)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, Member
from members.rules import ACTIVE_HOMES, Home, Membership, home_of


class BenefitChange(NamedTuple):
    """A benefit before and after a move."""

    name: str
    now: str
    then: str


@dataclass(frozen=True)
class MoveComparison:
    """What moving to a country changes for a member of `level`."""

    to: CountryProgramme
    level: str | Promise
    gained: list[BenefitChange] = field(default_factory=list)
    lost: list[BenefitChange] = field(default_factory=list)
    same: list[BenefitChange] = field(default_factory=list)

    @property
    def is_free(self) -> bool:
        return self.to.kind == Programme.FREE

    @property
    def is_subscription(self) -> bool:
        return self.to.kind == Programme.SUBSCRIPTION


class BenefitValue(NamedTuple):
    """A benefit as text, and a number to compare it by: higher is better."""

    rank: float
    text: str


def compare_move(member: Member, to: CountryProgramme) -> MoveComparison:
    """Compare the benefits of the member's level in their country and in another one (R6)."""
    home = CountryProgramme.objects.in_force().filter(country=member.country.code).first()
    now, then = _values(_benefit(member, home)), _values(_benefit(member, to))
    comparison = MoveComparison(to=to, level=Level(member.level).label)
    for name, here in now.items():
        there = then[name]
        change = BenefitChange(name, here.text, there.text)
        if there.rank > here.rank:
            comparison.gained.append(change)
        elif there.rank < here.rank:
            comparison.lost.append(change)
        else:
            comparison.same.append(change)
    return comparison


def membership_of(member: Member, on: date | None = None) -> Membership:
    """The member's home programme and level, today or on another day (R65)."""
    row = CountryProgramme.objects.in_force(on).filter(country=member.country.code).first()
    return membership_in(member, row)


def membership_in(member: Member, programme: CountryProgramme | None) -> Membership:
    """The same in a country whose row is known; None: a country without one."""
    home = home_of(programme.kind, programme.service_level) if programme else Home.NO_PROGRAMME
    country = programme.country.code if programme else member.country.code
    return Membership(home, Level(member.level), country, programme.link if programme else "")


def active_countries(on: date | None = None) -> QuerySet[CountryProgramme, str]:
    """The codes of the countries where membership is active: `Membership.is_active` for many members at once (R65)."""
    active_kinds = [kind for kind in Programme if home_of(kind, ServiceLevel.FULL) in ACTIVE_HOMES]
    return CountryProgramme.objects.in_force(on).filter(kind__in=active_kinds).values_list("country", flat=True)


def members_with_benefits_of(levels: Iterable[str], on: date | None = None) -> Q:
    """The members who get at home what one of `levels` gives: `Membership.benefit_level` for many at once (R3, R65)."""
    free, wanted, reached = CountryProgramme.objects.in_force(on).filter(kind=Programme.FREE), set(levels), Q(pk__in=[])
    for service_level in ServiceLevel:
        home = home_of(Programme.FREE, service_level)
        having = [level for level in Level if Membership(home, level, country="").benefit_level in wanted]
        reached |= Q(country__in=free.filter(service_level=service_level).values("country"), level__in=having)
    return reached


def get_level_benefit(member: Member) -> LevelBenefit | None:
    """The benefits of the member's level in their country today; None outside the free programme (R3)."""
    membership = membership_of(member)
    return benefit_at(membership, membership.level)


def benefit_at(membership: Membership, level: str) -> LevelBenefit | None:
    """What a level, theirs or another one, gives in the home country; None outside the free programme (R3)."""
    if not membership.is_active:
        return None
    return LevelBenefit.objects.of(level, membership.country, membership.service_level)


def _benefit(member: Member, programme: CountryProgramme | None) -> LevelBenefit | None:
    return benefit_at(membership_in(member, programme), member.level)


def _values(benefit: LevelBenefit | None) -> dict[str, BenefitValue]:
    days = benefit.fast_track_days if benefit else None
    discount = benefit.maintenance_discount if benefit else 0
    hours = benefit.first_answer_hours if benefit else None
    nothing = _("No")
    return {
        _("Fast Track target"): BenefitValue(
            -days if days is not None else float("-inf"),
            ngettext("%(days)s working day", "%(days)s working days", days) % {"days": days}
            if days is not None
            else nothing,
        ),
        _("Maintenance discount"): BenefitValue(
            discount, _("%(percent)s percent") % {"percent": discount} if discount else nothing
        ),
        _("Free return shipping"): _yes_or_no(is_yes=bool(benefit and benefit.free_return)),
        _("Backup loan if a repair is late"): _yes_or_no(is_yes=bool(benefit and benefit.courtesy_loan)),
        _("First answer from support"): BenefitValue(
            -hours if hours is not None else float("-inf"),
            ngettext("within %(hours)s working hour", "within %(hours)s working hours", hours) % {"hours": hours}
            if hours is not None
            else nothing,
        ),
    }


def _yes_or_no(*, is_yes: bool) -> BenefitValue:
    return BenefitValue(float(is_yes), _("Yes") if is_yes else _("No"))
