"""The figures of the exporter in words, for the System page, coloured by the thresholds of the alerts."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.enums import Kind, State
from cps_portal.site.alerts import Severity, alert_for
from cps_portal.site.queries.figures import Sample
from kitbag.enums import ReviewReason
from members.enums import Level

Words = Callable[[float], str]
Text = str | Promise


@dataclass(frozen=True)
class Line:
    """One figure. `tone` is `ok`, `warn` or `late`; `sentence` and `alert` say why, if it is not `ok`."""

    name: str
    value: str
    tone: str
    sentence: str
    alert: str


@dataclass(frozen=True)
class Panel:
    title: str
    lines: list[Line]

    @property
    def tone(self) -> str:
        return worst(line.tone for line in self.lines)


@dataclass(frozen=True)
class Figure:
    """How a metric is shown: its panel, its name, its value in words, and what its labels stand for."""

    panel: str
    name: Text
    words: Words
    choices: Mapping[str, Text] | None = None


TONES = ("ok", "warn", "late")
TONE_OF = {Severity.WARNING: "warn", Severity.CRITICAL: "late"}
PANELS = {"users": _("Members"), "queues": _("Mail and queues"), "programme": _("Programme"), "machine": _("Machine")}
REASONS = {
    "password": _("wrong password"),
    "second_factor": _("wrong second factor"),
    "too_many": _("too many attempts"),
    "inactive": _("closed account"),
}
# From two of each on: "90 min" says more than "1 h".
UNITS = ((86400, _("%(n)s days")), (3600, _("%(n)s h")), (60, _("%(n)s min")))
KINDS = {**dict(Kind.choices), "webhook": _("Webhooks")}


def duration_words(seconds: float) -> str:
    """About how long, in one unit: "12 s", "5 min", "3 h", "2 days"; "never" if it has not happened."""
    if math.isinf(seconds):
        return gettext("never")
    for unit, words in UNITS:
        if seconds >= 2 * unit:
            return str(words) % {"n": number_format(int(seconds // unit))}
    return gettext("%(n)s s") % {"n": number_format(int(seconds))}


def ago_words(seconds: float) -> str:
    if math.isinf(seconds):
        return gettext("never")
    return gettext("%(time)s ago") % {"time": duration_words(seconds)}


def oldest_words(seconds: float) -> str:
    if seconds <= 0:
        return gettext("nothing waits")
    return gettext("oldest waits %(time)s") % {"time": duration_words(seconds)}


def count_words(value: float) -> str:
    return number_format(int(value), use_l10n=True, force_grouping=True)


def answer_words(value: float) -> str:
    return gettext("answers") if value else gettext("does not answer")


def share_words(value: float) -> str:
    return gettext("%(n)s %%") % {"n": number_format(round(100 * value))}


def going_words(value: float) -> str:
    return gettext("goes on") if value else gettext("stands still")


def rest_words(seconds: float) -> str:
    if seconds <= 0:
        return gettext("none goes on")
    return gettext("last step %(time)s ago") % {"time": duration_words(seconds)}


FIGURES = {
    "portal_joins_today": Figure("users", _("Joined today"), count_words),
    "portal_registrations_today": Figure("users", _("Products added today"), count_words),
    "portal_sign_ins_refused_total": Figure("users", _("Sign-ins refused today"), count_words, choices=REASONS),
    "portal_api_calls_last_hour": Figure("users", _("API calls in the last hour"), count_words),
    "portal_outbox_oldest_due_seconds": Figure("queues", _("Due now"), oldest_words, choices=KINDS),
    "portal_outbox_oldest_open_seconds": Figure("queues", _("Not sent yet"), oldest_words, choices=KINDS),
    "portal_outbox_messages": Figure(
        "queues", _("Messages, the last day"), count_words, choices={**KINDS, **dict(State.choices)}
    ),
    "portal_webhook_endpoints_failing": Figure("queues", _("Servers that fail"), count_words),
    "portal_queue_length": Figure("queues", _("Tasks that wait"), count_words),
    "portal_queue_oldest_seconds": Figure("queues", _("Oldest task"), oldest_words),
    "portal_tick_age_seconds": Figure("queues", _("Worker seen"), ago_words),
    "portal_beat_tick_age_seconds": Figure("queues", _("Clock seen"), ago_words),
    "portal_desk_waiting": Figure("programme", _("To decide"), count_words, choices=dict(ReviewReason.choices)),
    "portal_desk_oldest_seconds": Figure(
        "programme", _("Oldest decision"), oldest_words, choices=dict(ReviewReason.choices)
    ),
    "portal_cases_waiting": Figure("programme", _("Cases that wait for us"), count_words),
    "portal_cases_overdue": Figure("programme", _("Cases overdue"), count_words),
    "portal_tickets_late": Figure(
        "programme", _("Jobs late"), count_words, choices={**dict(Level.choices), "visiting": _("Visiting")}
    ),
    "portal_points_runs": Figure("programme", _("Runs over points"), count_words),
    "portal_points_run_registrations_left": Figure("programme", _("Registrations left in them"), count_words),
    "portal_points_run_idle_seconds": Figure("programme", _("Slowest run"), rest_words),
    "portal_ledger_differences": Figure("programme", _("Differences in the ledger"), count_words),
    "portal_ledger_check_age_seconds": Figure("programme", _("Ledger checked"), ago_words),
    "portal_database_up": Figure("machine", _("Database"), answer_words),
    "portal_broker_up": Figure("machine", _("Broker"), answer_words),
    "portal_cache_up": Figure("machine", _("Cache"), answer_words),
    "portal_connections_used_ratio": Figure("machine", _("Database connections used"), share_words),
    "portal_backup_age_seconds": Figure("machine", _("Last backup"), ago_words),
    "portal_backup_log_streaming": Figure("machine", _("Copy of the database’s log"), going_words),
    "portal_figures_failed": Figure("machine", _("Groups of figures that failed"), count_words),
    "portal_table_bytes": Figure("machine", _("Table"), filesizeformat),
}
# For dashboards: too many values for a page, or the same in other words.
NOT_SHOWN = {"portal_connections": "the share of the connections says it"}


def worst(tones: Iterable[str]) -> str:
    return max(tones, key=TONES.index, default="ok")


def panels(samples: Iterable[Sample]) -> list[Panel]:
    """The four panels of the page, in the order of FIGURES."""
    by_metric: dict[str, list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault(sample.metric, []).append(sample)
    return [
        Panel(
            str(title),
            [
                _line(figure, sample)
                for metric, figure in FIGURES.items()
                if figure.panel == panel
                for sample in by_metric.get(metric, [])
            ],
        )
        for panel, title in PANELS.items()
    ]


def _line(figure: Figure, sample: Sample) -> Line:
    alert = alert_for(sample.metric, sample.value, sample.labels)
    return Line(
        name=_name(figure, sample),
        value=figure.words(sample.value),
        tone=TONE_OF[alert.severity] if alert else "ok",
        sentence=str(alert.sentence) if alert else "",
        alert=alert.name if alert else "",
    )


def _name(figure: Figure, sample: Sample) -> str:
    """With what all labels stand for: "Jobs late: Gold, istanbul"."""
    words = dict.fromkeys(str((figure.choices or {}).get(value, value)) for value in sample.labels.values())
    return f"{figure.name}: {', '.join(words)}" if words else str(figure.name)
