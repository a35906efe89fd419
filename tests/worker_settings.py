"""What a worker under test runs with: mails become files, and leases are short."""

import os
from datetime import timedelta
from pathlib import Path

import tests.partners.renderers  # noqa: F401  (registers tests.sum_up)
from cps_portal.core.outbox.rules import RetryPolicy
from cps_portal.settings.test import *  # noqa: F403
from cps_portal.settings.test import OUTBOX_RETRY_POLICIES

EMAIL_BACKEND = "tests.outbox.backends.Crawling"
MAILBOX_FOLDER = Path(os.environ["MAILBOX_FOLDER"])
OUTBOX_LEASE_SECONDS = 1
NOTICE_PAUSE_MINUTES = MAX_NOTICE_PAUSE_MINUTES = 0
WEBHOOK_QUIET_SECONDS = (0.1, 1)
OUTBOX_RETRY_POLICIES = {
    **OUTBOX_RETRY_POLICIES,
    "webhook": RetryPolicy(first_delay=timedelta(seconds=0.2), max_delay=timedelta(seconds=1)),
}
