"""How people see what the portal does: ticks, metrics, reports of errors."""

from cps_portal.core.lib.error_reports import report_errors
from cps_portal.settings.environment import env

METRICS_FOLDER = env("PROMETHEUS_MULTIPROC_DIR")
METRICS_PORT = env("METRICS_PORT")

if SENTRY_DSN := env("SENTRY_DSN"):
    report_errors(dsn=SENTRY_DSN, environment=env("SENTRY_ENVIRONMENT"))
