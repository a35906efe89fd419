"""Files, outgoing messages, partners and webhooks: limits, retries, and how long things are kept."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.rules import RetryPolicy
from cps_portal.settings.environment import env

# Rate limits, as (times, seconds)
MY_DATA_LIMIT = (5, 3600)  # downloads of everything held about a member (R14)
CONFIRM_AGAIN_LIMIT = (5, 86400)  # links to an address that mails come back from, by member
CARD_CHECK_LIMIT = (60, 300)  # public card checks from one network address (R41)

# Uploaded files
FILES_MAX_MEGABYTES = 15
FILES_MAX_UNUSED = 40  # uploads of one person that are not attached to anything yet
FILES_UPLOAD_LIMIT = (60, 60)  # times, seconds
FILES_PURPOSES = ["evidence", "case", "ticket", "lost_address"]  # of what is uploaded while a form is filled in
FILES_CACHED_PURPOSES = ["product_photo"]  # their owner's browser may keep them: every page of the Kitbag shows them
FILES_DECODERS = 2  # files opened at once by one web process, each in a process of its own
# Of memory for each; the largest picture takes 800. A file that seems broken is tried again with 400 more.
FILES_DECODER_MEGABYTES = 1100
FILES_DECODER_SECONDS = 20  # for one file
FILES_DECODER_WAIT_SECONDS = 10  # for one's turn; then the file is refused for now
FILES_SCANNER = env("FILES_SCANNER")  # such as cps_portal.core.files.scanners.clamd
FILES_CLAMD = env("FILES_CLAMD")

# The outbox
# A message that a killed worker had taken is sent again after this. Must be longer than any sender may take
# (EMAIL_TIMEOUT, WEBHOOK_TIMEOUT_SECONDS), or a slow message would be sent twice.
OUTBOX_LEASE_SECONDS = env("OUTBOX_LEASE_SECONDS")
OUTBOX_RETRY_POLICIES = {  # mails are given up after about four days, webhooks never (R38)
    "mail": RetryPolicy(first_delay=timedelta(minutes=1), max_delay=timedelta(hours=4), max_attempts=30),
    "webhook": RetryPolicy(
        first_delay=timedelta(seconds=env("WEBHOOK_FIRST_PAUSE_SECONDS")),
        max_delay=timedelta(seconds=env("WEBHOOK_MAX_PAUSE_SECONDS")),
    ),
    "push": RetryPolicy(first_delay=timedelta(minutes=1), max_delay=timedelta(hours=2), max_attempts=10),
}
OUTBOX_RETENTION_DAYS = 30  # then the content is blanked: it holds personal data and sign-in links

# Push messages
PUSH_PRIVATE_KEY = env("PUSH_PRIVATE_KEY")  # without it they are not offered
PUSH_KEPT = timedelta(days=1)  # by the push service, for a browser that cannot be reached

# Partners and webhooks
WEBHOOK_TYPES = {  # events that a partner can subscribe to
    "welcome_pack.requested": _("A Welcome Pack was requested"),
    "welcome_pack.cancelled": _("A Welcome Pack was cancelled"),
    "membership_card.requested": _("A membership card is to be printed and posted"),
    "sale.matched": _("A sale was matched with a registration that counts"),
    "sale.withdrawn": _("A sale was withdrawn"),
    "ticket.opened": _("A ticket was opened"),
    "ticket.event": _("Something happened to a ticket"),
    "ticket.message": _("The customer wrote"),
    "endpoint.test": _("A test message"),
}
WEBHOOK_OBJECTS = {  # where the API has the object, below /api/v1/, if not under the subject of the event
    "welcome_pack.requested": "fulfilment/requests/{reference}",
    "welcome_pack.cancelled": "fulfilment/requests/{reference}",
    "membership_card.requested": "fulfilment/cards/{reference}",
}
CREDENTIAL_OVERLAP_DAYS = 7  # a replaced credential goes on working beside the new one for this long
CALLS_KEPT = timedelta(days=90)  # the log of API calls
ANSWERS_KEPT = timedelta(hours=24)  # the same Idempotency-Key gets the same response for this long
LOOK_UP_LIMIT = (60, 60)  # look-ups of members, cards and serial numbers by one credential: times, seconds
TOKEN_LIMIT = (60, 60)  # tokens fetched from one network address: times, seconds
WEBHOOK_TIMEOUT_SECONDS = env("WEBHOOK_TIMEOUT_SECONDS")  # from connecting to the whole response
# After a failure an endpoint is not tried for a quarter of the time it has been failing, within these bounds.
WEBHOOK_QUIET_SECONDS = (
    env("WEBHOOK_QUIET_SECONDS"),
    env("WEBHOOK_MAX_QUIET_SECONDS"),
)
WEBHOOK_MAX_RETRY_AFTER = timedelta(days=1)  # a receiver that asks for more is tried again after this
WEBHOOK_WARNED_AFTER = timedelta(days=1)  # an endpoint that has failed for so long is dead: its partner is told
WEBHOOK_SUSPENDED_AFTER = timedelta(days=4)  # after having been told; messages wait until it is resumed
WEBHOOKS_MAY_REACH_PRIVATE = False  # private networks and plain http: development and tests only
WEBHOOK_MAX_ENDPOINTS = 20  # per partner
WEBHOOK_OVERLAP_HOURS = 24  # the old signing secret stays valid beside a new one for this long
WEBHOOK_ATTEMPTS_DAYS = 30  # delivery attempts are kept for this long
PARTNER_CLOCKS_DIFFER = timedelta(minutes=10)  # how far ahead of ours a partner's clock may be
