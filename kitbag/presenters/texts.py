"""Sentences for members about serial numbers, reviews and changes of their points."""

from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.lists import in_words
from cps_portal.core.lib.written_dates import date_format
from kitbag.enums import RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Claim, PointsEntry, Product, Registration
from kitbag.queries.deadlines import decision_due
from kitbag.rules import SerialFinding
from members.enums import PointsCause
from members.support.presenters import due_in_words

SERIAL_SENTENCES = {
    "empty": _("Type the serial number."),
    "ean": _("That’s the bar code of the box. The serial number is on the product itself."),
    "item_code": _(
        "That’s an item code, as printed on the box or the receipt. The serial number is on the product itself."
    ),
    "date_code": _("That’s a date code, not the serial number. Look for the longer number."),
    "model": _("That’s the model name. Look for the serial number beside or below it."),
    "imei": _("A number with fifteen digits is a phone’s IMEI. Type the serial number of the product."),
    "phone": _("That’s a phone number. Type the serial number of the product."),
    "made_up": _("This number looks made up. Type the one that is on your product."),
    "signs": _("A serial number has only digits and letters. Type it as printed, without other characters."),
    "alphabet": _(
        "Some of these letters are from another alphabet, though they look the same. Type them with a Latin keyboard."
    ),
    "no_digits": _("A serial number has digits. Type it as printed."),
    "shortened": _(
        "A spreadsheet has shortened this number, so digits are missing. Copy the serial number from the product."
    ),
    "short": _("This is too short for a serial number. Check that yours is complete."),
    "long": _("This is too long for a serial number. Type only the number."),
    "letters": _("Did you mean %(suggestion)s? Serial numbers of this kind have digits where you typed letters."),
    "shape": _("This doesn’t look like a serial number of this product. Check it, or tick the box if it’s right."),
    "shape_example": _(
        "This doesn’t look like a serial number of this product, such as %(example)s."
        " Check it, or tick the box if it’s right."
    ),
    "own_duplicate": _("You’ve already added this one. Check the serial number."),
    "own_other": _("That’s the serial number of your %(other)s. Type the one on this product."),
}

MISSING_SENTENCES = {
    "serial": _("Type the serial number."),
    "country": _("Choose the country where it was bought."),
    "purchased_on": _("Enter the date of purchase."),
    "store": _("Enter the store or the person you bought it from."),
}

NEXT_STEPS = {
    RefusalReason.SERIAL_WRONG: _("Check it against the number on the product and send it in again."),
    RefusalReason.SERIAL_UNREADABLE: _("Look at the product again, type the whole number and send it in again."),
    RefusalReason.HELD_ELSEWHERE: _(
        "Check the number. If it’s right, please write to us: only one member can register it."
    ),
    RefusalReason.DETAILS_WRONG: _("Check the date, the country and the store against the receipt."),
    RefusalReason.NEEDS_SERIAL: _("Type it in and submit the product again."),
    RefusalReason.NEEDS_EVIDENCE: _("Add a photo of the serial number or the receipt and send it in again."),
    RefusalReason.NEEDS_PROOF: _("Add the receipt or the invoice and send it in again. A photo of it will do."),
    RefusalReason.LOST_CLAIM: _("If you think this is wrong, you can appeal. A colleague will take a second look."),
    RefusalReason.NOT_OURS: _("Please contact us about this product."),
}

CAUSE_SENTENCES = {
    PointsCause.VALIDATED: _("All four details are complete and checked."),
    PointsCause.REMOVED: _("You removed it from your Kitbag."),
    PointsCause.SUPERSEDED: _("A newer model is out, so this product counts less from now on."),
    PointsCause.UNSERVICEABLE: _("We can’t repair it any more. It still counts, and never drops to zero."),
    PointsCause.RESTORED: _("It counts as a current product again."),
    PointsCause.REVALUED: _("The points of this product have changed."),
    PointsCause.ADJUSTED: _("Our staff added these points."),
    PointsCause.ADJUSTMENT_ENDED: _("Points from our staff have expired."),
    PointsCause.THRESHOLDS: _("The levels start at new totals. Your own points haven’t changed."),
    PointsCause.TRANSFERRED: _("You handed it over to a new owner."),
    PointsCause.RETURNED: _("You put it back in your Kitbag."),
    PointsCause.MERGED: _("Two accounts of yours have become one. It counts in the one that you use."),
    PointsCause.UNMERGED: _("Two accounts have become two again, as they were before."),
    PointsCause.MENDED: _("Corrected after a check."),
    PointsCause.CHECK: _("It didn’t pass a check. See the reason on its page."),
}

