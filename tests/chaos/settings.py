"""Production settings for the processes of the chaos run. CLOCK_AHEAD_SECONDS moves the clock of one process."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

from tests.launcher.front_settings import *  # noqa: F403

SECURE_SSL_REDIRECT = False  # nginx redirects; the simulator reports to a web server directly
WEBHOOKS_MAY_REACH_PRIVATE = True
REVIEW_SAMPLE_PERCENT = 0  # nobody is there to check a registration by hand

if ahead := float(os.environ.get("CLOCK_AHEAD_SECONDS", "0")):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=ahead)).start()
