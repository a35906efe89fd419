"""Production settings for what is measured, on the database that the test has filled."""

import os

from cps_portal.settings.test import *  # noqa: F403
from cps_portal.settings.test import DATABASES

DATABASES["default"]["NAME"] = os.environ["BENCH_DATABASE"]
DATABASES["default"]["CONN_MAX_AGE"] = None
ROOT_URLCONF = os.environ.get("BENCH_URLS", "cps_portal.urls")
