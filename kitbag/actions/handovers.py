"""Handovers: the seller releases a product with a one-time code, and the buyer redeems the code (R35).

Neither learns who the other is. A code is shown once; only its digest is stored.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.written_dates import date_format
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
from members.queries import held_until

# One answer for every code that cannot be redeemed (unknown, expired, revoked, used, one's own), so that trying out
# codes reveals nothing.
UNKNOWN = _("This code can’t be redeemed. Check it with the person who gave it to you, or ask them for a new one.")
MISTYPED = _(
    "There’s a typing mistake in this code. A code has twelve characters, such as 7KQM-3XHA-9RTC. Please check it."
)
RECOVERED = _(
    "Our staff changed your email address a few days ago. To protect your kit, you can hand it over from %(day)s on."
)


@dataclass(frozen=True)
class ReleasedProduct:
    """An open handover with its code, which cannot be read again later."""

    handover: Handover
    code: str


class _PresentedStolen(Exception):
    """The product is reported stolen: roll back, then record the sighting."""

    def __init__(self, report: StolenReport, registration: Registration) -> None:
        super().__init__(report.pk)
        self.report = report
        self.registration = registration


@transaction.atomic
def release(*, registration: Registration, by: User, at: datetime) -> ReleasedProduct:
    """Make a code with which another member gets the product. An earlier code stops working.

    Raises Refusal: those of `handover_blocker`.
    """
    row = lock_registration(registration)
    if refusal := handover_blocker(row, at):
        raise refusal
    code = codes.new_code(secrets.choice)
    with attributed_to(by):
        _revoke(row, at)
        handover = Handover.objects.create(
            registration=row,
            code_digest=_digest(code),
            made_at=at,
            expires_at=at + timedelta(days=settings.HANDOVER_DAYS),
        )
    return ReleasedProduct(handover, codes.format_code(code))


@transaction.atomic
def revoke(*, registration: Registration, by: User, at: datetime) -> None:
    """Revoke the open code. Raises Refusal `gone` if it was redeemed or there is none."""
    row = lock_registration(registration)
    if row.state == RegistrationState.TRANSFERRED:
        raise Refusal("gone", _("The code has already been redeemed: the product has a new owner."))
    with attributed_to(by):
        revoked = _revoke(row, at)
    if not revoked:
        raise Refusal("gone", _("There’s no open code for this product."))


def revoke_open_codes(*, row: Registration, at: datetime) -> None:
    """Revoke the open codes of a product that leaves the Kitbag. The caller has locked its member."""
    _revoke(row, at)


def handover_blocker(row: Registration, at: datetime) -> Refusal | None:
    """The Refusal that a handover would get now; None if it is possible."""
    if row.state != RegistrationState.VALIDATED:
        return Refusal("not_counting", _("Only a product that counts can be handed over."))
    if _is_claimed(row):
        return Refusal(
            "claimed",
            _("Another member claims this serial number. You can hand the product over once we have decided."),
        )
    if stolen_reports.find_report(row.product_id, row.serial_key):
        return Refusal("stolen", stolen_reports.CONTACT_US)
    if until := held_until(row.member, at):
        day = date_format(timezone.localtime(until), "j F Y")
        return Refusal("recovered", RECOVERED % {"day": day})
    return hold_blocker(row)


def find_open_handover(row: Registration, at: datetime) -> Handover | None:
    """The handover whose code can be redeemed at this moment, or None."""
    return Handover.objects.usable(at).filter(registration=row).first()


def find_by_code(*, code: str, member: Member, at: datetime) -> Registration:
    """The registration behind a code, for the member to confirm.

    Raises Refusal beside `code`: `mistyped`, `unknown`, `stolen`, `claimed`, `own_duplicate`, `limit`.
    """
    return _unless_stolen(lambda: _find(code, member, at), at)


def redeem(*, code: str, member: Member, by: User, at: datetime) -> Registration:
    """Move the product from the seller to the member with its date of purchase, and the points of both (R35).

    Returns the buyer's registration. Raises Refusal: those of `find_by_code`, and `closed`.
    """
    return _unless_stolen(lambda: _redeem(code, member, by, at), at)


# --- Steps ---


def _unless_stolen(attempt: Callable[[], Registration], at: datetime) -> Registration:
    try:
        return attempt()
    except _PresentedStolen as presented:
        stolen_reports.record_sighting(
            report=presented.report, registration=presented.registration, where="redeem", at=at
        )
        raise Refusal("stolen", stolen_reports.CONTACT_US, "code") from None


def _find(code: str, member: Member, at: datetime) -> Registration:
    row = _usable_handover(code, member, at).registration
    _require_possible(row, member, at)
    return row


@transaction.atomic
def _redeem(code: str, member: Member, by: User, at: datetime) -> Registration:
    handover = _usable_handover(code, member, at)
    people = Member.objects.filter(pk__in=[handover.registration.member_id, member.pk]).locked()
    buyer = {person.pk: person for person in people.select_related("user")}[member.pk]
    if buyer.closed_at:
        raise Refusal("closed", _("This account is closed."))
    rows = Registration.objects.select_for_update(of=("self",), no_key=True).select_related("product", "member__user")
    sold = rows.get(pk=handover.registration_id)
    # Read again under the locks: it may have been redeemed, revoked or removed while this transaction waited for them.
    handover = _usable_handover(code, member, at)
    _require_possible(sold, buyer, at)
    sold.state, sold.ended_at = RegistrationState.TRANSFERRED, at
    sold.review_reason = ""
    with attributed_to(by):
        sold.save(update_fields=["state", "ended_at", "review_reason"])
        bought = _create_for_buyer(sold, buyer, at)
        handover.redeemed_at, handover.redeemed_as = at, bought
        handover.save(update_fields=["redeemed_at", "redeemed_as"])
    name = sold.product.name
    reconcile(registrations=[sold.pk], cause=PointsCause.TRANSFERRED, about=name, by=by, at=at)
    reconcile(registrations=[bought.pk], cause=PointsCause.VALIDATED, about=name, by=by, at=at)
    notify_new_holder(registration=bought, at=at)
    _tell(sold, NoticeCode.HANDED_OVER, at)
    _tell(bought, NoticeCode.CAME_TO_YOU, at)
    return bought


def _usable_handover(typed: str, member: Member, at: datetime) -> Handover:
    """The open handover of a code. Raises the same Refusal `unknown` whatever the reason that there is none."""
    code = codes.normalise(typed[:100])
    if not codes.has_valid_check_character(code):
        raise Refusal("mistyped", MISTYPED, "code")
    handovers = Handover.objects.usable(at).filter(registration__state=RegistrationState.VALIDATED)
    handovers = handovers.exclude(registration__member=member).select_related("registration__product")
    handover = handovers.filter(code_digest=_digest(code)).first()
    if handover is None:
        raise Refusal("unknown", UNKNOWN, "code")
    return handover


def _require_possible(row: Registration, buyer: Member, at: datetime) -> None:
    """Only somebody with a valid code gets this far, so these refusals may say what the obstacle is."""
    if report := stolen_reports.find_report(row.product_id, row.serial_key):
        raise _PresentedStolen(report, row)
    own = Registration.objects.of(buyer).filter(product=row.product_id, serial_key=row.serial_key)
    if row.serial_key and own.filter(state=RegistrationState.SUBMITTED).exists():
        raise _own_duplicate()
    if _is_claimed(row) or held_until(row.member, at) or hold_blocker(row):
        raise Refusal(
            "claimed",
            _("This product can’t be handed over at the moment. Please ask the person who gave you the code."),
            "code",
        )
    if Registration.objects.of(buyer).live().count() >= settings.KITBAG_LIMIT:
        raise Refusal(
            "limit",
            _("Your Kitbag is full: it holds up to %(limit)s products. Remove one that you no longer have.")
            % {"limit": settings.KITBAG_LIMIT},
            "code",
        )


def _own_duplicate() -> Refusal:
    return Refusal(
        "own_duplicate",
        _(
            "You’ve already added this product with its serial number. Remove it from your Kitbag, then redeem the"
            " code."
        ),
        "code",
    )


def _create_for_buyer(sold: Registration, buyer: Member, at: datetime) -> Registration:
    """The buyer's registration: it counts at once and keeps the details of the purchase for the warranty (R35, R60)."""
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
                date_insisted=sold.date_insisted,
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
    params = {"registration": row.pk}
    members.notify_member(member=row.member, key=key, code=code, params=params, path=row.get_absolute_url(), at=at)
    payload = outbox.rendered_later("kitbag.handed_over", registration=row.pk, sold=code == NoticeCode.HANDED_OVER)
    outbox.enqueue(key=key, kind="mail", to=row.member.user.email, payload=payload)


def _digest(code: str) -> str:
    """Keyed with SECRET_KEY, so that codes cannot be guessed from the table alone."""
    return salted_hmac("kitbag.handover", code, algorithm="sha256").hexdigest()
