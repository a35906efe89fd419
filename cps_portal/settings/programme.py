"""The numbers of the programme: what docs/rules.md leaves to a setting, by subject.

Durations carry their unit in the name or are timedeltas; limits are (times, seconds).
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

from cps_portal.core.lib import clock
from cps_portal.settings.environment import env

TIME_ZONE = env("TIME_ZONE")  # business dates change at midnight here

# Points and levels
NOTICE_DAYS = 60  # members are told of a change of their points at least this long before it (R22)
ANNOUNCE_AFTER_MINUTES = 30  # a planned change can be corrected this long before members are told of it
NOTICE_PAUSE_MINUTES = 5  # what happens in a burst is told once, this long after the last of it (R70)
MAX_NOTICE_PAUSE_MINUTES = 30  # and at the latest this long after the first of it
SERVICE_END_HORIZON_DAYS = 120  # the end of a product's service is planned this long before it

# The Kitbag and its checks
KITBAG_LIMIT = 1000  # registrations of one member, against runaway scripts
EVIDENCE_MAX_FILES = 10  # of one registration (R25)
DESK_WORKING_DAYS = 2  # a person decides what could not be decided automatically within this time (R19)
DESK_TAKEN_MINUTES = 15  # a registration that a staff member has opened is theirs for this long
DESK_RAIL_SECONDS = 30  # what waits is counted again for each member of staff after this long (R54)
HELD_DECISION_SECONDS = 10  # what staff decide can be taken back for this long (R54)
REVIEW_SAMPLE_PERCENT = env("REVIEW_SAMPLE_PERCENT")  # chosen at random for a person to check (R25)
REVIEW_REFUSALS = (3, 365)  # this many refusals of one member in this many days: a person checks everything
CLAIM_DAYS = 14  # both sides of a claim have this long to answer (R32)
HANDOVER_DAYS = 14  # a one-time code for a handover can be redeemed for this long (R35)
HANDOVER_LIMITS = {"redeem": (10, 3600), "address": (40, 3600)}  # tries by member, by network address
KIT_GROUPS_MAX = 30  # groups that a member may name
REMOVAL_UNDO_DAYS = 7  # a removal can be undone for this long (R26)

# Accounts
LOST_ADDRESS_HOLD_DAYS = 14  # after staff changed a lost address, no kit leaves the account and it stays open (R69)
MERGE_UNDO_DAYS = 14  # two accounts that became one can be two again for this long (R69)
CLOSING_DAYS = 30  # a closed account can be reopened for this long; then its personal data are erased (R14)
VIEW_AS_MINUTES = 15  # staff may look at the portal as a member for this long, then it ends by itself (R68)

# Forms (R71)
SUBMISSION_KEPT_FOR = timedelta(days=1)  # the same form again gets the first answer for this long
KEPT_FORM_FOR = timedelta(days=1)  # what was typed is kept this long for the person to sign in again
KEPT_FORM_LIMIT = (60, 3600)  # forms kept for one person or network address

# Welcome Pack
PACK_LATE_AFTER = timedelta(days=3)  # a request that no fulfilment partner acknowledged becomes a case (R38)
PACK_ADDRESS_KEPT = timedelta(weeks=12)  # the address is deleted this long after the pack's last event

# Servicing
SERVICE_ADDRESS_KEPT = timedelta(days=30)  # the return address is deleted this long after delivery (R61)
SERVICE_COVERED_FOR = timedelta(days=90)  # the same fault again is repaired without charge for this long (R63)
LOAN_BACK_DAYS = 2  # working days after their own product was delivered, in which the member brings the loan back (R53)
LOAN_CARRIER_DAYS = 3  # working days that a parcel usually takes to the member, if nobody knows when it arrives (R53)
LOAN_RESERVED_FOR = timedelta(days=7)  # a reserved unit that is not collected by then is released

MESSAGES_MAILED_EVERY = timedelta(hours=4)  # a centre is mailed about unanswered messages at most this often (R73)

HOLIDAYS_ASKED_DAYS = 10  # staff are asked about an estimated holiday this long before it (R72)

# Support and its working hours (R19, R58)
SUPPORT_CALENDAR = clock.Calendar(
    zone=ZoneInfo(env("SUPPORT_ZONE")),
    week=env("SUPPORT_HOURS"),
    country=env("SUPPORT_COUNTRY"),  # its public holidays are days off
    subdivision=env("SUPPORT_SUBDIVISION"),
    categories=tuple(env("SUPPORT_HOLIDAYS")),
    days_off=dict.fromkeys(env("SUPPORT_DAYS_OFF"), ""),
    days_on=dict.fromkeys(env("SUPPORT_DAYS_ON")),
    early=dict(env("SUPPORT_HALF_DAYS")),
    seasons=env("SUPPORT_SEASONS"),
)
CASES_ANSWER_HOURS = 24  # working hours to the first answer where no level says anything else
CASES_REOPEN_DAYS = 30  # after this a closed case stays closed, and a new one is opened
CASES_CLOSE_DAYS = 14  # of silence of the customer, after which an answered case is closed
CASES_RATING_DAYS = 60  # how long the question whether our help was any good can be answered
CASES_LIMITS = {
    "open": (10, 3600),
    "write": (30, 3600),
    "mail": (5, 86400),  # to an e-mail address, from one network
    "mails": (20, 86400),  # to an e-mail address, from everywhere
}
# What a contact link may name: the model, and the path from it to its member ("" if everybody may see it).
CASES_ABOUT = {
    "welcome_pack": ("offers.WelcomePack", "member"),
    "registration": ("kitbag.Registration", "member"),
    "product": ("kitbag.Product", ""),
    "ticket": ("servicing.Ticket", "member"),
}
