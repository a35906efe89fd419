"""The queues of background tasks: for the portal, and for its clock, which reads no others (cps_portal/beat.py)."""

from cps_portal.settings.environment import env

REDIS_URL = env("REDIS_URL")  # the broker, and counters that must not be evicted
QUEUES = (
    "celery",
    "webhooks",
)  # of background tasks; each has its tick, and a worker in docker-compose.yml
OUTBOX_SWEEP_SECONDS = env("OUTBOX_SWEEP_SECONDS")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 1,
    "socket_timeout": 10,
}
CELERY_TASK_ROUTES = {"outbox.send_in_order": {"queue": "webhooks"}}  # a slow receiver must not hold up other work
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "cps_portal.core.system.scheduler:Scheduler"
