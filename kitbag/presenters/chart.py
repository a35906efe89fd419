"""Points over time as an SVG: where the line, the bands and the marks stand. Drawn by templates/kitbag/_chart.html."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kitbag.queries.forecast import Step
from members.enums import Level
from members.rules import level_for

LEFT, RIGHT, RIGHT_WITH_WAITING, GHOST_END = 4.0, 98.5, 93.5, 98.5
AHEAD_LEAST, AHEAD_MAX = 0.2, 0.5  # the share of the width for what is ahead, whatever the time it takes
HEADROOM = 1.1
SLOTS = 400  # a member with thousands of entries still gets one small path
SHORTEST = timedelta(days=14)
MAX_TIME_AHEAD = timedelta(days=366)
MAX_TICKS = 8


@dataclass(frozen=True)
class Band:
    """The strip of a level: from `base` up, in percent of the height."""

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
    """All that the template draws. Coordinates are text, so that no locale puts a comma into them."""

    bands: list[Band]
    line: str
    area: str
    ghost: str
    ghost_end: Mark | None
    falls: list[Mark]
    ticks: list[Tick]
    title: str
    description: str
    total: int
    total_with_waiting: int
    ahead: str
    ahead_marks: list[Mark]
    today: str


def points_chart(
    *,
    entries: Iterable[tuple[datetime, int]],
    thresholds: Mapping[str, int],
    waiting: int,
    since: datetime,
    now: datetime,
    ahead: Sequence[tuple[date, int]] = (),
) -> Chart:
    """The stepped line of a member's points (R21): `entries` are (when, running total), oldest first.

    `waiting` are the points of what does not count yet; they are drawn dashed (R18). `since` is when the
    member joined. `ahead` are the planned days and the totals from then on (R22), dashed beyond a line for today.
    """
    totals = list(entries)
    total = totals[-1][1] if totals else 0
    start = min([since, *(at for at, each in totals[:1])])
    span = max(now - start, SHORTEST)
    right = _right(span, now, ahead) if ahead else RIGHT_WITH_WAITING if waiting else RIGHT
    every = [*(each for at, each in totals), *(each for day, each in ahead)]
    top = max([*thresholds.values(), total + waiting, *every, 1]) * HEADROOM

    def x_of(at: datetime) -> float:
        return LEFT + (right - LEFT) * max(at - start, timedelta()) / span

    def y_of(points: int) -> float:
        return 100 * (1 - points / top)

    steps = _thinned([(x_of(at), points) for at, points in totals], (right - LEFT) / SLOTS)
    end = x_of(now)
    line, falls, before = [f"M{_n(x_of(since))} 100"], [], 0
    for x, points in steps:
        line.append(f"L{_n(x)} {_n(y_of(before))}L{_n(x)} {_n(y_of(points))}")
        if points < before:
            falls.append(Mark(f"{_n(x)}%", f"{_n(y_of(points))}%"))
        before = points
    line.append(f"L{_n(end)} {_n(y_of(total))}")
    path = "".join(line)
    waited = y_of(total + waiting)
    dashes, marks = _ahead(ahead, now, (end, y_of(total)), y_of)
    return Chart(
        bands=_bands(thresholds, y_of),
        line=path,
        area=f"{path}L{_n(end)} 100L{_n(x_of(since))} 100z",
        ghost=f"M{_n(end)} {_n(y_of(total))}V{_n(waited)}H{_n(GHOST_END)}" if waiting else "",
        ghost_end=Mark(f"{_n(GHOST_END)}%", f"{_n(waited)}%") if waiting else None,
        falls=falls,
        ticks=_ticks(start, start + span, now, x_of),
        title=_("Points since you joined"),
        description=" ".join([_describe(totals, thresholds, waiting, since), *_describe_ahead(ahead)]),
        total=total,
        total_with_waiting=total + waiting,
        ahead=dashes,
        ahead_marks=marks,
        today=f"{_n(end)}%" if ahead else "",
    )


def within_a_year(steps: Iterable[Step], today: date) -> list[tuple[date, int]]:
    """The forecast as the chart takes it: what is further off than a year is left to the page about it."""
    return [(step.on, step.total_after) for step in steps if step.amount and step.on <= today + MAX_TIME_AHEAD]


def _right(span: timedelta, now: datetime, ahead: Sequence[tuple[date, int]]) -> float:
    """Where today stands when something is ahead."""
    future = _midnight(ahead[-1][0]) - now
    share = min(max(future / (span + future), AHEAD_LEAST), AHEAD_MAX)
    return LEFT + (RIGHT - LEFT) * (1 - share)


def _ahead(
    ahead: Sequence[tuple[date, int]], now: datetime, start: tuple[float, float], y_of: Callable[[int], float]
) -> tuple[str, list[Mark]]:
    """The dashed line from today to the last planned day, and a mark on each of them."""
    if not ahead:
        return "", []
    x_now, y_now = start
    whole = max(_midnight(ahead[-1][0]) - now, timedelta(hours=1)) * 1.15  # room to see where it settles
    path, marks = [f"M{_n(x_now)} {_n(y_now)}"], []
    for day, total in ahead:
        x = x_now + (RIGHT - x_now) * max(_midnight(day) - now, timedelta()) / whole
        path.append(f"H{_n(x)}V{_n(y_of(total))}")
        marks.append(Mark(f"{_n(x)}%", f"{_n(y_of(total))}%"))
    return "".join([*path, f"H{_n(RIGHT)}"]), marks


def _describe_ahead(ahead: Sequence[tuple[date, int]]) -> list[str]:
    return [
        _("Planned: %(points)s from %(day)s.") % {"points": intcomma(total), "day": date_format(day, "j F Y")}
        for day, total in ahead
    ]


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _thinned(steps: list[tuple[float, int]], slot: float) -> list[tuple[float, int]]:
    """At most one step a slot, the last one: closer steps would be drawn on the same pixel."""
    kept: dict[int, tuple[float, int]] = {}
    for x, points in steps:
        kept[int(x / slot)] = (x, points)
    return list(kept.values())


def _bands(thresholds: Mapping[str, int], y_of: Callable[[int], float]) -> list[Band]:
    rising = sorted(thresholds.items(), key=lambda item: item[1])
    tops = [y_of(points) for level, points in rising[1:]] + [0.0]
    return [
        Band(
            level=level,
            label=Level(level).label,
            points_from=points,
            y=f"{_n(upper)}%",
            height=f"{_n(y_of(points) - upper)}%",
            base=f"{_n(y_of(points))}%",
        )
        for (level, points), upper in zip(rising, tops, strict=True)
    ]


def _ticks(start: datetime, end: datetime, now: datetime, x_of: Callable[[datetime], float]) -> list[Tick]:
    """Whole years, months or days inside the span, at most eight, every second one for wide screens only."""
    first, last = timezone.localdate(start), timezone.localdate(min(end, now))
    if (last - first).days > 2 * 365:
        days = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]
        form = "Y"
    elif (last - first).days > 60:
        months = range(first.year * 12 + first.month, last.year * 12 + last.month)
        days = [date(month // 12, month % 12 + 1, 1) for month in months]
        form = "M Y" if first.year != last.year else "M"
    else:
        days = [first + timedelta(days=step) for step in range(1, (last - first).days + 1)]
        form = "j M"
    days = days[:: max(1, -(-len(days) // MAX_TICKS))]
    return [
        Tick(f"{_n(x_of(_midnight(day)))}%", date_format(day, form), minor=bool(place % 2))
        for place, day in enumerate(days)
    ]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _describe(totals: list[tuple[datetime, int]], thresholds: Mapping[str, int], waiting: int, since: datetime) -> str:
    """The same in words, for those who do not see the line."""
    total = totals[-1][1] if totals else 0
    words = [
        _("A stepped line from 0 points in %(month)s to %(points)s today.")
        % {"month": date_format(timezone.localtime(since), "F Y"), "points": intcomma(total)}
    ]
    before, falls = 0, []
    for at, points in totals:
        if points < before:
            falls.append((at, before - points))
        before = points
    if falls:
        at, amount = falls[-1]
        words.append(
            ngettext(
                "It fell once, by %(amount)s on %(day)s.",
                "It fell %(times)s times, last by %(amount)s on %(day)s.",
                len(falls),
            )
            % {"times": len(falls), "amount": intcomma(amount), "day": date_format(timezone.localtime(at), "j F Y")}
        )
    if waiting:
        words.append(
            _("What waits would take it to %(points)s: %(level)s.")
            % {"points": intcomma(total + waiting), "level": Level(level_for(total + waiting, thresholds)).label}
        )
    return " ".join(words)
