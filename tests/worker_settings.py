"""What a worker under test runs with: mails become files, and leases are short."""

import os
from datetime import timedelta
from pathlib import Path

from cps_portal.core.outbox.rules import RetryPolicy
from cps_portal.settings.test import *  # noqa: F403
from cps_portal.settings.test import OUTBOX_COMPOSERS, OUTBOX_PAUSES

EMAIL_BACKEND = "tests.outbox.backends.Crawling"
MAILBOX_FOLDER = Path(os.environ["MAILBOX_FOLDER"])
OUTBOX_LEASE_SECONDS = 1
OUTBOX_COMPOSERS = {**OUTBOX_COMPOSERS, "tests.sum_up": "tests.partners.composing.sum_up"}
WEBHOOK_QUIET_SECONDS = (0.1, 1)
OUTBOX_PAUSES = {**OUTBOX_PAUSES, "webhook": RetryPolicy(first=timedelta(seconds=0.2), longest=timedelta(seconds=1))}
