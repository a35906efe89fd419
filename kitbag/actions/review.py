"""Review of registrations by staff: which ones need a person, who works on them, the decisions (R19, R23, R24)."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import appeals, claims, sales, stolen_reports
from kitbag.actions.transitions import (
    lock_registration,
    lock_with_holder,
    notify_decision,
    reject,
    require_not_own,
    retry_on_conflict,
    validate,
)
from kitbag.enums import ASKING, RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Appeal, Registration
from kitbag.queries.versions import version_of
from members.models import Member, User

MAX_QUESTION_LENGTH = 500
NOT_WAITING = _("This has been decided or taken back in the meantime. Please look at it again.")
CHANGED = _("It has changed since you opened it. Please look at it again, then decide.")
MAX_CANDIDATES = 20


# --- Which registrations need a person ---


def review_reason_before_claim(row: Registration, at: datetime) -> ReviewReason | None:
    """Why a person has to look before a claim is opened against another holder; None if not."""
    if row.no_serial:
        return ReviewReason.NO_SERIAL
    refusals, _days = settings.REVIEW_REFUSALS
    return ReviewReason.REFUSALS if count_recent_refusals(row.member, at) >= refusals else None


def review_reason_without_claim(row: Registration) -> ReviewReason | None:
    """Why a person has to look although nobody else holds the serial number; None if not.

    Bought second-hand or abroad is no reason (R23, R24).
    """
    if row.is_before_release:
        return ReviewReason.DATE
    if row.serial_insisted:
        return ReviewReason.SHAPE
    if row.asked_for:
        return ReviewReason.ASKED
    return ReviewReason.SAMPLE if in_sample(row.pk) else None


def in_sample(key: int) -> bool:
    """Whether a registration belongs to the random sample. The same key always gives the same answer."""
    drawn = int(salted_hmac("kitbag.sample", str(key)).hexdigest()[:12], 16)
    return rules.is_drawn(drawn, settings.REVIEW_SAMPLE_PERCENT)


def lacks_proof(row: Registration) -> bool:
    """Whether the random check needs a proof of purchase that is not there (R25). A confirmed sale is one, too."""
    return is_drawn(row) and not row.evidence.proofs().exists() and sales.find_matching_sale(row) is None


def is_drawn(row: Registration) -> bool:
    """Whether it was chosen at random, for whatever other reason it waits."""
    return row.review_reason == ReviewReason.SAMPLE or in_sample(row.pk)


def ask_for_proof(row: Registration, *, at: datetime) -> Registration:
    """Ask the member for the proof of purchase that the random check needs. The caller has locked the registration."""
    reject(row, reason=RefusalReason.NEEDS_PROOF, by=None, at=at)
    notify_decision(row, at)
    return row


def count_recent_refusals(member: Member, at: datetime) -> int:
    """How many of this member's registrations were refused lately; being asked for more evidence is no refusal."""
    return recent_refusals([member.pk], at)[member.pk]


def recent_refusals(members: Collection[int], at: datetime) -> Counter[int]:
    """The same for many members, by their keys, in one query."""
    _refusals, days = settings.REVIEW_REFUSALS
    events: Any = apps.get_model("kitbag", "RegistrationEvent").objects
    refused = events.filter(
        member__in=members, state=RegistrationState.REJECTED, decided_at__gt=at - timedelta(days=days)
    ).exclude(refusal_reason__in=ASKING)
    return Counter(member for member, *_which in refused.values_list("member", "pgh_obj_id", "decided_at").distinct())


# --- The desk: one person at a time ---


@transaction.atomic
def take_registration(*, registration: Registration, by: User, at: datetime) -> None:
    """Assign a registration to `by` for a while, so that nobody else decides it.

    Raises Refusal: `taken`, `not_waiting`, `busy`.
    """
    if _take(registration.pk, by, at):
        return
    row = Registration.objects.get(pk=registration.pk)
    _require_waiting(row)
    _require_free(row, by, at)
    raise Refusal("busy", _("A colleague was quicker. Please take the next one."))


@transaction.atomic
def take_next(
    *, by: User, at: datetime, after: Registration | None = None, only_appeals: bool = False
) -> Registration | None:
    """Assign the longest waiting free registration to `by`, or return None.

    `after` is one that `by` skips: it is given back, and the search goes on behind it.
    """
    if after:
        give_back(registration=after, by=by)
    for key in next_keys(by=by, at=at, after=after.pk if after else None, only_appeals=only_appeals):
        if _take(key, by, at):
            return Registration.objects.get(pk=key)
    return None


def give_back(*, registration: Registration, by: User) -> None:
    """Free a registration that is assigned to `by`."""
    Registration.objects.filter(pk=registration.pk, taken_by=by).update(taken_by=None, taken_at=None)


def next_keys(*, by: User, at: datetime, after: int | None = None, only_appeals: bool = False) -> list[int]:
    """The keys of registrations that `by` may decide, the longest waiting first; those behind `after` before others."""
    queue = Registration.objects.queue().free(by, at).decidable(by)
    if only_appeals:
        queue = queue.filter(review_reason=ReviewReason.APPEAL)
    # To go on behind one it has to be found in the queue.
    keys = list(queue.values_list("pk", flat=True)[: MAX_CANDIDATES * (50 if after else 1)])
    if after in keys:
        place = keys.index(after) + 1
        keys = keys[place:] + keys[:place]
    return keys


def _take(key: int, by: User, at: datetime) -> bool:
    """Whether it was free. If two take it at once, the conditional update succeeds for one of them only."""
    return bool(Registration.objects.waiting().filter(pk=key).free(by, at).update(taken_by=by, taken_at=at))


# --- Decisions ---


