"""The clock queues every task where the workers expect it, without loading the portal."""

import os
import subprocess
import sys

from cps_portal import beat, celery

LOADED = """
import sys
from cps_portal.beat import app
app.loader.init_worker()
app.finalize()
print(sorted(name for name in sys.modules if name.endswith((".models", ".views")) and not name.startswith("django.")))
print(len(app.conf.beat_schedule))
from django.conf import settings
import cps_portal.core.system.scheduler, cps_portal.core.system.alive as alive
alive.touch("beat")
print(settings.configured, sorted({"holidays", "babel", "whitenoise"} & set(sys.modules)))
"""


def test_it_has_the_same_schedule_and_queues_where_the_workers_listen() -> None:
    assert beat.app.conf.beat_schedule == celery.app.conf.beat_schedule
    for entry in beat.app.conf.beat_schedule.values():
        name, options = entry["task"], entry.get("options", {})
        assert name in celery.app.tasks
        queues = [str(app.amqp.router.route(dict(options), name)["queue"]) for app in (beat.app, celery.app)]
        assert queues[0] == queues[1], name
    assert beat.app.conf.beat_scheduler == celery.app.conf.beat_scheduler


def test_neither_apps_nor_settings_of_django_are_loaded() -> None:
    """As `celery beat` does before its first round, and in it."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, env=os.environ)
    models, entries, rest = done.stdout.splitlines()
    assert models == "[]"
    assert int(entries) == len(celery.app.conf.beat_schedule)
    assert rest == "False []"
