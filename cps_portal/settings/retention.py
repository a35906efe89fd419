"""How long rows are kept that are deleted in the end; `cps_portal/site/retention.py` says which, and why.

Shorter periods of single features stand beside those features in the other modules.
"""

from datetime import timedelta

from cps_portal.settings.environment import env

MESSAGES_KEPT = timedelta(days=400)  # after OUTBOX_RETENTION_DAYS only that there was one, without content
CASE_DRAFTS_KEPT = timedelta(days=30)  # of answers to cases, after their writer was last there
HISTORY_KEPT = timedelta(days=2 * 365)  # earlier states of rows; must be longer than the days of REVIEW_REFUSALS
ADMIN_LOG_KEPT = timedelta(days=2 * 365)
LEDGER_CHECKS_KEPT = timedelta(days=400)
MISSED_SEARCHES_KEPT = timedelta(days=90)
HELD_DECISIONS_KEPT = timedelta(days=14)
ESTIMATE_DRAFTS_KEPT = timedelta(days=90)  # since it was saved last
PACKED_KEPT = timedelta(days=60)  # that a job lies packed
ERASED_FILES_KEPT = timedelta(days=400)  # the empty rows of erased files; must be longer than backups are kept
OFFLINE_COPIES_KEPT = timedelta(days=7)  # dashboard and card on a device, if the member chose it (R41)
# What is deleted leaves the backups after this: a full backup is kept as long as the incremental ones of its week.
BACKUPS_KEPT = timedelta(days=env("BACKUP_KEEP_DAYS") + 7)
