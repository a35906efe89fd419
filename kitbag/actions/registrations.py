"""Add, complete, submit and check registrations, match them with sales, remind members (R16 to R19, R28 to R33)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from kitbag import rules
from kitbag.actions import appeals, claims, review, sales, stolen_reports
from kitbag.actions.serials import check_serial, may_lack_serial
from kitbag.actions.transitions import constraint_name, lock_registration, lock_with_holder, retry_on_conflict, validate
from kitbag.enums import NEEDS_MEMBER, RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Product, Registration, Sale
from kitbag.models.sales import MAX_DATE_DIFFERENCE
from kitbag.presenters.texts import MISSING_SENTENCES, SERIAL_SENTENCES, release_sentence, serial_sentence
from kitbag.queries.serial_changes import is_replaced
from members.models import Member

REMIND_AFTER = timedelta(days=14)
MAX_KEY_LENGTH = 40
EARLIEST_PURCHASE = date(1933, 1, 1)
DETAIL_FIELDS = ["serial", "serial_key", "no_serial", "country", "purchased_on", "store", "warning"]
SUBMITTED_FIELDS = [
    *DETAIL_FIELDS,
    "serial_insisted",
    "date_insisted",
    "state",
    "submitted_at",
    "decided_at",
    "decided_by",
    "refusal_reason",
    "review_reason",
]
EDITABLE = (RegistrationState.DRAFT, RegistrationState.REJECTED)


@dataclass(frozen=True)
class Details:
    """The four details as typed (R17). A detail that is not known yet is empty."""

    serial: str = ""
    country: str = ""
    purchased_on: date | None = None
    store: str = ""
    no_serial: bool = False


@transaction.atomic
def add_product(*, member: Member, product: Product, at: datetime, held: int | None = None) -> Registration:
    """Add a product to the Kitbag as a draft (R16). Two copies of a product are two registrations.

    `held` is how many copies the member had when the form was shown. If there are more now, the form was submitted
    twice, and the registration that it made is returned. Raises Refusal: `closed`, `not_registrable`, `limit`.
    """
    locked = _lock_member(member)
    same = Registration.objects.of(locked).live().filter(product=product).order_by("-pk")
    if held is not None and (latest := same.first()) and same.count() > held:
        return latest
    if not product.registrable:
        raise Refusal("not_registrable", _("This product can’t be registered."), "product")
    if Registration.objects.of(locked).live().count() >= settings.KITBAG_LIMIT:
        raise Refusal(
            "limit",
            _("Your Kitbag is full: it holds up to %(limit)s products. Remove one that you no longer have.")
            % {"limit": settings.KITBAG_LIMIT},
        )
    return Registration.objects.create(member=locked, product=product, added_at=at)


@transaction.atomic
def save_details(*, registration: Registration, details: Details, at: datetime) -> Registration:
    """Save the details so far, complete or not ("finish later", R16), with the warning about the serial number.

    Raises Refusal if the date is impossible or the registration cannot be edited.
    """
    row = lock_registration(registration)
    _require_editable(row)
    _check_date(details.purchased_on, at)
    _write_details(row, details)
    row.warning = check_serial(row, row.serial).code if row.serial else ""
    row.save(update_fields=DETAIL_FIELDS)
    return row


@transaction.atomic
def submit_registration(
    *, registration: Registration, details: Details, insisted: bool, at: datetime, date_insisted: bool = False
) -> Registration:
    """Submit a complete registration to the check (R17, R18).

    A serial number that looks wrong is refused (R29, R30), unless the member insists on it; so is a date before the
    product came out (R66). Then a person decides. Evidence that was asked for has to be there (R25). Raises Refusal
    beside the field concerned.
    """
    row = lock_registration(registration)
    _require_editable(row)
    _require_complete(row.product, details)
    _check_date(details.purchased_on, at)
    _require_asked(row)
    finding = check_serial(row, details.serial) if not details.no_serial else rules.SerialFinding()
    if finding.code and (finding.blocks or not insisted):
        raise Refusal(f"serial_{finding.code}", serial_sentence(finding), "serial")
    _write_details(row, details)
    if row.is_before_release and not date_insisted:
        raise Refusal("before_release", release_sentence(row.product, on=timezone.localdate(at)), "purchased_on")
    row.warning = finding.code
    row.serial_insisted = bool(finding.code)
    row.date_insisted = row.is_before_release
    row.state = RegistrationState.SUBMITTED
    row.submitted_at = at
    row.decided_at = row.decided_by = None
    row.refusal_reason = row.review_reason = ""
    try:
        with transaction.atomic():
            row.save(update_fields=SUBMITTED_FIELDS)
    except IntegrityError as error:
        if constraint_name(error) != "registration_submitted_once":
            raise
        raise Refusal("own_duplicate", _("You’ve already added this one. Check the serial number."), "serial") from None
    after_commit("kitbag.check_registration", row.pk)
    return row


@transaction.atomic
def reopen_registration(*, registration: Registration, at: datetime) -> Registration:
    """Make a submitted registration a draft again, so that the member can correct it (R19).

    Raises Refusal: `not_waiting`, `appealed`.
    """
    row = lock_registration(registration)
    if row.state != RegistrationState.SUBMITTED:
        raise Refusal("not_waiting", _("This has been decided in the meantime. Please look at it again."))
    if row.review_reason == ReviewReason.APPEAL:
        raise Refusal("appealed", _("A colleague is looking at your appeal. Please wait for the answer."))
    row.state = RegistrationState.DRAFT
    row.review_reason = ""
    row.submitted_at = None
    row.save(update_fields=["state", "review_reason", "submitted_at"])
    claims.close_claims(row=row, at=at)
    return row


def check_registration(*, registration: Registration, at: datetime) -> Registration:
    """Check a submitted registration (R19): validate it, open a claim (R32), or leave it to a person with the reason.

    Idempotent: a registration that no longer waits for the check is left as it is.
    """
    return retry_on_conflict(lambda: _check(registration, at))


def _check(registration: Registration, at: datetime) -> Registration:
    row, holder = lock_with_holder(registration)
    if row.state != RegistrationState.SUBMITTED or (row.review_reason and not claims.claim_lapsed(row)):
        return row
    if report := stolen_reports.find_report_by_other(row):
        stolen_reports.record_sighting(report=report, registration=row, where="registration", at=at)
        return _leave_to_person(row, ReviewReason.STOLEN)
    if is_replaced(row.product_id, row.serial_key):
        return _leave_to_person(row, ReviewReason.REPLACED)
    sale = sales.find_matching_sale(row)
    first = review.review_reason_before_claim(row, at)
    if first and not (sale and first in sales.WAIVED_BY_SALE):
        return _leave_to_person(row, first)
    if holder:
        return claims.open_claim(row=row, holder=holder, at=at)
    return _check_unclaimed(row, sale, first, at)


def _check_unclaimed(row: Registration, sale: Sale | None, first: ReviewReason | None, at: datetime) -> Registration:
    """The rest of the check if nobody holds the serial number. `first` is the reason that the sale settled, or None."""
    reason = review.review_reason_without_claim(row)
    if review.lacks_proof(row):
        return review.ask_for_proof(row, at=at)
    if reason and not (sale and reason in sales.WAIVED_BY_SALE):
        return _leave_to_person(row, reason)
    validate(row, by=None, at=at)
    if sale:
        sales.record_match(sale=sale, registration=row, settled=first or reason or "", at=at)
    return row


def match_sale(*, sale: Sale, at: datetime) -> Registration | None:
    """Find the registration that a confirmed sale matches, and validate it if the sale answers all open questions.

    Returns it; None if there is none or a person still has to look at it.
    """
    rows = Registration.objects.filter(product=sale.product_id, serial_key=sale.serial_key, country=sale.country.code)
    days = (sale.sold_on - MAX_DATE_DIFFERENCE, sale.sold_on + MAX_DATE_DIFFERENCE)
    live = [RegistrationState.SUBMITTED, RegistrationState.VALIDATED]
    for row in rows.filter(purchased_on__range=days, state__in=live).order_by("state", "pk").reverse():
        matched = retry_on_conflict(partial(_match, row, sale, at))
        if matched.state == RegistrationState.VALIDATED:
            return matched
    return None


def _match(registration: Registration, sale: Sale, at: datetime) -> Registration:
    row, holder = lock_with_holder(registration)
    waits = row.state == RegistrationState.SUBMITTED and (
        not row.review_reason or row.review_reason in sales.WAIVED_BY_SALE
    )
    current = sales.find_matching_sale(row)
    if current is None or current.pk != sale.pk:
        return row
    if waits and not (holder or row.asked_for or stolen_reports.find_report_by_other(row)):
        settled = row.review_reason
        validate(row, by=None, at=at)
        sales.record_match(sale=sale, registration=row, settled=settled, at=at)
    elif row.state == RegistrationState.VALIDATED:
        sales.record_match(sale=sale, registration=row, settled="", at=at)
    return row


@transaction.atomic
def remind_unfinished(*, after: int, limit: int, at: datetime) -> int | None:
    """Remind the next `limit` members, by key, of products that they did not finish for two weeks (R16, R56).

    Only those who want reminders, and once a month each, because the key of the message contains the month. Returns
    the last key, or None if there were no more members.
    """
    unfinished = Registration.objects.filter(
        member=OuterRef("pk"), state__in=NEEDS_MEMBER, added_at__lt=at - REMIND_AFTER
    )
    people = Member.objects.open().filter(Exists(unfinished), pk__gt=after, wants_reminders=True).select_related("user")
    batch = list(people.order_by("pk")[:limit])
    if not batch:
        return None
    month = timezone.localdate(at).strftime("%Y-%m")
    letters = [
        OutgoingMessage(
            f"reminder-{month}-{person.pk}",
            person.user.email,
            outbox.rendered_later("kitbag.reminder", member=person.pk),
        )
        for person in batch
    ]
    outbox.enqueue_many(kind="mail", messages=letters)
    return batch[-1].pk


# --- Steps -----------------------------------------------------------------------------------------


def _lock_member(member: Member) -> Member:
    locked = Member.objects.locked().get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    return locked


def _require_editable(row: Registration) -> None:
    if row.state not in EDITABLE:
        raise Refusal("not_editable", _("You’ve already sent this product in, so its details can’t be changed now."))
    if appeals.is_final(row):
        raise Refusal(
            "final",
            _("We couldn’t accept this product on appeal, and that’s final. Write to us if you have new information."),
        )


def _require_complete(product: Product, details: Details) -> None:
    if details.no_serial and not may_lack_serial(product):
        raise Refusal(
            "needs_serial", _("This product always has a serial number. We show you where to find it."), "serial"
        )
    missing = rules.missing_details(
        serial=details.serial,
        no_serial=details.no_serial,
        country=details.country,
        purchased_on=details.purchased_on,
        store=details.store,
    )
    if missing:
        raise Refusal(f"missing_{missing[0]}", MISSING_SENTENCES[missing[0]], missing[0])


def _require_asked(row: Registration) -> None:
    """Raise Refusal if staff asked for evidence and none was added since, or the random check for a proof (R25).

    Its codes are `needs_evidence` and `needs_proof`.
    """
    if row.refusal_reason == RefusalReason.NEEDS_PROOF and review.lacks_proof(row):
        raise Refusal("needs_proof", _("Add the proof of purchase: a photo or a PDF of the receipt."), "evidence")
    if row.refusal_reason != RefusalReason.NEEDS_EVIDENCE or row.decided_at is None:
        return
    if not row.evidence.kept().filter(added_at__gte=row.decided_at).exists():
        raise Refusal(
            "needs_evidence",
            _("Add what we asked for: a photo or a PDF. If you don’t have it, write to us and we’ll find another way."),
            "evidence",
        )


def _check_date(purchased_on: date | None, at: datetime) -> None:
    if purchased_on is None:
        return
    if purchased_on > rules.latest_purchase_date(at.astimezone(UTC).date()):
        raise Refusal("future", _("This date is in the future. Enter the date on the receipt."), "purchased_on")
    if purchased_on < EARLIEST_PURCHASE:
        raise Refusal("too_early", _("This is before the first camera was made. Check the year."), "purchased_on")


def _write_details(row: Registration, details: Details) -> None:
    row.no_serial = details.no_serial
    row.serial = "" if details.no_serial else details.serial.strip()
    row.serial_key = rules.serial_key(row.serial) or None
    if row.serial and not row.serial_key:
        raise Refusal("serial_signs", _("A serial number has only digits and letters. Type it as printed."), "serial")
    if len(row.serial_key or "") > MAX_KEY_LENGTH:  # NFKC turns some single characters into up to 18
        raise Refusal("serial_signs", SERIAL_SENTENCES["signs"], "serial")
    row.country = details.country
    row.purchased_on = details.purchased_on
    row.store = details.store.strip()
    row.warning = ""


def _leave_to_person(row: Registration, reason: ReviewReason) -> Registration:
    row.review_reason = reason
    row.save(update_fields=["review_reason"])
    return row
