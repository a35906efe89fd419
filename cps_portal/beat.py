"""The Celery app of the clock alone: `celery --app cps_portal.beat beat`.

It queues tasks by their names and loads neither Django's settings and apps nor the tasks: a quarter of the memory of
the whole portal. Its errors are reported as those of the portal are (settings/operations.py).
"""

from celery import Celery

from cps_portal.core.lib import task_headers  # noqa: F401 (connects its signals)
from cps_portal.schedule import SCHEDULE
from cps_portal.settings import operations, queues  # noqa: F401 (reports errors)

# Not the current one: whoever imports both publishes with the portal's. The fixup of Celery for Django loads all apps.
app = Celery("cps_portal", set_as_current=False, fixups=[])
app.config_from_object(queues, namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
