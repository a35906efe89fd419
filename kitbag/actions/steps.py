"""The steps that decisions about registrations are made of: locking, counting, refusing, telling (R19, R31, R32).

Locks are taken in one order everywhere: members by key, registrations by key, claims, appeals, cases.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import publish_event
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag import emails
from kitbag.actions.announcing import tell_new_holder
from kitbag.actions.points import settle
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Registration
from members import actions as members
from members.enums import NoticeCode, PointsCause
from members.models import Member, User

ATTEMPTS = 5
DECIDED_FIELDS = ["state", "review_reason", "refusal_reason", "asked_for", "decided_at", "decided_by"]
DESK_FIELDS = ["taken_by", "taken_at"]


class Overtaken(Exception):
    """Another registration of this serial number came to count meanwhile: begin again, with its locks too."""


def again(attempt: Callable[[], Registration]) -> Registration:
    """Try until nobody comes between. Each try is a transaction or savepoint, so that it gives its locks back."""
    for _try in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return attempt()
        except Overtaken:
            continue
    raise Refusal("busy", _("Too much happens to this serial number just now. Try again in a minute."))


def lock(registration: Registration) -> Registration:
    """The member first, then the registration."""
    Member.objects.locked().get(pk=registration.member_id)
    return _locked_rows(registration.pk)[registration.pk]


def lock_both(one: Registration, other: Registration) -> tuple[Registration, Registration]:
    """Both members, then both registrations."""
    list(Member.objects.filter(pk__in=[one.member_id, other.member_id]).locked())
    rows = _locked_rows(one.pk, other.pk)
    return rows[one.pk], rows[other.pk]


def lock_beside_holder(registration: Registration) -> tuple[Registration, Registration | None]:
    """A registration, and the one that counts with its serial number if another does (R31)."""
    holder = holder_of(Registration.objects.get(pk=registration.pk))
    if holder:
        row, holder = lock_both(registration, holder)
    else:
        row = lock(registration)
    found = holder_of(row)
    if (found.pk if found else None) != (holder.pk if holder else None):
        raise Overtaken
    return row, holder


def holder_of(row: Registration) -> Registration | None:
    """The registration that counts with this one's serial number, if it is another."""
    if not row.serial_key:
        return None
    counting = Registration.objects.filter(
        product=row.product_id, serial_key=row.serial_key, state=RegistrationState.VALIDATED
    )
    return counting.exclude(pk=row.pk).first()


def validate(row: Registration, *, by: User | None, at: datetime) -> None:
    """Let it count, unless another one with this serial does: the database decides who was first (R31).

    Raises Overtaken then.
    """
    row.state = RegistrationState.VALIDATED
    row.review_reason = row.refusal_reason = row.asked_for = ""
    row.decided_at, row.decided_by = at, by
    row.taken_by = row.taken_at = None
    try:
        with transaction.atomic():
            row.save(update_fields=[*DECIDED_FIELDS, *DESK_FIELDS])
    except IntegrityError as error:
        if constraint_of(error) != "registration_one_validated":
            raise
        raise Overtaken from None
    settle(registrations=[row.pk], cause=PointsCause.VALIDATED, about=row.product.name, by=by, at=at)
    tell_new_holder(registration=row, at=at)
    publish_event("kitbag.registration_validated", row.pk)
    if by is None and row.member.wants_counted:
        outbox.enqueue(key=f"counted-{row.pk}", kind="mail", to=row.member.user.email, payload=emails.decision(row))


def reject(row: Registration, *, reason: RefusalReason, by: User, at: datetime, asked_for: str = "") -> None:
    """Refuse it. If it counted, a check went against it and its points go (R21)."""
    row.state = RegistrationState.REJECTED
    row.refusal_reason, row.asked_for, row.review_reason = reason, asked_for, ""
    row.decided_at, row.decided_by = at, by
    row.taken_by = row.taken_at = None
    row.save(update_fields=[*DECIDED_FIELDS, *DESK_FIELDS])
    settle(registrations=[row.pk], cause=PointsCause.CHECK, about=row.product.name, by=by, at=at)


def tell_decision(row: Registration, at: datetime, *, mail: bool = True) -> None:
    """A notice and a mail; without `mail` where a case tells it by mail already (R56)."""
    refused = row.state == RegistrationState.REJECTED
    code = NoticeCode.REGISTRATION_REFUSED if refused else NoticeCode.REGISTRATION_APPROVED
    member = row.member
    key = f"{code}-{row.pk}-{at.isoformat()}"
    params: dict[str, str | int] = {"product": row.product.name, "reason": row.refusal_reason}
    members.tell(member=member, key=key, code=code, params=params, path=row.get_absolute_url(), at=at)
    if mail:
        outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=emails.decision(row))


def require_other(row: Registration, by: User) -> None:
    """Nobody decides about their own kit. Raises Refusal `own`."""
    if row.member.user_id == by.pk:
        raise Refusal("own", _("This is your own kit: somebody else has to decide."))


def constraint_of(error: IntegrityError) -> str:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", "") or ""


def _locked_rows(*keys: int) -> dict[int, Registration]:
    rows = Registration.objects.filter(pk__in=keys).order_by("pk").select_for_update(of=("self",), no_key=True)
    return {row.pk: row for row in rows.select_related("product", "member__user")}
