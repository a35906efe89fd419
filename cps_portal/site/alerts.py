"""When people have to look: one table of thresholds, for the alert rules and for the System page.

`deploy/prometheus/rules.yml` says the same in Prometheus's words (a test compares), and docs/operations.md says what to
do. Pure data: no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HOUR = 3600.0
DAY = 24 * HOUR


class Severity(StrEnum):
    """`critical`: somebody gets up at night. `warning`: somebody looks the same day."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Alert:
    """Fires if `metric`, with these labels, is beyond `limit` for `lasting`; shown by its sentence."""

    name: str
    metric: str
    limit: float
    lasting: str
    severity: Severity
    sentence: str | Promise
    is_below: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """The condition in PromQL."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        selector = f"{{{labels}}}" if labels else ""
        return f"{self.metric}{selector} {'<' if self.is_below else '>'} {self.limit:g}"

    def is_met(self, value: float, labels: Mapping[str, str]) -> bool:
        if any(labels.get(name) != wanted for name, wanted in self.labels.items()):
            return False
        return value < self.limit if self.is_below else value > self.limit


@dataclass(frozen=True)
class RateAlert:
    """An alert on what changes over time: only Prometheus can tell, so it is not on the System page."""

    name: str
    expression: str
    lasting: str
    severity: Severity
    sentence: str | Promise


ALERTS = (
    Alert(
        "DatabaseAway",
        "portal_database_up",
        1,
        "1m",
        Severity.CRITICAL,
        _("The database does not answer."),
        is_below=True,
    ),
    Alert(
        "BrokerAway", "portal_broker_up", 1, "2m", Severity.CRITICAL, _("The broker does not answer."), is_below=True
    ),
    Alert("CacheAway", "portal_cache_up", 1, "5m", Severity.WARNING, _("The cache does not answer."), is_below=True),
    Alert(
        "MailLate",
        "portal_outbox_oldest_due_seconds",
        300,
        "5m",
        Severity.WARNING,
        _("Mail waits too long."),
        labels={"kind": "mail"},
    ),
    Alert(
        "MailStopped",
        "portal_outbox_oldest_due_seconds",
        HOUR,
        "5m",
        Severity.CRITICAL,
        _("No mail leaves any more."),
        labels={"kind": "mail"},
    ),
    Alert(
        "WebhooksLate",
        "portal_outbox_oldest_open_seconds",
        HOUR,
        "5m",
        Severity.WARNING,
        _("A partner does not get its webhooks."),
        labels={"kind": "webhook"},
    ),
    Alert(
        "EndpointFails",
        "portal_webhook_endpoints_failing",
        0,
        "1h",
        Severity.WARNING,
        _("The server of a partner does not take webhooks."),
    ),
    Alert("QueueGrows", "portal_queue_length", 500, "10m", Severity.WARNING, _("Tasks pile up.")),
    Alert("TasksWait", "portal_queue_oldest_seconds", 600, "5m", Severity.CRITICAL, _("Tasks wait too long.")),
    Alert("BeatSilent", "portal_beat_tick_age_seconds", 120, "1m", Severity.CRITICAL, _("The clock stands still.")),
    Alert("WorkerSilent", "portal_tick_age_seconds", 180, "1m", Severity.CRITICAL, _("No worker runs this queue.")),
    Alert(
        "DecisionsLate",
        "portal_desk_oldest_seconds",
        5 * DAY,
        "1h",
        Severity.WARNING,
        _("A registration waits too long for a decision."),
    ),
    Alert("CasesLate", "portal_cases_overdue", 10, "1h", Severity.WARNING, _("Many cases are overdue.")),
    Alert("RepairsLate", "portal_tickets_late", 10, "1h", Severity.WARNING, _("A centre is late with many jobs.")),
    Alert(
        "PointsRunStopped",
        "portal_points_run_idle_seconds",
        600,
        "5m",
        Severity.CRITICAL,
        _("A run over points stands still."),
    ),
    Alert(
        "LedgerDiffers",
        "portal_ledger_differences",
        0,
        "1m",
        Severity.CRITICAL,
        _("Points or levels differ from the rules."),
    ),
    Alert(
        "LedgerUnchecked",
        "portal_ledger_check_age_seconds",
        26 * HOUR,
        "10m",
        Severity.WARNING,
        _("The ledger was not checked last night."),
    ),
    Alert(
        "BackupOld",
        "portal_backup_age_seconds",
        26 * HOUR,
        "10m",
        Severity.CRITICAL,
        _("There was no backup last night."),
    ),
    Alert(
        "BackupLogStopped",
        "portal_backup_log_streaming",
        1,
        "10m",
        Severity.CRITICAL,
        _("Nobody takes the log of the database away."),
        is_below=True,
    ),
    Alert(
        "ConnectionsShort",
        "portal_connections_used_ratio",
        0.8,
        "5m",
        Severity.WARNING,
        _("The database is running out of connections."),
    ),
    Alert("FiguresMissing", "portal_figures_failed", 0, "10m", Severity.WARNING, _("Some figures could not be read.")),
)

RATE_ALERTS = (
    RateAlert(
        "ExporterAway",
        "absent(portal_database_up)",
        "5m",
        Severity.CRITICAL,
        _("The exporter does not answer."),
    ),
    RateAlert(
        "SignInsRefused",
        "sum(rate(portal_sign_ins_refused_total[10m])) > 1",
        "10m",
        Severity.WARNING,
        _("Somebody tries many passwords."),
    ),
    RateAlert(
        "ErrorRate",
        'sum(rate(portal_http_requests_total{status=~"5.."}[5m])) / sum(rate(portal_http_requests_total[5m])) > 0.01',
        "10m",
        Severity.CRITICAL,
        _("Many requests fail."),
    ),
    RateAlert(
        "PagesSlow",
        "histogram_quantile(0.95, sum by (le) (rate(portal_http_request_seconds_bucket[5m]))) > 2.5",
        "10m",
        Severity.WARNING,
        _("Pages are slow."),
    ),
)


def alert_for(metric: str, value: float, labels: Mapping[str, str]) -> Alert | None:
    """The most severe alert whose condition is met now, however short; None if all is well."""
    met = [alert for alert in ALERTS if alert.metric == metric and alert.is_met(value, labels)]
    return next((alert for alert in met if alert.severity == Severity.CRITICAL), met[0] if met else None)
