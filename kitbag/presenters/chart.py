"""Points over time as an SVG: the positions of its line, bands and marks. Drawn by templates/kitbag/_chart.html."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cps_portal.core.lib.written_dates import date_format
from kitbag.queries.forecast import Step
from members.enums import Level
from members.rules import level_for

LEFT, RIGHT, RIGHT_WITH_WAITING = 4.0, 98.5, 93.5  # percent of the width; waiting points need room beside today
MIN_PLANNED_SHARE, MAX_PLANNED_SHARE = 0.2, 0.5  # of the width, for planned changes
HEADROOM = 1.1
MAX_STEPS = 400  # so that a member with thousands of entries still gets a short path
MIN_SPAN = timedelta(days=14)
MAX_TIME_AHEAD = timedelta(days=366)
MAX_TICKS = 8


@dataclass(frozen=True)
class Band:
    """The strip of a level, from `base` up. All in percent of the height."""

    level: str
    label: str | Promise
    points_from: int
    y: str
    height: str
    base: str


@dataclass(frozen=True)
class Mark:
    x: str
    y: str


@dataclass(frozen=True)
class Tick:
    x: str
    label: str
    minor: bool


@dataclass(frozen=True)
class Chart:
    """All that the template draws. Coordinates are strings, because templates format numbers with a decimal comma."""

    bands: list[Band]
    line: str
    area: str
    waiting: str
    waiting_end: Mark | None
    falls: list[Mark]
    ticks: list[Tick]
    title: str
    description: str
    total: int
    total_with_waiting: int
    planned: str
    planned_marks: list[Mark]
    today: str


def points_chart(
    *,
    entries: Iterable[tuple[datetime, int]],
    thresholds: Mapping[str, int],
    waiting: int,
    joined_at: datetime,
    now: datetime,
    planned: Sequence[tuple[date, int]] = (),
) -> Chart:
    """The stepped line of a member's points (R21). `entries` are (time, running total), oldest first.

    `waiting` are the points that do not count yet, drawn dashed (R18). `planned` are the days of planned changes and
    the totals from then on (R22), drawn dashed to the right of today.
    """
    totals = list(entries)
    total = totals[-1][1] if totals else 0
    start = min([joined_at, *(at for at, _points in totals[:1])])
    span = max(now - start, MIN_SPAN)
    right = _today_position(span, now, planned) if planned else RIGHT_WITH_WAITING if waiting else RIGHT
    all_points = [points for _time, points in [*totals, *planned]]
    top = max([*thresholds.values(), total + waiting, *all_points, 1]) * HEADROOM

    def x_of(at: datetime) -> float:
        return LEFT + (right - LEFT) * max(at - start, timedelta()) / span

    def y_of(points: int) -> float:
        return 100 * (1 - points / top)

    steps = _thinned([(x_of(at), points) for at, points in totals], (right - LEFT) / MAX_STEPS)
    x_joined, x_now = x_of(joined_at), x_of(now)
    line, falls, before = [f"M{_number(x_joined)} 100"], [], 0
    for x, points in steps:
        line.append(f"L{_number(x)} {_number(y_of(before))}L{_number(x)} {_number(y_of(points))}")
        if points < before:
            falls.append(_mark(x, y_of(points)))
        before = points
    line.append(f"L{_number(x_now)} {_number(y_of(total))}")
    path = "".join(line)
    y_waiting = y_of(total + waiting)
    planned_path, planned_marks = _planned_line(planned, now, (x_now, y_of(total)), y_of)
    return Chart(
        bands=_bands(thresholds, y_of),
        line=path,
        area=f"{path}L{_number(x_now)} 100L{_number(x_joined)} 100z",
        waiting=f"M{_number(x_now)} {_number(y_of(total))}V{_number(y_waiting)}H{_number(RIGHT)}" if waiting else "",
        waiting_end=_mark(RIGHT, y_waiting) if waiting else None,
        falls=falls,
        ticks=_ticks(start, start + span, now, x_of),
        title=_("Points since you joined"),
        description=" ".join([_describe(totals, thresholds, waiting, joined_at), *_describe_planned(planned)]),
        total=total,
        total_with_waiting=total + waiting,
        planned=planned_path,
        planned_marks=planned_marks,
        today=f"{_number(x_now)}%" if planned else "",
    )


def within_a_year(steps: Iterable[Step], today: date) -> list[tuple[date, int]]:
    """The forecast as `points_chart` takes it. Later changes are only on the page of upcoming changes."""
    return [(step.on, step.total_after) for step in steps if step.amount and step.on <= today + MAX_TIME_AHEAD]


def _today_position(span: timedelta, now: datetime, planned: Sequence[tuple[date, int]]) -> float:
    """Where today is when changes are planned: they get the right part of the width, within limits."""
    future = _midnight(planned[-1][0]) - now
    share = min(max(future / (span + future), MIN_PLANNED_SHARE), MAX_PLANNED_SHARE)
    return LEFT + (RIGHT - LEFT) * (1 - share)


def _planned_line(
    planned: Sequence[tuple[date, int]], now: datetime, start: tuple[float, float], y_of: Callable[[int], float]
) -> tuple[str, list[Mark]]:
    """The dashed line from today over the planned days, and a mark on each of them."""
    if not planned:
        return "", []
    x_now, y_now = start
    span = max(_midnight(planned[-1][0]) - now, timedelta(hours=1)) * 1.15  # room to show the last total
    path, marks = [f"M{_number(x_now)} {_number(y_now)}"], []
    for day, total in planned:
        x = x_now + (RIGHT - x_now) * max(_midnight(day) - now, timedelta()) / span
        path.append(f"H{_number(x)}V{_number(y_of(total))}")
        marks.append(_mark(x, y_of(total)))
    return "".join([*path, f"H{_number(RIGHT)}"]), marks


def _describe_planned(planned: Sequence[tuple[date, int]]) -> list[str]:
    return [
        _("Planned: %(points)s from %(day)s.") % {"points": intcomma(total), "day": date_format(day, "j F Y")}
        for day, total in planned
    ]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _mark(x: float, y: float) -> Mark:
    return Mark(f"{_number(x)}%", f"{_number(y)}%")


def _thinned(steps: list[tuple[float, int]], slot: float) -> list[tuple[float, int]]:
    """The last step of each slot, because steps that are closer would be drawn on the same pixel."""
    last_of_slot: dict[int, tuple[float, int]] = {}
    for x, points in steps:
        last_of_slot[int(x / slot)] = (x, points)
    return list(last_of_slot.values())


def _bands(thresholds: Mapping[str, int], y_of: Callable[[int], float]) -> list[Band]:
    rising = sorted(thresholds.items(), key=lambda item: item[1])
    tops = [y_of(points) for level, points in rising[1:]] + [0.0]
    return [
        Band(
            level=level,
            label=Level(level).label,
            points_from=points,
            y=f"{_number(upper)}%",
            height=f"{_number(y_of(points) - upper)}%",
            base=f"{_number(y_of(points))}%",
        )
        for (level, points), upper in zip(rising, tops, strict=True)
    ]


def _ticks(start: datetime, end: datetime, now: datetime, x_of: Callable[[datetime], float]) -> list[Tick]:
    """Whole years, months or days inside the span, at most MAX_TICKS. Every second one shows on wide screens only."""
    first, last = timezone.localdate(start), timezone.localdate(min(end, now))
    if (last - first).days > 2 * 365:
        days = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]
        date_form = "Y"
    elif (last - first).days > 60:
        months = range(first.year * 12 + first.month, last.year * 12 + last.month)
        days = [date(month // 12, month % 12 + 1, 1) for month in months]
        date_form = "M Y" if first.year != last.year else "M"
    else:
        days = [first + timedelta(days=step) for step in range(1, (last - first).days + 1)]
        date_form = "j M"
    days = days[:: max(1, -(-len(days) // MAX_TICKS))]
    return [
        Tick(f"{_number(x_of(_midnight(day)))}%", date_format(day, date_form), minor=bool(index % 2))
        for index, day in enumerate(days)
    ]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _describe(
    totals: list[tuple[datetime, int]], thresholds: Mapping[str, int], waiting: int, joined_at: datetime
) -> str:
    """The chart in words, for screen readers."""
    total = totals[-1][1] if totals else 0
    sentences = [
        _("A stepped line from 0 points in %(month)s to %(points)s today.")
        % {"month": date_format(timezone.localtime(joined_at), "F Y"), "points": intcomma(total)}
    ]
    before, falls = 0, []
    for at, points in totals:
        if points < before:
            falls.append((at, before - points))
        before = points
    if falls:
        at, amount = falls[-1]
        sentences.append(
            ngettext(
                "It fell once, by %(amount)s on %(day)s.",
                "It fell %(times)s times, last by %(amount)s on %(day)s.",
                len(falls),
            )
            % {"times": len(falls), "amount": intcomma(amount), "day": date_format(timezone.localtime(at), "j F Y")}
        )
    if waiting:
        sentences.append(
            _("With the waiting points it would be %(points)s: %(level)s.")
            % {"points": intcomma(total + waiting), "level": Level(level_for(total + waiting, thresholds)).label}
        )
    return " ".join(sentences)
