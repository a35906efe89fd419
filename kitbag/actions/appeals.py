"""Appeals against a refusal: one for each registration, decided by a second person (R19)."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from kitbag.actions.transitions import constraint_name, lock_registration
from kitbag.enums import ASKING, RegistrationState, ReviewReason
from kitbag.models import Appeal, Registration
from kitbag.queries.deadlines import decision_due
from members.models import User
from members.support import actions as cases
from members.support.enums import CaseKind

MAX_APPEAL_LENGTH = 2000
GRANTED = _(
    "A colleague has taken a second look at your %(product)s and at what you wrote. You were right: it counts now."
)
CLAIMED = _(
    "A colleague has taken a second look at your %(product)s and at what you wrote, and agrees with you. Another member"
    " has registered this serial number in the meantime, so we’re asking you both for proof. You’ll get a separate"
    " message about that."
)
DENIED = _(
    "A colleague has taken a second look at your %(product)s and at what you wrote, and we still can’t accept it."
    " The reason: %(reason)s This decision is final; you can remove the product from your Kitbag."
)
REMOVED = _("You removed %(product)s from your Kitbag, so we have closed your appeal.")


def find_appeal(row: Registration) -> Appeal | None:
    return Appeal.objects.filter(registration=row).select_related("case").first()


def is_final(row: Registration) -> bool:
    """Whether it was refused on appeal: then it cannot be submitted again."""
    return row.state == RegistrationState.REJECTED and Appeal.objects.filter(registration=row, granted=False).exists()


def appeal_blocker(row: Registration, appeal: Appeal | None) -> Refusal | None:
    """The Refusal that an appeal would get now; None if the member may appeal."""
    if appeal:
        return Refusal("used", _("You’ve already appealed. You can appeal once for each product."))
    if row.state != RegistrationState.REJECTED:
        return Refusal("not_refused", _("There’s no decision against this product, so there’s nothing to appeal."))
    if row.refusal_reason in ASKING:
        return Refusal("asked", _("We asked you for something more. Add it and send the product in again."))
    if row.missing:
        return Refusal("incomplete", _("Some details are missing now. Fill them in first, then appeal."))
    return None


@transaction.atomic
def make_appeal(*, registration: Registration, text: str, by: User, at: datetime) -> Appeal:
    """Send a refused registration to a second person and open a case with the member's text.

    Raises Refusal: those of `appeal_blocker`, `own_duplicate`, and `empty` or `long` beside `text`.
    """
    row = lock_registration(registration)
    text = text.strip()
    if refusal := appeal_blocker(row, find_appeal(row)):
        raise refusal
    if not text:
        raise Refusal("empty", _("Tell us why you think the decision is wrong."), "text")
    if len(text) > MAX_APPEAL_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_APPEAL_LENGTH}, "text")
    refused_by, reason = row.decided_by, row.refusal_reason
    row.state, row.review_reason, row.submitted_at = RegistrationState.SUBMITTED, ReviewReason.APPEAL, at
    row.decided_at = row.decided_by = None
    row.refusal_reason = row.asked_for = ""
    try:
        with transaction.atomic():
            row.save(
                update_fields=[
                    "state",
                    "review_reason",
                    "submitted_at",
                    "decided_at",
                    "decided_by",
                    "refusal_reason",
                    "asked_for",
                ]
            )
    except IntegrityError as error:
        if constraint_name(error) != "registration_submitted_once":
            raise
        message = _("You’ve added this product with the same serial number twice. Remove one of the two first.")
        raise Refusal("own_duplicate", message) from None
    with translation.override(row.member.language):
        subject = _t("Appeal: %(product)s") % {"product": row.product.name}
    case = cases.open_case(
        kind=CaseKind.APPEAL,
        subject=subject[:120],
        text=text,
        member=row.member,
        about=row,
        by=by,
        at=at,
        answer_by=decision_due(row),
    )
    return Appeal.objects.create(
        registration=row, text=text, refusal_reason=reason, refused_by=refused_by, case=case, made_at=at
    )


def require_second_person(row: Registration, by: User) -> Appeal | None:
    """The open appeal that a decision about this registration would answer, or None.

    Raises Refusal `second_person` if `by` is the person who refused it.
    """
    if row.review_reason != ReviewReason.APPEAL:
        return None
    appeal = Appeal.objects.filter(registration=row, granted=None).first()
    if appeal and appeal.refused_by_id == by.pk:
        raise Refusal("second_person", _("You refused this registration, so a colleague has to decide the appeal."))
    return appeal


def conclude_appeal(*, appeal: Appeal, row: Registration, granted: bool, by: User, at: datetime) -> None:
    """Record the decision about an appeal and answer in its case. Part of the decision about the registration."""
    appeal.granted, appeal.decided_at, appeal.decided_by = granted, at, by
    appeal.save(update_fields=["granted", "decided_at", "decided_by"])
    sentence = DENIED
    if granted:
        sentence = GRANTED if row.state == RegistrationState.VALIDATED else CLAIMED
    with translation.override(row.member.language):
        facts = {"product": row.product.name, "reason": row.get_refusal_reason_display()}
        text = str(sentence) % facts
    cases.conclude(case=appeal.case, text=text, by=by, at=at)


def drop_appeal(*, row: Registration, at: datetime) -> None:
    """Close the case of an open appeal because the product leaves the Kitbag. The appeal itself stays undecided."""
    appeal = Appeal.objects.filter(registration=row, granted=None).select_related("case").first()
    if appeal:
        with translation.override(row.member.language):
            text = str(REMOVED) % {"product": row.product.name}
        cases.conclude(case=appeal.case, text=text, by=None, at=at)
