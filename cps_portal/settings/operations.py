"""How people see what the portal does: ticks, metrics, reports of errors."""

from cps_portal.core.lib.error_reports import report_errors
from cps_portal.settings.environment import env

QUEUES = ("celery", "webhooks")  # of background tasks; each has its tick, and a worker in docker-compose.yml
CELERY_BEAT_SCHEDULER = "cps_portal.core.system.scheduler:Scheduler"
ALIVE_FOLDER = env("ALIVE_FOLDER")
METRICS_FOLDER = env("PROMETHEUS_MULTIPROC_DIR")
METRICS_PORT = env("METRICS_PORT")

if SENTRY_DSN := env("SENTRY_DSN"):
    report_errors(dsn=SENTRY_DSN, environment=env("SENTRY_ENVIRONMENT"))