def approve_registration(
    *, registration: Registration, by: User, at: datetime, version: str | None = None
) -> Registration:
    """Approve a registration, so that it counts (R19). If another one holds the serial, open a claim instead (R32).

    `version` is what `version_of` said when it was looked at. Raises Refusal: `changed` since then, `not_waiting`,
    `taken`, `own`, `stolen`, `second_person`, `held` (a claim is open: decide that),
    `needs_proof` (chosen at random, without a proof of purchase: ask for it).
    """
    return retry_on_conflict(lambda: _approve(registration, version, by, at))


def _approve(registration: Registration, version: str | None, by: User, at: datetime) -> Registration:
    row, holder = lock_with_holder(registration)
    appeal = require_approvable(row, version=version, by=by, at=at)
    if holder:
        claims.open_claim(row=row, holder=holder, at=at)
    else:
        validate(row, by=by, at=at)
        notify_decision(row, at, mail=appeal is None)
    if appeal:
        appeals.conclude_appeal(appeal=appeal, row=row, granted=True, by=by, at=at)
    return row


def require_approvable(row: Registration, *, version: str | None, by: User, at: datetime) -> Appeal | None:
    """Raise the Refusal that `approve_registration` would; return the appeal that an approval would answer."""
    _require_unchanged(row, version)
    _require_waiting(row)
    _require_free(row, by, at)
    require_not_own(row, by)
    stolen_reports.require_not_reported(row)
    appeal = appeals.require_second_person(row, by)
    if claims.has_open_claim(row):
        raise Refusal(
            "held",
            _(
                "Another member holds this serial number, and both have been asked for proof. Please decide the claim"
                " instead."
            ),
        )
    if lacks_proof(row):
        raise Refusal(
            "needs_proof",
            _("It was chosen at random and lacks a proof of purchase. Ask the member for it before you approve it."),
        )
    return appeal


@transaction.atomic
def refuse_registration(
    *, registration: Registration, reason: RefusalReason, by: User, at: datetime, version: str | None = None
) -> Registration:
    """Refuse a registration with a reason that the member reads (R19).

    One that counts already can be refused, too, after a check: then it loses its points (R21).
    `version` is what `version_of` said when it was looked at. Raises Refusal: `changed` since then, `not_waiting`,
    `taken`, `own`, `second_person`, `claimed`.
    """
    row = lock_registration(registration)
    appeal = require_refusable(row, version=version, by=by, at=at)
    reject(row, reason=reason, by=by, at=at)
    claims.close_claims(row=row, at=at)
    notify_decision(row, at, mail=appeal is None)
    if appeal:
        appeals.conclude_appeal(appeal=appeal, row=row, granted=False, by=by, at=at)
    return row


def require_refusable(row: Registration, *, version: str | None, by: User, at: datetime) -> Appeal | None:
    """Raise the Refusal that `refuse_registration` would; return the appeal that a refusal would answer."""
    _require_unchanged(row, version)
    if row.state not in (RegistrationState.SUBMITTED, RegistrationState.VALIDATED):
        raise Refusal("not_waiting", NOT_WAITING)
    _require_free(row, by, at)
    require_not_own(row, by)
    _require_no_claim(row)
    return appeals.require_second_person(row, by)


@transaction.atomic
def ask_for_more(
    *, registration: Registration, text: str, by: User, at: datetime, version: str | None = None
) -> Registration:
    """Ask the member for more evidence. Once submitted again, it goes to the front of the queue (R19).

    `version` is what `version_of` said when it was looked at. Raises Refusal: `changed` since then, `not_waiting`,
    `taken`, `own`, `claimed`, `appeal`, and beside `asked_for` `empty`, `long`.
    """
    row = lock_registration(registration)
    question = require_askable(row, text=text, version=version, by=by, at=at)
    reject(row, reason=RefusalReason.NEEDS_EVIDENCE, by=by, at=at, asked_for=question)
    notify_decision(row, at)
    return row


def require_askable(row: Registration, *, text: str, version: str | None, by: User, at: datetime) -> str:
    """Raise the Refusal that `ask_for_more` would; return the question as it is kept."""
    _require_unchanged(row, version)
    _require_waiting(row)
    _require_free(row, by, at)
    require_not_own(row, by)
    _require_no_claim(row)
    if row.review_reason == ReviewReason.APPEAL:
        raise Refusal(
            "appeal", _("This is an appeal. Ask the member in its case, and decide when you have the answer.")
        )
    question = " ".join(text.split())
    if not question:
        raise Refusal("empty", _("Tell the member what to add."), "asked_for")
    if len(question) > MAX_QUESTION_LENGTH:
        raise Refusal(
            "long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_QUESTION_LENGTH}, "asked_for"
        )
    return question


def _require_unchanged(row: Registration, version: str | None) -> None:
    """Raise Refusal `changed` if somebody would decide what they have not seen."""
    if version is not None and version != version_of(row):
        raise Refusal("changed", CHANGED)


def _require_waiting(row: Registration) -> None:
    if row.state != RegistrationState.SUBMITTED or not row.review_reason:
        raise Refusal("not_waiting", NOT_WAITING)


def _require_free(row: Registration, by: User, at: datetime) -> None:
    if row.state == RegistrationState.SUBMITTED and is_taken(row, at) and row.taken_by_id != by.pk:
        raise Refusal("taken", _("A colleague is working on this one. Please take the next one."))


def is_taken(row: Registration, at: datetime) -> bool:
    """Whether it is assigned to somebody at this moment."""
    return row.taken_at is not None and at - row.taken_at <= timedelta(minutes=settings.DESK_TAKEN_MINUTES)


def _require_no_claim(row: Registration) -> None:
    if claims.has_open_claim(row):
        raise Refusal(
            "claimed",
            _("There is an open claim, and both members have been asked for proof. Please decide the claim instead."),
        )
