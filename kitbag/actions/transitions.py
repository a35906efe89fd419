"""What all decisions about registrations share: lock, validate, reject, notify, hold (R19, R31, R32, R50).

Locks are taken in one order everywhere, because any other order could deadlock: members by key, registrations by key,
claims, appeals, cases.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import publish_event
from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery, IsAmong, joined_keys
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag.actions.ledger import reconcile
from kitbag.actions.stage_change_notices import notify_new_holder
from kitbag.enums import HoldReason, RefusalReason, RegistrationState
from kitbag.models import Hold, Registration
from members import actions as members
from members.enums import NoticeCode, PointsCause
from members.models import Member, User

MAX_ATTEMPTS = 5
DECIDED_FIELDS = ["state", "review_reason", "refusal_reason", "asked_for", "decided_at", "decided_by"]
DESK_FIELDS = ["taken_by", "taken_at"]
LOCKED_WITH = ["product", "member__user"]


class SerialConflict(Exception):
    """Another registration of this serial number was validated meanwhile: start again and lock that one, too."""


def retry_on_conflict(attempt: Callable[[], Registration]) -> Registration:
    """Call `attempt` until it raises no SerialConflict. Raises Refusal `busy` after MAX_ATTEMPTS.

    Each attempt is a transaction of its own, because a lock on one more member can only be taken in the right order
    after all others have been released.
    """
    for _try in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                return attempt()
        except SerialConflict:
            continue
    raise Refusal("busy", _("Someone else is working with this serial number right now. Please try again in a minute."))


def lock_registration(registration: Registration) -> Registration:
    """Lock the member, then the registration, and return it as it is now."""
    LOCK_MEMBER.all(key=registration.member_id)
    return _locked_rows(registration.pk)[registration.pk]


def lock_registrations(one: Registration, other: Registration) -> tuple[Registration, Registration]:
    """Lock both members, then both registrations, and return them as they are now."""
    list(Member.objects.filter(pk__in=[one.member_id, other.member_id]).locked())
    rows = _locked_rows(one.pk, other.pk)
    return rows[one.pk], rows[other.pk]


def lock_with_holder(registration: Registration) -> tuple[Registration, Registration | None]:
    """Lock a registration, and the other one that counts with its serial number if there is one (R31).

    Raises SerialConflict if the holder changed before both were locked.
    """
    holder = find_holder(Registration.objects.get(pk=registration.pk))
    if holder:
        row, holder = lock_registrations(registration, holder)
    else:
        row = lock_registration(registration)
    current_holder = find_holder(row)  # READ COMMITTED: this sees what others committed while we waited for the locks
    if current_holder != holder:
        raise SerialConflict
    return row, holder


def find_holder(row: Registration) -> Registration | None:
    """The other registration that counts with this product and serial number, or None."""
    if not row.serial_key:
        return None
    return HOLDER.first(product=row.product_id, serial_key=row.serial_key, key=row.pk)


def other_holders(product: int, serial_key: str, key: int) -> QuerySet[Registration]:
    """Registrations that count with a product and a serial number, but for the one with this key."""
    counting = Registration.objects.filter(product=product, serial_key=serial_key, state=RegistrationState.VALIDATED)
    return counting.exclude(pk=key).order_by("pk")


def validate(row: Registration, *, by: User | None, at: datetime) -> None:
    """Let a registration count, add its points and notify its member.

    Raises SerialConflict if another one with this serial number counts already: the unique constraint decides who was
    first (R31).
    """
    row.state = RegistrationState.VALIDATED
    row.review_reason = row.refusal_reason = row.asked_for = ""
    row.decided_at, row.decided_by = at, by
    row.taken_by = row.taken_at = None
    try:
        with transaction.atomic():
            row.save(update_fields=[*DECIDED_FIELDS, *DESK_FIELDS])
    except IntegrityError as error:
        if constraint_name(error) != "registration_one_validated":
            raise
        raise SerialConflict from None
    reconcile(registrations=[row.pk], cause=PointsCause.VALIDATED, about=row.product.name, by=by, at=at)
    notify_new_holder(registration=row, at=at)
    publish_event("kitbag.registration_validated", row.pk)
    if by is None and row.member.wants_counted:
        _mail_that_it_counts(row, at)


def reject(row: Registration, *, reason: RefusalReason, by: User | None, at: datetime, asked_for: str = "") -> None:
    """Refuse a registration; `by` is None for the automatic check. If it counted before, it loses its points (R21)."""
    row.state = RegistrationState.REJECTED
    row.refusal_reason, row.asked_for, row.review_reason = reason, asked_for, ""
    row.decided_at, row.decided_by = at, by
    row.taken_by = row.taken_at = None
    row.save(update_fields=[*DECIDED_FIELDS, *DESK_FIELDS])
    reconcile(registrations=[row.pk], cause=PointsCause.CHECK, about=row.product.name, by=by, at=at)


def notify_decision(row: Registration, at: datetime, *, mail: bool = True) -> None:
    """Notify the member of a decision on the dashboard and by e-mail (R56).

    Pass `mail=False` where a case already sends an e-mail about it.
    """
    is_refused = row.state == RegistrationState.REJECTED
    code = NoticeCode.REGISTRATION_REFUSED if is_refused else NoticeCode.REGISTRATION_APPROVED
    key = f"{code}-{row.pk}-{at.isoformat()}"
    params = {"registration": row.pk}
    members.notify_member(member=row.member, key=key, code=code, params=params, path=row.get_absolute_url(), at=at)
    if mail and is_refused:
        payload = outbox.rendered_later("kitbag.refused", registration=row.pk)
        outbox.enqueue(key=key, kind="mail", to=row.member.user.email, payload=payload)
    elif mail:
        _mail_that_it_counts(row, at)


def _mail_that_it_counts(row: Registration, at: datetime) -> None:
    """Products that begin to count in a burst are one mail (R70)."""
    outbox.enqueue_collected(
        group=f"counted-{row.member_id}",
        kind="mail",
        to=row.member.user.email,
        payload=outbox.rendered_later("kitbag.counted", registrations=[row.pk]),
        at=at,
        pause=timedelta(minutes=settings.NOTICE_PAUSE_MINUTES),
        max_pause=timedelta(minutes=settings.MAX_NOTICE_PAUSE_MINUTES),
    )


def require_not_own(row: Registration, by: User) -> None:
    """Raise Refusal `own` if `by` is the member: nobody decides about their own kit."""
    if row.member.user_id == by.pk:
        raise Refusal("own", _("This is your own kit, so someone else has to decide."))


def constraint_name(error: IntegrityError) -> str:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", "") or ""


def locked_rows(keys: str) -> QuerySet[Registration]:
    """Registrations, locked in the order of their keys (`joined_keys`), with product, member and account."""
    rows = Registration.objects.filter(IsAmong(F("pk"), Value(keys))).order_by("pk")
    return rows.select_for_update(of=("self",), no_key=True).select_related(*LOCKED_WITH)


def _locked_rows(*keys: int) -> dict[int, Registration]:
    return {row.pk: row for row in LOCKED_ROWS.all(keys=joined_keys(keys))}


LOCKED_ROWS: CompiledModels[Registration] = CompiledModels(locked_rows, related=LOCKED_WITH, locks=True)
HOLDER: CompiledModels[Registration] = CompiledModels(other_holders)
LOCK_MEMBER: CompiledQuery[tuple[int]] = CompiledQuery(
    lambda key: Member.objects.filter(pk=key).locked().values_list("pk"), locks=True
)


# --- Holds (R50) ---


@transaction.atomic(savepoint=False)
def hold_registration(*, registration: Registration, key: str, why: HoldReason, at: datetime) -> Registration:
    """Keep a registration from being removed or handed over until `release_hold` with the same key.

    Idempotent. Returns the registration, locked.
    """
    row = lock_registration(registration)
    Hold.objects.bulk_create([Hold(registration=row, key=key, why=why, since=at)], ignore_conflicts=True)
    return row


@transaction.atomic
def release_hold(*, registration: Registration, key: str) -> None:
    """End the hold with this key, if there is one."""
    lock_registration(registration)
    Hold.objects.filter(registration=registration, key=key).delete()


def hold_blocker(row: Registration) -> Refusal | None:
    """The Refusal for removing or handing over a held registration; None if there is no hold.

    Lock the registration before you act on the answer.
    """
    hold = Hold.objects.filter(registration=row).order_by("since").first()
    return Refusal("held", HoldReason(hold.why).label) if hold else None
