"""What happened to a ticket and what happens next, as sentences for the dashboard, e-mails and the ticket's page."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servicing.enums import EventKind
from servicing.rules.places import HELD_FOR

E = EventKind
NUMBERS = {"days": HELD_FOR.days}  # of the rules, for the sentences below
# Keys of sentences that are more specific than a kind of event, or belong to none.
MESSAGE, DOCUMENT, EXPIRED, PART_LATE = "message", "document", "estimate_expired", "part_late"
REMINDER = "estimate_reminder"  # it expires soon
SERIAL_CLAIMED = "serial_claimed"
OTHER_FAULT_STANDARD = "other_fault_standard"  # and no place was free

# (what happened, what happens next), with the placeholders "%(product)s" and those of NUMBERS.
SENTENCES: dict[str, tuple[str | Promise, str | Promise]] = {
    E.REQUESTED: (_("Service requested for your %(product)s"), _("Print the label and send it, or bring it.")),
    E.PLACE_AWAITED: (
        _("Your %(product)s is waiting for a place"),
        _("Keep it with you. We’ll tell you when a place is free."),
    ),
    E.PLACE_GIVEN: (_("A place is free for your %(product)s"), _("Send it within %(days)s days.")),
    E.PLACE_LAPSED: (
        _("The place for your %(product)s was given up"),
        _("It didn’t reach the centre within %(days)s days. Send it anyway: if a place is free, it gets one."),
    ),
    E.ACCEPTED: (_("The centre expects your %(product)s"), _("Send it, or bring it to the counter.")),
    E.BOOKED_IN: (_("Your %(product)s is at the centre"), _("The clock is running. Next, the centre assesses it.")),
    E.BECAME_STANDARD: (
        _("Your %(product)s goes at standard speed now"),
        _("Fast Track isn’t part of membership where you live. Send it as planned, or cancel the job."),
    ),
    E.BECAME_FAST_TRACK: (
        _("Your %(product)s is Fast Track now"),
        _("Its registration counts, so the target is shorter."),
    ),
    E.WARRANTY_DECIDED: (
        _("The centre has decided on the warranty for your %(product)s"),
        _("See the decision and the reason."),
    ),
    E.OTHER_FAULT: (
        _("Your %(product)s has another fault"),
        _("See why the last repair doesn’t cover it. The centre will send you an estimate."),
    ),
    OTHER_FAULT_STANDARD: (
        _("Your %(product)s has another fault"),
        _(
            "The last repair doesn’t cover it: the centre will send you an estimate. All your places are taken, so it "
            "goes at standard speed."
        ),
    ),
    E.SERIAL_CHANGED: (
        _("Your %(product)s has a new serial number"),
        _("The centre replaced the part that carries it. Your Kitbag has the new one; points and dates stay."),
    ),
    SERIAL_CLAIMED: (
        _("Your %(product)s has a new serial number"),
        _("Someone else has registered that number. We’re asking you both for proof, and your points stay meanwhile."),
    ),
    E.NO_CHARGE: (_("There’s no charge for your %(product)s"), _("The work can start. See the reason.")),
    E.QUESTION_ASKED: (
        _("The centre has a question about your %(product)s"),
        _("The clock is paused until you answer."),
    ),
    E.ESTIMATE_SENT: (
        _("The estimate for your %(product)s is ready"),
        _("Approve or decline it. The clock is paused until you do."),
    ),
    REMINDER: (
        _("Your estimate for the %(product)s expires soon"),
        _("Approve or decline it in time. Without an answer, it comes back to you unrepaired."),
    ),
    E.ESTIMATE_WITHDRAWN: (
        _("The estimate for your %(product)s was withdrawn"),
        _("The centre will make another one."),
    ),
    E.ESTIMATE_DECLINED: (
        _("The estimate for your %(product)s was declined"),
        _("It comes back to you unrepaired."),
    ),
    EXPIRED: (
        _("The estimate for your %(product)s is no longer valid"),
        _("It comes back to you unrepaired. Write to the centre if you still want the work done."),
    ),
    E.PART_ORDERED: (
        _("Your %(product)s is waiting for a part"),
        _("The clock keeps running. Work starts when the part arrives."),
    ),
    PART_LATE: (
        _("Your %(product)s will take longer than its target"),
        _("A part is late. See which one, and the new date."),
    ),
    MESSAGE: (_("The centre has written to you about your %(product)s"), _("Read the message and reply.")),
    DOCUMENT: (
        _("The centre has a document for you about your %(product)s"),
        _("Open it on the job’s page, or ask the centre for a copy."),
    ),
    E.PART_EXPECTED: (_("A part for your %(product)s has a date"), _("See when it is expected.")),
    E.TARGET_CHANGED: (
        _("The target for your %(product)s has moved"),
        _("The centre’s calendar has changed. See the new date and why."),
    ),
    E.TARGET_MISSED: (
        _("Your %(product)s is taking longer than its target"),
        _("See why, and the new date."),
    ),
    E.LOAN_OFFERED: (_("Choose what to borrow for your %(product)s"), _("It’s free, until yours is back.")),
    E.LOAN_RESERVED: (_("Your loan is reserved"), _("Accept the agreement, then pick it up or have it sent.")),
    E.LOAN_CANCELLED: (_("The loan was cancelled"), _("Reserve another one if you still need it.")),
    E.LOAN_OUT: (_("You have the loan"), _("See when it is due back.")),
    "loan_due": (_("Your loan %(product)s is due back soon"), _("Bring or send it back on time.")),
    "loan_overdue": (
        _("Your loan %(product)s is overdue"),
        _("Others are waiting for it. Bring it back, or write to us."),
    ),
    "loan_dated": (
        _("The day for returning the %(product)s"),
        _("It follows your own product. See when it’s due back."),
    ),
    "loan_extended": (_("You can keep the %(product)s longer"), _("See when it is due back now.")),
    E.LOAN_RETURNED: (_("Your loan is back"), _("You don’t have to do anything.")),
    E.READY: (_("Your %(product)s is ready"), _("We’ll send it back to you, or you can pick it up.")),
    E.SHIPPED: (_("Your %(product)s is on its way back"), _("Track the parcel.")),
    E.SHIPMENT_CORRECTED: (_("The tracking of your %(product)s has changed"), _("See the new number and date.")),
    E.CANCELLED: (_("The service for your %(product)s was cancelled"), _("If you didn’t expect this, write to us.")),
}
DEFAULT_SENTENCES = (_("News about your %(product)s"), _("See what happened."))

ABOUT_THE_UNIT = ("loan_due", "loan_overdue", "loan_extended", "loan_dated")  # their product is the one that was lent


def sentence_key(kind: str, data: Mapping[str, Any]) -> str:
    """The key of the sentences of an event: its kind, or a more specific key."""
    if kind == E.ESTIMATE_DECLINED and data.get("reason") == "expired":
        return EXPIRED
    if kind == E.OTHER_FAULT and data.get("target_days"):
        return OTHER_FAULT_STANDARD
    if kind == E.SERIAL_CHANGED and data.get("claimed"):
        return SERIAL_CLAIMED
    if kind in (E.PART_ORDERED, E.PART_EXPECTED) and data.get("late"):
        return PART_LATE
    return kind