REVIEW_SENTENCES = {
    ReviewReason.DUPLICATE: _("We need to check this serial number by hand."),
    ReviewReason.SHAPE: _("The number looks unusual, so we’re checking it by hand."),
    ReviewReason.DATE: _("The date is before the product came out, so we’re checking it by hand."),
    ReviewReason.NO_SERIAL: _("It has no serial number, so we’re checking it by hand."),
    ReviewReason.SAMPLE: _("We check a few by hand, and this is one of them."),
    ReviewReason.REFUSALS: _("We’re checking this one by hand."),
    ReviewReason.STOLEN: _("Please contact us about this product."),
    ReviewReason.REPLACED: _("We need to check this serial number by hand."),
    ReviewReason.APPEAL: _("Someone else is looking at your appeal."),
    ReviewReason.ASKED: _("We’re looking at what you added."),
}


def review_sentence(row: Registration, now: datetime) -> str:
    """Why a person is checking it, and by when the member hears from them (R19); "" if nobody is."""
    if not row.review_reason:
        return ""
    reason = str(REVIEW_SENTENCES[ReviewReason(row.review_reason)])
    due = decision_due(row)
    if due is None or row.review_reason == ReviewReason.STOLEN:
        return reason
    claim = Claim.objects.open().filter(claimant=row.pk).first()
    if claim:
        asked = _("Answer in the case by %(day)s. Then we decide.")
        return f"{reason} {asked % {'day': date_format(claim.respond_by, 'j F Y')}}"
    return f"{reason} {decision_sentence(due, now)}"


def decision_sentence(due: datetime, now: datetime) -> str:
    """By when the member hears from the person who checks, or that it is taking longer (R19)."""
    sentence = _("You’ll hear by %(due)s.")
    if due < now:
        sentence = _("We aimed to decide by %(due)s. Sorry, it’s taking longer.")
    return sentence % {"due": due_in_words(due)}


def serial_sentence(finding: SerialFinding) -> str:
    """What is wrong with a serial number and what to do about it (R29, R30)."""
    code = "shape_example" if finding.code == "shape" and finding.example else finding.code
    facts = {"suggestion": finding.suggestion, "example": finding.example, "other": finding.other}
    return str(SERIAL_SENTENCES[code]) % facts


def release_sentence(product: Product, *, on: date) -> str:
    """When a product came out and what to do about an earlier date of purchase (R66). `on` is today."""
    release = product.release_date
    year, month = release.year or on.year, release.month
    if release.approximate:
        sentence = _("The %(product)s came out around %(when)s. Check the year.")
        return sentence % {"product": product.name, "when": year}
    when = date_format(date(year, month, 1), "F Y") if month else str(year)
    if (year, month or 1) > (on.year, on.month):
        sentence = _("The %(product)s comes out in %(when)s. Check the date.")
    else:
        sentence = _("The %(product)s came out in %(when)s. Check the year.")
    return sentence % {"product": product.name, "when": when}


def cause_sentence(entry: PointsEntry) -> str | Promise:
    """Why the points changed (R21)."""
    return CAUSE_SENTENCES[PointsCause(entry.cause)]


def grey_sentence(row: Registration) -> str | Promise:
    """Why a registration does not count, for staff (R54); "" if it counts."""
    if row.state == RegistrationState.DRAFT:
        labels = {field.name: field.verbose_name for field in Registration._meta.concrete_fields}
        missing = [str(labels[name]) for name in row.missing]
        return _("Missing: %(details)s.") % {"details": in_words(missing)} if missing else _("Not submitted yet.")
    if row.state == RegistrationState.SUBMITTED:
        return row.get_review_reason_display() or _("Waiting for the automatic check.")
    if row.state == RegistrationState.REJECTED:
        return row.get_refusal_reason_display()
    if row.state == RegistrationState.REMOVED:
        return row.get_removal_reason_display()
    return ""
