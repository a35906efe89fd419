"""Resale: the seller releases a product with a one-time code, the buyer redeems it (R35).

Neither learns who the other is. Of a code only a digest is kept; it is shown once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag.actions import stolen_reports
from kitbag.actions.ledger import reconcile
from kitbag.actions.stage_change_notices import notify_new_holder
from kitbag.actions.transitions import constraint_name, hold_blocker, lock_registration
from kitbag.enums import RegistrationState
from kitbag.models import Claim, Handover, Registration, StolenReport
from kitbag.rules import codes
from members import actions as members
from members.enums import NoticeCode, PointsCause
from members.models import Member, User

# The same for a code that never was, has run out, was taken back, used, or is one's own: nobody can try codes out.
UNKNOWN = _("This code can’t be redeemed. Check it with whoever gave it to you, or ask for a new one.")
MISTYPED = _("A sign of this code is wrong. It has twelve signs, such as 7KQM-3XHA-9RTC. Compare it once more.")


@dataclass(frozen=True)
class ReleasedProduct:
    """An open handover with its code, which is known only now."""

    handover: Handover
    code: str


class _Presented(Exception):
    """It is reported stolen: nothing is written but that somebody came with it."""

    def __init__(self, report: StolenReport, registration: Registration) -> None:
        super().__init__(report.pk)
        self.report = report
        self.registration = registration


@transaction.atomic
def release(*, registration: Registration, by: User, at: datetime) -> ReleasedProduct:
    """Make a code by which somebody else gets it. Releasing again makes a new one, and the old one works no more.

    Raises Refusal: those of `why_not`.
    """
    row = lock_registration(registration)
    if refusal := handover_blocker(row):
        raise refusal
    _revoke(row, at)
    code = codes.new_code(secrets.choice)
    handover = Handover.objects.create(
        registration=row,
        code_digest=_digest(code),
        made_at=at,
        expires_at=at + timedelta(days=settings.HANDOVER_DAYS),
    )
    return ReleasedProduct(handover, codes.shown(code))


@transaction.atomic
def revoke(*, registration: Registration, by: User, at: datetime) -> None:
    """Take the code back. Raises Refusal `gone` if it was redeemed, or there is none."""
    row = lock_registration(registration)
    if row.state == RegistrationState.TRANSFERRED:
        raise Refusal("gone", _("It has been redeemed already: the product has a new owner."))
    if not _revoke(row, at):
        raise Refusal("gone", _("There is no open code for this product."))


def revoke_open_codes(*, row: Registration, at: datetime) -> None:
    """The product leaves the Kitbag: its code works no more. Its member is locked."""
    _revoke(row, at)


def handover_blocker(row: Registration) -> Refusal | None:
    """What stands against handing it over now; None if it is possible."""
    if row.state != RegistrationState.VALIDATED:
        return Refusal("not_counting", _("Only a product that counts can be handed over."))
    if _is_claimed(row):
        return Refusal(
            "claimed", _("Somebody else claims its serial number. When that is decided you can hand it over.")
        )
    if stolen_reports.find_report(row.product_id, row.serial_key):
        return Refusal("stolen", stolen_reports.CONTACT_US)
    return hold_blocker(row)


def find_open_handover(row: Registration, at: datetime) -> Handover | None:
    """The code that can be redeemed at this moment, if there is one."""
    return Handover.objects.usable(at).filter(registration=row).first()


def find_by_code(*, code: str, member: Member, at: datetime) -> Registration:
    """What a code would bring the member, to be confirmed.

    Raises Refusal beside `code`: `mistyped`, `unknown`, `stolen`, `claimed`, `own_duplicate`, `limit`.
    """
    return _unless_stolen(lambda: _find(code, member, at), at)


def redeem(*, code: str, member: Member, by: User, at: datetime) -> Registration:
    """The product goes from the seller to the member, with its date of purchase: both settle together (R35).

    Raises Refusal as `find`, and `closed`.
    """
    return _unless_stolen(lambda: _redeem(code, member, by, at), at)


# --- Steps -----------------------------------------------------------------------------------------


def _unless_stolen(attempt: Callable[[], Registration], at: datetime) -> Registration:
    try:
        return attempt()
    except _Presented as presented:
        stolen_reports.record_sighting(
            report=presented.report, registration=presented.registration, where="redeem", at=at
        )
        raise Refusal("stolen", stolen_reports.CONTACT_US, "code") from None


def _find(code: str, member: Member, at: datetime) -> Registration:
    row = _offer(code, member, at).registration
    _require_possible(row, member)
    return row


@transaction.atomic
def _redeem(code: str, member: Member, by: User, at: datetime) -> Registration:
    offer = _offer(code, member, at)
    people = Member.objects.filter(pk__in=[offer.registration.member_id, member.pk]).locked()
    buyer = {person.pk: person for person in people.select_related("user")}[member.pk]
    if buyer.closed_at:
        raise Refusal("closed", _("This account is closed."))
    rows = Registration.objects.select_for_update(of=("self",), no_key=True).select_related("product", "member__user")
    sold = rows.get(pk=offer.registration_id)
    # Read again behind the locks: it may have been redeemed, taken back or removed while we waited.
    handover = _offer(code, member, at)
    _require_possible(sold, buyer)
    sold.state, sold.ended_at = RegistrationState.TRANSFERRED, at
    sold.review_reason = ""
    sold.save(update_fields=["state", "ended_at", "review_reason"])
    bought = _received(sold, buyer, at)
    handover.redeemed_at, handover.redeemed_as = at, bought
    handover.save(update_fields=["redeemed_at", "redeemed_as"])
    name = sold.product.name
    reconcile(registrations=[sold.pk], cause=PointsCause.TRANSFERRED, about=name, by=by, at=at)
    reconcile(registrations=[bought.pk], cause=PointsCause.VALIDATED, about=name, by=by, at=at)
    notify_new_holder(registration=bought, at=at)
    _tell(sold, NoticeCode.HANDED_OVER, at)
    _tell(bought, NoticeCode.CAME_TO_YOU, at)
    return bought


def _offer(typed: str, member: Member, at: datetime) -> Handover:
    """The open handover of a code. Every reason why there is none has the same answer."""
    code = codes.normalise(typed[:100])
    if not codes.is_well_typed(code):
        raise Refusal("mistyped", MISTYPED, "code")
    offers = Handover.objects.usable(at).filter(registration__state=RegistrationState.VALIDATED)
    offers = offers.exclude(registration__member=member).select_related("registration__product")
    offer = offers.filter(code_digest=_digest(code)).first()
    if offer is None:
        raise Refusal("unknown", UNKNOWN, "code")
    return offer


def _require_possible(row: Registration, buyer: Member) -> None:
    """Only somebody with a good code comes this far, so they may learn what is in the way."""
    if report := stolen_reports.find_report(row.product_id, row.serial_key):
        raise _Presented(report, row)
    own = Registration.objects.of(buyer).filter(product=row.product_id, serial_key=row.serial_key)
    if row.serial_key and own.filter(state=RegistrationState.SUBMITTED).exists():
        raise _own_duplicate()
    if _is_claimed(row) or hold_blocker(row):
        raise Refusal("claimed", _("This product can’t change hands just now. Ask whoever gave you the code."), "code")
    if Registration.objects.of(buyer).live().count() >= settings.KITBAG_LIMIT:
        raise Refusal(
            "limit",
            _("Your Kitbag is full at %(limit)s products. Remove one you no longer have.")
            % {"limit": settings.KITBAG_LIMIT},
            "code",
        )


def _own_duplicate() -> Refusal:
    return Refusal(
        "own_duplicate",
        _(
            "You have added this product with its serial number yourself. Remove that from your Kitbag, then redeem the"
            " code."
        ),
        "code",
    )


def _received(sold: Registration, buyer: Member, at: datetime) -> Registration:
    """It counts at once, and the facts of the purchase stay for the warranty (R35, R60)."""
    try:
        with transaction.atomic():
            return Registration.objects.create(
                member=buyer,
                product=sold.product,
                state=RegistrationState.VALIDATED,
                serial=sold.serial,
                serial_key=sold.serial_key,
                no_serial=sold.no_serial,
                serial_insisted=sold.serial_insisted,
                country=sold.country,
                purchased_on=sold.purchased_on,
                store=sold.store,
                added_at=at,
                submitted_at=at,
                decided_at=at,
            )
    except IntegrityError as error:
        if constraint_name(error) != "registration_submitted_once":
            raise
        raise _own_duplicate() from None


def _is_claimed(row: Registration) -> bool:
    return Claim.objects.open().filter(Q(holder=row) | Q(claimant=row)).exists()


def _revoke(row: Registration, at: datetime) -> int:
    return Handover.objects.filter(registration=row, revoked_at=None, redeemed_at=None).update(revoked_at=at)


def _tell(row: Registration, code: NoticeCode, at: datetime) -> None:
    key = f"handover-{row.pk}-{code}"
    facts: dict[str, str | int] = {"product": row.product.name}
    members.notify_member(member=row.member, key=key, code=code, params=facts, path=row.get_absolute_url(), at=at)
    payload = outbox.rendered_later("kitbag.handed_over", registration=row.pk, sold=code == NoticeCode.HANDED_OVER)
    outbox.enqueue(key=key, kind="mail", to=row.member.user.email, payload=payload)


def _digest(code: str) -> str:
    """Keyed with SECRET_KEY: whoever reads the table cannot try codes out."""
    return salted_hmac("kitbag.handover", code, algorithm="sha256").hexdigest()
