"""Forecast members' points and levels from everything that is planned (R22). Computed live, never stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Q

from cps_portal.core.lib.compiled_queries import CompiledModels
from kitbag.enums import RegistrationState
from kitbag.models import Adjustment, Registration, StageChange
from members.enums import Level
from members.models import Member, threshold_rows
from members.rules import level_for, thresholds_on


@dataclass(frozen=True)
class Fall:
    """The effect of a planned change on a member's copies of a product."""

    change: StageChange
    copies: int
    before: int
    after: int

    @property
    def amount(self) -> int:
        return self.copies * (self.after - self.before)


@dataclass
class Step:
    """A day on which a member's points or level will change, with total and level before and after."""

    on: date
    total_before: int
    total_after: int
    level_before: Level
    level_after: Level
    thresholds: Mapping[str, int]
    falls: list[Fall] = field(default_factory=list)
    ending: list[Adjustment] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return self.total_after - self.total_before

    @property
    def drops(self) -> bool:
        """Whether the level falls."""
        return self.level_after.rank < self.level_before.rank

    @property
    def gap(self) -> int:
        """The points that are missing to keep the level (R22)."""
        return max(self.thresholds[self.level_before] - self.total_after, 0) if self.drops else 0


PLANNED: CompiledModels[StageChange] = CompiledModels(
    lambda today: StageChange.objects.planned().filter(effective_on__gt=today).select_related("product", "successor"),
    related=["product", "successor"],
)


def forecast(member: Member, today: date, *, has_expiring: bool = True) -> list[Step]:
    """The coming steps of a member, the next first, in at most five queries.

    `has_expiring`: whether there can be points that staff added until a later day, if the caller knows.
    """
    return forecasts([member], today, has_expiring=has_expiring)[member.pk]


def forecasts(members: Sequence[Member], today: date, *, has_expiring: bool = True) -> dict[int, list[Step]]:
    """As `forecast`, for many members at once, by member key."""
    keys = [member.pk for member in members]
    changes = PLANNED.all(today=today)
    held: dict[int, dict[int, int]] = defaultdict(dict)
    if changes:
        rows = Registration.objects.filter(
            member__in=keys,
            state=RegistrationState.VALIDATED,
            product__in={change.product_id for change in changes},
        )
        for member, product, copies in rows.order_by().values_list("member", "product").annotate(n=Count("pk")):
            held[member][product] = copies
    ending: dict[int, list[Adjustment]] = defaultdict(list)
    adjustments = Adjustment.objects.active().filter(member__in=keys, expires_on__gt=today)
    for adjustment in adjustments if has_expiring else ():
        ending[adjustment.member_id].append(adjustment)
    thresholds = threshold_rows()
    return {
        member.pk: _steps(
            member, today, changes=changes, held=held[member.pk], ending=ending[member.pk], thresholds=thresholds
        )
        for member in members
    }


def _steps(
    member: Member,
    today: date,
    *,
    changes: Iterable[StageChange],
    held: Mapping[int, int],
    ending: Sequence[Adjustment],
    thresholds: Sequence[tuple[str, int, date]],
) -> list[Step]:
    mine = [change for change in changes if change.product_id in held]
    days = {change.effective_on for change in mine} | {row.expires_on for row in ending if row.expires_on}
    days |= {day for _level, _points, day in thresholds if day > today}
    counts: dict[int, int] = {}
    steps, total, level = [], member.points, Level(member.level)
    for day in sorted(days):
        falls = []
        for change in mine:
            if change.effective_on != day:
                continue
            before = counts.get(change.product_id, change.product.points)
            counts[change.product_id] = change.after
            falls.append(Fall(change, held[change.product_id], before, change.after))
        ended = [row for row in ending if row.expires_on == day]
        after = total + sum(fall.amount for fall in falls) - sum(row.points for row in ended)
        in_force = thresholds_on(thresholds, day)
        reached = Level(level_for(after, in_force))
        if falls or ended or reached != level:
            steps.append(Step(day, total, after, level, reached, in_force, falls, ended))
        total, level = after, reached
    return steps


def points_on(day: date, steps: Iterable[Step], today: int) -> int:
    """The points at the end of that day; `today` if nothing is planned until then."""
    until = [step.total_after for step in steps if step.on <= day]
    return until[-1] if until else today


def step_on(steps: Iterable[Step], day: date) -> Step | None:
    return next((step for step in steps if step.on == day), None)


def waiting_registrations(member: Member) -> list[Registration]:
    """Registrations that would count if they were finished or approved, those with most points first."""
    waiting = Q(state__in=[RegistrationState.DRAFT, RegistrationState.REJECTED, RegistrationState.SUBMITTED])
    rows = Registration.objects.of(member).without_own_duplicates().filter(waiting).select_related("product")
    return sorted(rows, key=lambda row: (-row.product.points, row.pk))
