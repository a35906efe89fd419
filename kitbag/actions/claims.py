"""Claims: two members register one serial number, and staff decide whose it is (R31, R32).

Both are asked for proof, each in a case of their own, so that neither learns who the other is.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.written_dates import date_format
from kitbag.actions import stolen_reports
from kitbag.actions.new_serials import apply_change, drop_change
from kitbag.actions.transitions import lock_registrations, notify_decision, reject, require_not_own, validate
from kitbag.enums import ClaimOutcome, RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Claim, Evidence, Registration, SerialChange
from kitbag.queries.versions import version_of_claim
from members.models import User
from members.support import actions as cases
from members.support.enums import CaseKind, MessageAuthor
from members.support.models import MAX_TEXT_LENGTH, Case, CaseAttachment

MAX_REASON_LENGTH = MAX_TEXT_LENGTH // 2
WAIT_FOR_ANSWER = _(
    "The member who would lose it has not answered yet and still has time. Wait for the answer or write in the case."
)
NEW_MESSAGE = _("There is a new message since you opened this page. Read it, then decide again.")
OUTCOMES = {
    (ClaimOutcome.HOLDER, True): _(
        "We have compared what you both sent us. Your %(product)s stays yours, and so do its points."
    ),
    (ClaimOutcome.HOLDER, False): _(
        "We have compared what you both sent us. The other member showed that the serial number of your %(product)s is"
        " theirs, so we can’t count it for you."
    ),
    (ClaimOutcome.CLAIMANT, False): _(
        "We have compared what you both sent us. The serial number is yours, and your %(product)s counts now."
    ),
    (ClaimOutcome.CLAIMANT, True): _(
        "We have compared what you both sent us. The other member showed that the serial number of your %(product)s is"
        " theirs, so it no longer counts for you."
    ),
    (ClaimOutcome.NEITHER, True): _(
        "What you both sent us doesn’t show whose product this is, so your %(product)s no longer counts."
    ),
    (ClaimOutcome.NEITHER, False): _(
        "What you both sent us doesn’t show whose product this is, so we can’t count your %(product)s."
    ),
}
SERIAL_OUTCOMES = {  # for the member whose product got a new number from a centre (R64)
    ClaimOutcome.HOLDER: _(
        "We have compared what you both sent us. The new serial number belongs to another product, so your %(product)s"
        " keeps the old one, and its points."
    ),
    ClaimOutcome.CLAIMANT: _(
        "We have compared what you both sent us. Your %(product)s has its new serial number now, and keeps its points."
    ),
    ClaimOutcome.NEITHER: _(
        "What you both sent us doesn’t show whose number it is, so your %(product)s keeps the old one, and its points."
    ),
}
APPEAL_HINT = _(
    "If you think this is wrong, open the product in your Kitbag and appeal. A colleague will take a second look."
)
LAPSED = _("This has sorted itself out. You don’t have to send us anything else.")


def open_claim(*, row: Registration, holder: Registration, at: datetime) -> Registration:
    """Ask both members for proof until a date; the holder keeps the points meanwhile (R32).

    The caller has locked both registrations and their members. The registration then waits for a person.
    """
    row.review_reason = ReviewReason.DUPLICATE
    row.taken_by = row.taken_at = None
    row.save(update_fields=["review_reason", "taken_by", "taken_at"])
    _ask_both(row, holder, row.serial, _("Until we decide, your product doesn’t count."), at)
    return row


def open_serial_claim(*, row: Registration, holder: Registration, serial: str, at: datetime) -> Claim:
    """The same about a number that a centre gave the product of `row`, which keeps its points in any case (R64).

    The caller has locked both registrations and their members.
    """
    return _ask_both(row, holder, serial, _("You keep your points whatever we decide."), at)


def _ask_both(row: Registration, holder: Registration, serial: str, meanwhile: Promise | str, at: datetime) -> Claim:
    until = timezone.localdate(at) + timedelta(days=settings.CLAIM_DAYS)
    asked = []
    for side, sentence in [(row, meanwhile), (holder, _("Until we decide, you keep your points."))]:
        with translation.override(side.member.language):
            subject = _t("Serial number of your %(product)s") % {"product": side.product.name}
            text = _t(
                "Another member has also registered a %(product)s with the serial number %(serial)s. Only one of you"
                " can own it, so we are asking you both for the proof of purchase. Please reply here by %(until)s,"
                " add a photo or a PDF of the receipt, and tell us where and when you got it. %(meanwhile)s"
            ) % {
                "product": side.product.name,
                "serial": serial,
                "until": date_format(until, "j F Y"),
                "meanwhile": sentence,
            }
        asked.append(
            cases.open_case(
                kind=CaseKind.CLAIM,
                subject=subject[:120],
                text=text,
                member=side.member,
                about=side,
                by=None,
                at=at,
                asks=True,
            )
        )
    return Claim.objects.create(
        claimant=row, holder=holder, claimant_case=asked[0], holder_case=asked[1], opened_at=at, respond_by=until
    )


def has_open_claim(row: Registration) -> bool:
    """Whether a claim by this registration is waiting for a decision."""
    return Claim.objects.open().filter(claimant=row).exists()


def claim_lapsed(row: Registration) -> bool:
    """Whether it waits because of a claim that ended without a decision: then it has to be checked again."""
    return row.review_reason == ReviewReason.DUPLICATE and not has_open_claim(row)


def close_claims(*, row: Registration, at: datetime, but: Claim | None = None) -> None:
    """Close the open claims of a registration that is reopened, removed, refused or handed over (R32).

    The caller has locked its member. A claimant's registration is checked again by a task, because its member may not
    be locked in this transaction.
    """
    claims = Claim.objects.open().filter(Q(claimant=row) | Q(holder=row)).exclude(pk=but.pk if but else 0)
    for claim in claims.select_related("claimant_case", "holder_case"):
        still_open = Claim.objects.filter(pk=claim.pk, outcome="")
        if not still_open.update(outcome=ClaimOutcome.WITHDRAWN, decided_at=at):
            continue  # the other member closed it at the same moment
        _conclude_all([(claim.claimant_case, LAPSED), (claim.holder_case, LAPSED)], at)
        change = SerialChange.objects.filter(claim=claim).first()
        if change:
            after_commit("kitbag.claim_serial", change.pk)
        elif claim.holder_id == row.pk:
            after_commit("kitbag.check_registration", claim.claimant_id)


@transaction.atomic
def decide_claim(
    *, claim: Claim, outcome: ClaimOutcome, why: str, by: User, at: datetime, version: str | None = None
) -> Claim:
    """Decide whose product it is, move the points and tell both members, in one transaction (R32).

    `why` is read by both; `version` is what `version_of_claim` said when it was looked at. Raises Refusal: `decided`,
    `changed` since then, `own`, `stolen`, `unheard` (before the date, members who would
    lose must have answered), beside `outcome` `needs_proof`, and beside `why` `empty`, `long`, `names`.
    """
    claimant, holder = lock_registrations(claim.claimant, claim.holder)
    row = Claim.objects.select_for_update(of=("self",), no_key=True).get(pk=claim.pk)
    change = SerialChange.objects.filter(claim=row).first()
    why = require_decidable(row, (claimant, holder), outcome=outcome, why=why, version=version, by=by, at=at)
    losers = _losers(row, claimant, holder, outcome)
    row.outcome, row.decided_at, row.decided_by = outcome, at, by
    row.save(update_fields=["outcome", "decided_at", "decided_by"])
    reason = RefusalReason.SERIAL_UNREADABLE if outcome == ClaimOutcome.NEITHER else RefusalReason.LOST_CLAIM
    for loser, _case in losers:
        if change and loser.pk == claimant.pk:  # keeps the old number, and its points (R64)
            continue
        reject(loser, reason=reason, by=by, at=at)
        notify_decision(loser, at, mail=False)
    if change:
        _settle_change(change, claimant, outcome)
    elif outcome == ClaimOutcome.CLAIMANT:
        validate(claimant, by=by, at=at)
        notify_decision(claimant, at, mail=False)
    if outcome != ClaimOutcome.HOLDER:
        close_claims(row=holder, at=at, but=row)
    for side, case, held in [(claimant, row.claimant_case, False), (holder, row.holder_case, True)]:
        lost = side.state == RegistrationState.REJECTED
        with translation.override(side.member.language):
            sentences = SERIAL_OUTCOMES if change and not held else {outcome: OUTCOMES[outcome, held]}
            sentence = str(sentences[outcome]) % {"product": side.product.name}
            text = "\n\n".join([sentence, why, *([str(APPEAL_HINT)] if lost else [])])
        cases.conclude(case=case, text=text, by=by, at=at)
    return row


def require_decidable(
    claim: Claim,
    sides: tuple[Registration, Registration],
    *,
    outcome: ClaimOutcome,
    why: str,
    version: str | None,
    by: User,
    at: datetime,
) -> str:
    """Raise the Refusal that `decide_claim` would; return the reason as both members read it.

    `sides`: the claimant and the holder, which the caller has locked.
    """
    claimant, holder = sides
    by_centre = SerialChange.objects.filter(claim=claim).exists()
    waiting = RegistrationState.VALIDATED if by_centre else RegistrationState.SUBMITTED
    if claim.outcome or claimant.state != waiting or holder.state != RegistrationState.VALIDATED:
        raise Refusal("decided", _("This claim has been closed in the meantime. Please look at it again."))
    if version is not None and version != version_of_claim(claim):
        raise Refusal("changed", NEW_MESSAGE)
    require_not_own(claimant, by)
    require_not_own(holder, by)
    if outcome == ClaimOutcome.CLAIMANT:
        stolen_reports.require_not_reported(claimant)
    _require_proof(claim, outcome, by_centre=by_centre)
    reason = _checked_why(why, sides)
    losers = _losers(claim, claimant, holder, outcome)
    if at <= answer_deadline(claim) and not all(_has_answered(case) for _loser, case in losers):
        raise Refusal("unheard", WAIT_FOR_ANSWER)
    return reason


def _losers(
    claim: Claim, claimant: Registration, holder: Registration, outcome: ClaimOutcome
) -> list[tuple[Registration, Case]]:
    """Those whose product does not count after this outcome, each with the case in which the member is told."""
    sides = {
        ClaimOutcome.HOLDER: [(claimant, claim.claimant_case)],
        ClaimOutcome.CLAIMANT: [(holder, claim.holder_case)],
        ClaimOutcome.NEITHER: [(holder, claim.holder_case), (claimant, claim.claimant_case)],
    }
    return sides[outcome]


def _settle_change(change: SerialChange, claimant: Registration, outcome: ClaimOutcome) -> None:
    if outcome == ClaimOutcome.CLAIMANT:
        apply_change(change, claimant)
    else:
        drop_change(change)


def answer_deadline(claim: Claim) -> datetime:
    """The end of the last day on which both members can answer."""
    return timezone.make_aware(datetime.combine(claim.respond_by + timedelta(days=1), time()))


def _require_proof(claim: Claim, outcome: ClaimOutcome, *, by_centre: bool) -> None:
    """Raise Refusal `needs_proof` if the winner has shown no proof of purchase (R25).

    A holder keeps a product without one only against a claimant who has none either. `by_centre`: a centre recorded
    the number, which is the proof of the claimant (R64).
    """
    if outcome not in (ClaimOutcome.CLAIMANT, ClaimOutcome.HOLDER):
        return
    claimant_has_it = by_centre or _has_proof(claim.claimant, claim.claimant_case)
    if outcome == ClaimOutcome.CLAIMANT and not claimant_has_it:
        raise Refusal("needs_proof", _("The member who claims it has shown no proof of purchase."), "outcome")
    if outcome == ClaimOutcome.HOLDER and claimant_has_it and not _has_proof(claim.holder, claim.holder_case):
        raise Refusal(
            "needs_proof",
            _("The member who holds it has shown no proof of purchase, and the one who claims it has."),
            "outcome",
        )


def _has_proof(row: Registration, case: Case) -> bool:
    """Whether the member has added evidence to the product or attached a file to the case."""
    attached = CaseAttachment.objects.filter(message__case=case, message__author=MessageAuthor.MEMBER)
    return Evidence.objects.about(row).proofs().exists() or attached.filter(file__erased_at=None).exists()


def _has_answered(case: Case) -> bool:
    return case.messages.filter(author=MessageAuthor.MEMBER).exists()


def _checked_why(why: str, sides: Iterable[Registration]) -> str:
    """The reason, stripped. Raises Refusal if it is empty or too long, or names a member, their e-mail or store."""
    text = why.strip()
    if not text:
        raise Refusal("empty", _("Give a reason. Both members read it."), "why")
    if len(text) > MAX_REASON_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_REASON_LENGTH}, "why")
    folded = text.casefold()
    squeezed = "".join(folded.split())  # member numbers are often written in groups
    for side in sides:
        member = side.member
        reordered = f"{member.last_name} {member.first_name}"
        names = [f"{member.first_name} {member.last_name}".strip(), reordered.strip(), member.user.email, side.store]
        if len(member.last_name) > 2:
            names.append(member.last_name)
        identifying = [name.casefold() for name in names if name.strip()]
        if member.number.casefold() in squeezed or any(name in folded for name in identifying):
            raise Refusal(
                "names",
                _("This tells one member who the other is or where they bought it. Please leave it out."),
                "why",
            )
    return text


def _conclude_all(answers: Iterable[tuple[Case, str | Promise]], at: datetime) -> None:
    for case, sentence in answers:
        with translation.override(case.language):
            text = str(sentence)
        cases.conclude(case=case, text=text, by=None, at=at)
