"""Why something that was typed or scanned at the counter could not be looked up (R28, R29)."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.presenters.texts import SERIAL_SENTENCES

SENTENCES = {
    "card": _(
        "This is no card: it has a number of twelve digits or a QR code. Scan it, or type what is printed on it."
    ),
    "member_number": _("This is no member number: a digit is missing or wrong. Type the twelve digits on the card."),
}
NEITHER = _(
    "We couldn’t read this as a reference, a card, a member number or a serial number, so we didn’t look it up. Type"
    " it as printed."
)
NAMED = ("ean", "item_code", "imei", "phone", "shortened")  # what it is instead can be said


def problem_sentence(problem: str) -> str | Promise:
    """What cannot be read in a number of which the kind is known; `problem` is that of a LookupResult."""
    return SENTENCES.get(problem) or SERIAL_SENTENCES[problem]


def any_problem_sentence(problem: str) -> str | Promise:
    """The same for a box that takes numbers of every kind."""
    return SERIAL_SENTENCES[problem] if problem in NAMED else NEITHER
