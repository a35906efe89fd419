"""The sentences that members read about a serial number and about changes of their points."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.enums import RefusalReason, RegistrationState, ReviewReason
from kitbag.models import PointsEntry, Registration
from kitbag.rules import SerialFinding
from members.enums import PointsCause

SERIAL_SENTENCES = {
    "empty": _("Type the serial number."),
    "ean": _("That is the bar code of the box. The serial number stands on the product itself."),
    "item_code": _(
        "That is an item code of the maker, as on the box or the receipt. The serial number stands on the product."
    ),
    "date_code": _("That is a date code, not the serial number. Look for the longer number."),
    "model": _("That is the name of the model, not the number of yours. Look for the number beside or below it."),
    "imei": _("Fifteen digits are the number of a phone (IMEI). Type the one that stands on the product."),
    "phone": _("That is a telephone number. Type the one that stands on the product."),
    "made_up": _("Every product has its own number, this one looks made up. Type the one that stands on yours."),
    "signs": _("A serial number has only digits and letters. Type it as printed, without other signs."),
    "short": _("A serial number has at least four characters. Check that you have all of it."),
    "long": _("A serial number has at most fourteen characters. Type the number alone."),
    "letters": _("Did you mean %(suggestion)s? Serial numbers of this kind have digits where you typed letters."),
    "shape": _("This does not look like the number of this product. Check it, or tick the box if it is right."),
    "shape_example": _(
        "This does not look like the number of this product, for example %(example)s."
        " Check it, or tick the box if it is right."
    ),
    "own_duplicate": _("You have added this one already. Check the serial number."),
    "own_other": _("That is the number of your %(other)s. Type the one that stands on this product."),
}

MISSING_SENTENCES = {
    "serial": _("Type the serial number."),
    "country": _("Choose the country where it was bought."),
    "purchased_on": _("Type the date of purchase."),
    "store": _("Name the store, or the person you bought it from."),
}

NEXT_STEPS = {
    RefusalReason.SERIAL_WRONG: _("Check it against the number on the product and send it in again."),
    RefusalReason.SERIAL_UNREADABLE: _("Look at the product again, type the whole number and send it in again."),
    RefusalReason.HELD_ELSEWHERE: _("Check the number. If it is right, write to us: two people can’t both hold it."),
    RefusalReason.DETAILS_WRONG: _("Check the date, the country and the store against the receipt."),
    RefusalReason.NEEDS_SERIAL: _("Type it and hand the product in again."),
    RefusalReason.NEEDS_EVIDENCE: _("Add a photo of the serial number or the receipt and send it in again."),
    RefusalReason.LOST_CLAIM: _("If you think this is wrong, appeal: a second person looks at it."),
    RefusalReason.NOT_OURS: _("Please contact us about this product."),
}

CAUSE_SENTENCES = {
    PointsCause.VALIDATED: _("All four details validated."),
    PointsCause.REMOVED: _("You removed it from your Kitbag."),
    PointsCause.SUPERSEDED: _("A newer model is out. It keeps its points at this stage."),
    PointsCause.UNSERVICEABLE: _("We can’t repair it any more. It still counts, and never drops to zero."),
    PointsCause.RESTORED: _("It counts as a current product again."),
    PointsCause.REVALUED: _("The points of this product have changed."),
    PointsCause.ADJUSTED: _("Our staff added these points."),
    PointsCause.ADJUSTMENT_ENDED: _("Points from our staff have expired."),
    PointsCause.THRESHOLDS: _("The levels start at new totals. Your own points haven’t changed."),
    PointsCause.TRANSFERRED: _("You handed it over to a new owner."),
    PointsCause.RETURNED: _("You put it back in your Kitbag."),
    PointsCause.MENDED: _("Corrected after a check."),
    PointsCause.CHECK: _("It didn’t pass a check. See the reason on its page."),
}

REVIEW_SENTENCES = {
    ReviewReason.DUPLICATE: _(
        "We need to check this serial number by hand. You’ll hear from us within two working days."
    ),
    ReviewReason.SHAPE: _(
        "The number looks unusual, so we’re checking it by hand. You’ll hear within two working days."
    ),
    ReviewReason.NO_SERIAL: _(
        "It has no serial number, so we’re checking it by hand. You’ll hear within two working days."
    ),
    ReviewReason.SAMPLE: _("We check a few by hand, and this is one of them. You’ll hear within two working days."),
    ReviewReason.REFUSALS: _("We’re checking this one by hand. You’ll hear from us within two working days."),
    ReviewReason.STOLEN: _("Please contact us about this product."),
    ReviewReason.APPEAL: _("Someone else is looking at your appeal. You’ll hear from us within two working days."),
    ReviewReason.ASKED: _("We’re looking at what you added. You’ll hear from us within two working days."),
}


def serial_sentence(finding: SerialFinding) -> str:
    """What is wrong with the serial number and what to do (R29, R30)."""
    code = "shape_example" if finding.code == "shape" and finding.example else finding.code
    facts = {"suggestion": finding.suggestion, "example": finding.example, "other": finding.other}
    return str(SERIAL_SENTENCES[code]) % facts


def cause_sentence(entry: PointsEntry) -> str | Promise:
    """Why the points changed (R21)."""
    return CAUSE_SENTENCES[PointsCause(entry.cause)]


def grey_sentence(row: Registration) -> str | Promise:
    """Why a registration does not count, for the desk (R54); "" if it does."""
    if row.state == RegistrationState.DRAFT:
        labels = {field.name: field.verbose_name for field in Registration._meta.concrete_fields}
        missing = [str(labels[name]) for name in row.missing]
        return _("Missing: %(details)s.") % {"details": ", ".join(missing)} if missing else _("Not handed in yet.")
    if row.state == RegistrationState.SUBMITTED:
        return row.get_review_reason_display() or _("The automatic check has not looked at it yet.")
    if row.state == RegistrationState.REJECTED:
        return row.get_refusal_reason_display()
    if row.state == RegistrationState.REMOVED:
        return row.get_removal_reason_display()
    return ""
