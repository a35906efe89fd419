"""The numbers of a centre: targets met, where jobs wait and which faults came back; as charts and as CSV (R44, R54)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cps_portal.core.lib import charts
from cps_portal.core.lib.spreadsheets import csv_attachment
from members.models import User
from servicing.models import ServiceCentre, Ticket
from servicing.presenters import numbers as presenter
from servicing.queries import numbers
from servicing.queries.targets import Row, months_back, repeat_rates, targets

PERIODS = {
    "week": (gettext_noop("Week"), timedelta(days=7)),
    "month": (gettext_noop("Month"), timedelta(days=30)),
    "year": (gettext_noop("Year"), timedelta(days=365)),
}
DEFAULT_PERIOD = "month"
CSV_COLUMNS = ["centre", "month", "level", "jobs", "on_time", "percent"]


def targets_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The template context. In the query string: `centre`, and `period`, a key of PERIODS."""
    user: Any = request.user
    worker: User = user
    months = months_back(timezone.localdate(now))
    centres = list(ServiceCentre.objects.seen_by(worker).order_by("name").values_list("pk", "name"))
    centre = request.GET.get("centre", "")
    chosen = next((key for key, _name in centres if str(key) == centre), None)
    tickets = Ticket.objects.seen_by(worker)
    shown = tickets.filter(centre=chosen) if chosen else tickets
    asked = request.GET.get("period", "")
    name = asked if asked in PERIODS else DEFAULT_PERIOD
    period = numbers.Period(now - PERIODS[name][1], now)
    rows = targets(shown, months[0])
    levels, before = numbers.by_level(shown, period), numbers.by_level(shown, period.before)
    jobs, met = sum(row.jobs for row in levels), sum(row.met for row in levels)
    rates = repeat_rates(shown, timezone.localdate(period.since))
    level_bars = presenter.level_bars(levels)
    wait_bars = presenter.wait_bars(numbers.waiting_times(shown, period))
    repeat_bars = presenter.repeat_bars(numbers.repeats_by_product(shown, period))
    return {
        "rows": rows,
        "line": presenter.line_by_month(rows, months),
        "level_bars": level_bars,
        "level_words": charts.in_words(level_bars),
        "wait_bars": wait_bars,
        "wait_words": charts.in_words(wait_bars),
        "repeat_bars": repeat_bars,
        "repeat_words": charts.in_words(repeat_bars),
        "centres": centres,
        "chosen": chosen,
        "period": name,
        "periods": [(key, gettext(label)) for key, (label, _length) in PERIODS.items()],
        "repeat_rates": rates,
        "repeats": sum(rate.repeats for rate in rates),
        "repeat_percent": charts.percent(sum(rate.repeats for rate in rates), sum(rate.jobs for rate in rates)),
        "jobs": jobs,
        "met": met,
        "percent": charts.percent(met, jobs),
        "percent_before": charts.percent(sum(row.met for row in before), sum(row.jobs for row in before)),
        "has_before": bool(before),
        "turnaround": presenter.days_text(numbers.median_turnaround(shown, period)),
        "first_answer": presenter.hours_text(numbers.median_first_answer(shown, period)),
    }


def targets_csv(rows: Iterable[Row]) -> HttpResponse:
    """The rows of the table as CSV."""
    cells = ([row.centre, f"{row.month:%Y-%m}", str(row.level), row.jobs, row.met, row.percent] for row in rows)
    return csv_attachment("numbers.csv", CSV_COLUMNS, cells)
