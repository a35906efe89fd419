"""Two members, one serial number: both are asked, a person decides, neither learns who the other is (R31, R32)."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import stolen_reports
from kitbag.actions.transitions import lock_registrations, notify_decision, reject, require_not_own, validate
from kitbag.enums import ClaimOutcome, RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Claim, Registration
from members.models import User
from members.support import actions as cases
from members.support.enums import CaseKind, MessageAuthor
from members.support.models import MAX_TEXT_LENGTH, Case

MAX_REASON_LENGTH = MAX_TEXT_LENGTH // 2
WAIT_FOR_ANSWER = _(
    "The one of them who would lose it has not answered, and the date is not over. Wait, or write in the case."
)
OUTCOMES = {
    (ClaimOutcome.HOLDER, True): _(
        "We have compared what we were sent. The serial number of your %(product)s stays yours, and its points stay."
    ),
    (ClaimOutcome.HOLDER, False): _(
        "We have compared what we were sent. Somebody else showed that the serial number"
        " of your %(product)s is theirs, so it can’t count for you."
    ),
    (ClaimOutcome.CLAIMANT, False): _(
        "We have compared what we were sent. The serial number is yours, and your %(product)s counts now."
    ),
    (ClaimOutcome.CLAIMANT, True): _(
        "We have compared what we were sent. Somebody else showed that the serial number"
        " of your %(product)s is theirs, so it no longer counts for you."
    ),
    (ClaimOutcome.NEITHER, True): _(
        "What we were sent does not show whose it is, so your %(product)s no longer counts."
    ),
    (ClaimOutcome.NEITHER, False): _("What we were sent does not show whose it is, so your %(product)s can’t count."),
}
APPEAL_HINT = _("If you think this is wrong, open it in your Kitbag and appeal: a second person looks at it.")
LAPSED = _("This has settled itself: you need not send us anything more.")


def open_claim(*, row: Registration, holder: Registration, at: datetime) -> Registration:
    """Both are asked for evidence, with a date; the holder keeps the points meanwhile (R32).

    Both registrations are locked with their members. It waits for a person from then on.
    """
    row.review_reason = ReviewReason.DUPLICATE
    row.taken_by = row.taken_at = None
    row.save(update_fields=["review_reason", "taken_by", "taken_at"])
    until = timezone.localdate(at) + timedelta(days=settings.CLAIM_DAYS)
    asked = []
    for side, meanwhile in [
        (row, _("Until this is decided it does not count.")),
        (holder, _("Until this is decided your points stay.")),
    ]:
        with translation.override(side.member.language):
            subject = _t("Serial number of your %(product)s") % {"product": side.product.name}
            text = _t(
                "Somebody else has registered a %(product)s with the serial number %(serial)s too. Only one of you can"
                " have it, so we ask you both. Please show us that it is yours by %(until)s: answer here where and"
                " when you got it, and what the receipt says. %(meanwhile)s"
            ) % {
                "product": side.product.name,
                "serial": side.serial,
                "until": date_format(until, "j F Y"),
                "meanwhile": meanwhile,
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
    Claim.objects.create(
        claimant=row, holder=holder, claimant_case=asked[0], holder_case=asked[1], opened_at=at, respond_by=until
    )
    return row


def has_open_claim(row: Registration) -> bool:
    """Whether a claim that this registration made waits for its decision."""
    return Claim.objects.open().filter(claimant=row).exists()


def claim_lapsed(row: Registration) -> bool:
    """Whether it waits for the end of a claim that ended without a decision: then it is checked again."""
    return row.review_reason == ReviewReason.DUPLICATE and not has_open_claim(row)


def close_claims(*, row: Registration, at: datetime, but: Claim | None = None) -> None:
    """A registration is taken back, removed or handed over: what was claimed of or by it has settled itself (R32).

    Its member is locked. Whoever claimed it is checked again, in a transaction of their own.
    """
    ended = Claim.objects.open().filter(Q(claimant=row) | Q(holder=row)).exclude(pk=but.pk if but else 0)
    for claim in ended.select_related("claimant_case", "holder_case"):
        mine = Claim.objects.filter(pk=claim.pk, outcome="")
        if not mine.update(outcome=ClaimOutcome.WITHDRAWN, decided_at=at):
            continue  # the other side ended it at the same moment
        _conclude_all([(claim.claimant_case, LAPSED), (claim.holder_case, LAPSED)], at)
        if claim.holder_id == row.pk:
            after_commit("kitbag.check_registration", claim.claimant_id)


@transaction.atomic
def decide_claim(*, claim: Claim, outcome: ClaimOutcome, why: str, by: User, at: datetime) -> Claim:
    """A person says whose it is; points move and both are told why, in one transaction (R32).

    `why` is read by both. Raises Refusal: `decided`, `own`, `unheard` (before the date the loser must have answered),
    `empty`, `long`, `names` (beside `why`).
    """
    claimant, holder = lock_registrations(claim.claimant, claim.holder)
    row = Claim.objects.select_for_update(of=("self",), no_key=True).get(pk=claim.pk)
    if row.outcome or claimant.state != RegistrationState.SUBMITTED or holder.state != RegistrationState.VALIDATED:
        raise Refusal("decided", _("This claim has ended meanwhile. Look at it again."))
    require_not_own(claimant, by)
    require_not_own(holder, by)
    if outcome == ClaimOutcome.CLAIMANT:
        stolen_reports.require_not_reported(claimant)
    why = _checked_why(why, (claimant, holder))
    losers = {
        ClaimOutcome.HOLDER: [(claimant, row.claimant_case)],
        ClaimOutcome.CLAIMANT: [(holder, row.holder_case)],
        ClaimOutcome.NEITHER: [(holder, row.holder_case), (claimant, row.claimant_case)],
    }[outcome]
    if at <= answer_deadline(row) and not all(_has_answered(case) for _loser, case in losers):
        raise Refusal("unheard", WAIT_FOR_ANSWER)
    row.outcome, row.decided_at, row.decided_by = outcome, at, by
    row.save(update_fields=["outcome", "decided_at", "decided_by"])
    reason = RefusalReason.SERIAL_UNREADABLE if outcome == ClaimOutcome.NEITHER else RefusalReason.LOST_CLAIM
    for loser, _case in losers:
        reject(loser, reason=reason, by=by, at=at)
        notify_decision(loser, at, mail=False)
    if outcome == ClaimOutcome.CLAIMANT:
        validate(claimant, by=by, at=at)
        notify_decision(claimant, at, mail=False)
    if outcome != ClaimOutcome.HOLDER:
        close_claims(row=holder, at=at, but=row)
    for side, case, held in [(claimant, row.claimant_case, False), (holder, row.holder_case, True)]:
        lost = side.state == RegistrationState.REJECTED
        with translation.override(side.member.language):
            said = str(OUTCOMES[outcome, held]) % {"product": side.product.name}
            text = "\n\n".join([said, why, *([str(APPEAL_HINT)] if lost else [])])
        cases.conclude(case=case, text=text, by=by, at=at)
    return row


def answer_deadline(claim: Claim) -> datetime:
    """The end of the day until which both are asked."""
    return timezone.make_aware(datetime.combine(claim.respond_by + timedelta(days=1), time()))


def _has_answered(case: Case) -> bool:
    return case.messages.filter(author=MessageAuthor.MEMBER).exists()


def _checked_why(why: str, sides: Iterable[Registration]) -> str:
    """What both will read: something, not too long, and nothing that tells one who the other is."""
    text = why.strip()
    if not text:
        raise Refusal("empty", _("Say why: both of them read it."), "why")
    if len(text) > MAX_REASON_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_REASON_LENGTH}, "why")
    folded = text.casefold()
    squeezed = "".join(folded.split())
    for side in sides:
        member = side.member
        names = [f"{member.first_name} {member.last_name}", member.user.email, side.store]
        if len(member.last_name) > 2:
            names.append(member.last_name)
        known = [name.casefold() for name in names if name.strip()]
        if member.number.casefold() in squeezed or any(name in folded for name in known):
            raise Refusal(
                "names", _("This tells one of them who the other is, or where they bought it. Leave it out."), "why"
            )
    return text


def _conclude_all(told: Iterable[tuple[Case, str | Promise]], at: datetime) -> None:
    for case, sentence in told:
        with translation.override(case.language):
            text = str(sentence)
        cases.conclude(case=case, text=text, by=None, at=at)
