"""What a worker under test runs with: mails become files, and leases are short."""

import os
from pathlib import Path

from cps_portal.settings.test import *  # noqa: F403

EMAIL_BACKEND = "tests.outbox.backends.Crawling"
MAILBOX_FOLDER = Path(os.environ["MAILBOX_FOLDER"])
OUTBOX_LEASE_SECONDS = 1
