"""What a member gains and loses by moving to another country (R6)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.enums import Level, Programme
from members.models import CountryProgramme, LevelBenefit, Member


class Difference(NamedTuple):
    """One benefit, as it is now and as it would be."""

    name: str
    now: str
    then: str


@dataclass(frozen=True)
class Move:
    """What moving to `to` changes for a member of `level`."""

    to: CountryProgramme
    level: str | Promise
    gained: list[Difference] = field(default_factory=list)
    lost: list[Difference] = field(default_factory=list)
    same: list[Difference] = field(default_factory=list)

    @property
    def is_free(self) -> bool:
        return self.to.kind == Programme.FREE

    @property
    def is_subscription(self) -> bool:
        return self.to.kind == Programme.SUBSCRIPTION


class Worth(NamedTuple):
    """A benefit in words, and a number by which two of them compare: more is better."""

    rank: float
    words: str


def compare(member: Member, to: CountryProgramme) -> Move:
    """Compare what the member's level gives at home and there. Reads; changes nothing."""
    home = CountryProgramme.objects.in_force().filter(country=member.country.code).first()
    now, then = _worth(_benefit(member, home)), _worth(_benefit(member, to))
    move = Move(to=to, level=Level(member.level).label)
    for name, here in now.items():
        there = then[name]
        found = Difference(name, here.words, there.words)
        if there.rank > here.rank:
            move.gained.append(found)
        elif there.rank < here.rank:
            move.lost.append(found)
        else:
            move.same.append(found)
    return move


def get_level_benefit(member: Member) -> LevelBenefit | None:
    """What the member's level gives at home today; None outside the free programme (R3)."""
    home = CountryProgramme.objects.in_force().filter(country=member.country.code).first()
    return _benefit(member, home)


def _benefit(member: Member, programme: CountryProgramme | None) -> LevelBenefit | None:
    if programme is None or programme.kind != Programme.FREE:
        return None
    return LevelBenefit.objects.of(member.level, programme.country.code, programme.service_level)


def _worth(benefit: LevelBenefit | None) -> dict[str, Worth]:
    days = benefit.fast_track_days if benefit else None
    discount = benefit.maintenance_discount if benefit else 0
    hours = benefit.first_answer_hours if benefit else None
    nothing = _("No")
    return {
        _("Fast Track target"): Worth(
            -days if days is not None else float("-inf"),
            ngettext("%(days)s working day", "%(days)s working days", days) % {"days": days}
            if days is not None
            else nothing,
        ),
        _("Maintenance discount"): Worth(
            discount, _("%(percent)s percent") % {"percent": discount} if discount else nothing
        ),
        _("Free return shipping"): _yes_or_no(is_yes=bool(benefit and benefit.free_return)),
        _("Backup loan if a repair is late"): _yes_or_no(is_yes=bool(benefit and benefit.courtesy_loan)),
        _("First answer from support"): Worth(
            -hours if hours is not None else float("-inf"),
            ngettext("within %(hours)s working hour", "within %(hours)s working hours", hours) % {"hours": hours}
            if hours is not None
            else nothing,
        ),
    }


def _yes_or_no(*, is_yes: bool) -> Worth:
    return Worth(float(is_yes), _("Yes") if is_yes else _("No"))
