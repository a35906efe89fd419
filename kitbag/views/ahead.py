"""What is ahead: the days on which points or level will move, and what would keep the level (R12, R22, R56)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from kitbag.models import Registration
from kitbag.queries.forecast import Step, forecast, waiting_registrations
from members.access import MemberRequest, member_required
from members.enums import Level
from members.models import LevelThreshold, Member
from members.rules import fewest_to_close


@dataclass(frozen=True)
class Day:
    """One step of the forecast as the page shows it."""

    step: Step
    keeping: list[Registration]  # the fewest that would keep the level once they count
    levels: list[tuple[Level, int]]  # what the levels need from then on, if that changes

    @property
    def size(self) -> int:
        return abs(self.step.amount)

    @property
    def rises(self) -> bool:
        return self.step.level_after.rank > self.step.level_before.rank

    @property
    def worth(self) -> int:
        return sum(row.product.points for row in self.keeping)


@require_GET
@member_required
def ahead(request: MemberRequest) -> HttpResponse:
    context = {"days": days_ahead(request.member, timezone.localdate()), "notice_days": settings.NOTICE_DAYS}
    return render(request, "kitbag/forecast.html", context)


def days_ahead(member: Member, today: date) -> list[Day]:
    """Every step with what would keep the level, in a fixed number of queries."""
    steps = forecast(member, today)
    waiting = waiting_registrations(member) if any(step.gap for step in steps) else []
    before = [LevelThreshold.objects.in_force(today), *(step.thresholds for step in steps)] if steps else []
    changed = [_changed(old, new) for old, new in pairwise(before)]
    return [Day(step, _keeping(step, waiting), levels) for step, levels in zip(steps, changed, strict=True)]


def _keeping(step: Step, waiting: Sequence[Registration]) -> list[Registration]:
    rows = {row.pk: row for row in waiting}
    return [rows[key] for key in fewest_to_close(step.gap, [(key, row.product.points) for key, row in rows.items()])]


def _changed(old: Mapping[str, int], new: Mapping[str, int]) -> list[tuple[Level, int]]:
    if dict(old) == dict(new):
        return []
    return [(Level(level), points) for level, points in sorted(new.items(), key=lambda item: item[1]) if points]
