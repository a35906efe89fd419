"""Upcoming changes: the days on which points or level will change, and what would keep the level (R12, R22, R56)."""

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
class UpcomingDay:
    """One step of the forecast as the page shows it."""

    step: Step
    keeping: list[Registration]  # the fewest drafts that would keep the level once they count
    levels: list[tuple[Level, int]]  # the new thresholds, if they change on this day

    @property
    def rises(self) -> bool:
        return self.step.level_after.rank > self.step.level_before.rank

    @property
    def points_kept(self) -> int:
        return sum(registration.product.points for registration in self.keeping)


@require_GET
@member_required
def upcoming(request: MemberRequest) -> HttpResponse:
    context = {"days": upcoming_days(request.member, timezone.localdate()), "notice_days": settings.NOTICE_DAYS}
    return render(request, "kitbag/forecast.html", context)


def upcoming_days(member: Member, today: date) -> list[UpcomingDay]:
    """Every step of the forecast with what would keep the level, in a fixed number of queries."""
    steps = forecast(member, today)
    waiting = waiting_registrations(member) if any(step.gap for step in steps) else []
    thresholds = [LevelThreshold.objects.in_force(today), *(step.thresholds for step in steps)] if steps else []
    changed = [_changed(old, new) for old, new in pairwise(thresholds)]
    return [UpcomingDay(step, _keeping(step, waiting), levels) for step, levels in zip(steps, changed, strict=True)]


def _keeping(step: Step, waiting: Sequence[Registration]) -> list[Registration]:
    by_key = {registration.pk: registration for registration in waiting}
    points = [(registration.pk, registration.product.points) for registration in waiting]
    return [by_key[key] for key in fewest_to_close(step.gap, points)]


def _changed(old: Mapping[str, int], new: Mapping[str, int]) -> list[tuple[Level, int]]:
    if dict(old) == dict(new):
        return []
    rising = sorted(new.items(), key=lambda threshold: threshold[1])
    return [(Level(level), points) for level, points in rising if points]
