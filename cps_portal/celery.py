"""The Celery app. Its clock is in `beat`, with the times of `schedule`."""

import os

from celery import Celery
from celery.signals import worker_init
from django.conf import settings

from cps_portal.core.lib import task_headers  # noqa: F401 (connects its signals)
from cps_portal.core.lib.server_version import require_new_server
from cps_portal.core.lib.time_limits import limit_waiting
from cps_portal.core.system import alive  # noqa: F401 (connects its signals)
from cps_portal.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cps_portal.settings.base")

app = Celery("cps_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def limit_waiting_of_worker(**_kwargs: object) -> None:
    """Check the database server; let this worker, and what it forks, give up on one that does not answer."""
    require_new_server()
    limit_waiting(settings.DATABASE_LIMITS)


app.conf.beat_schedule = SCHEDULE
