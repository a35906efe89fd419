"""Two accounts of one person become one, by two people of the staff, and two again within some days (R69).

What can only be decided first is a blocker, said in words: then nothing of the merge is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.mail import essential
from cps_portal.site import emails
from kitbag.actions.merges import KitPlan, blockers_of_return, move_kit, plan_kit, return_kit
from kitbag.models import MergedRegistration
from members import actions as members
from members.enums import MergeState
from members.models import AccountFreeze, AccountMerge, LostAddress, Member, PendingLevelNotice, User
from members.offers.actions.merges import has_pack, move_offers, return_offers, send_pack_with_valid_card
from members.offers.enums import PackState
from members.offers.models import WelcomePack
from members.queries import held_until
from servicing.actions.merges import has_new_jobs, job_blockers, move_jobs, return_jobs

Blocker = str | Promise
GONE = _("This has been decided meanwhile. Look at what happened.")
SECOND_PERSON = _("You proposed this yourself. A colleague has to look at it and decide.")


@dataclass(frozen=True)
class MergePlan:
    """What a merge does, computed alike for the preview and for the merge itself."""

    survivor: Member
    ended: Member
    kit: KitPlan
    blockers: Sequence[Blocker]

    @property
    def points(self) -> int:
        return self.survivor.points + self.kit.points


def plan_merge(*, survivor: Member, ended: Member, at: datetime) -> MergePlan:
    """What becomes of both accounts, and what has to be done before."""
    kit = plan_kit(survivor=survivor, ended=ended)
    jobs = job_blockers(survivor=survivor, ended=ended, twins=kit.twins)
    return MergePlan(survivor, ended, kit, [*jobs, *_blockers(survivor, ended, at), *kit.blockers])


@transaction.atomic
def propose_merge(*, survivor: Member, ended: Member, reason: str, by: User, at: datetime) -> AccountMerge:
    """Ask a second person to merge `ended` into `survivor`.

    Raises Refusal: `same`, `own`, `staff`, `closed`, `open` (proposed already), `blocked`, `empty` beside `reason`.
    """
    plan = _locked_plan(survivor, ended, by, at)
    if not reason.strip():
        raise Refusal("empty", _("Say how you know that it is one person: a colleague decides by it."), "reason")
    pair = [survivor.pk, ended.pk]
    if AccountMerge.objects.open().filter(Q(survivor__in=pair) | Q(ended__in=pair)).exists():
        raise Refusal("open", _("A merge of one of these accounts has been proposed already."))
    return AccountMerge.objects.create(
        survivor=plan.survivor, ended=plan.ended, reason=reason.strip(), requested_by=by, requested_at=at
    )


@transaction.atomic
def confirm_merge(*, merge: AccountMerge, by: User, at: datetime) -> AccountMerge:
    """Make the two accounts one. Both addresses are told; the one that ends can no longer sign in.

    Raises Refusal: `second_person`, `gone` (decided meanwhile), and as `propose_merge`.
    """
    _lock_both(merge.survivor, merge.ended)
    locked = _locked_merge(merge, MergeState.OPEN, GONE)
    if locked.requested_by_id == by.pk:
        raise Refusal("second_person", SECOND_PERSON)
    plan = _locked_plan(merge.survivor, merge.ended, by, at)
    survivor, ended = plan.survivor, plan.ended
    locked.survivor, locked.ended = survivor, ended
    locked.sign_ups = move_offers(survivor=survivor, ended=ended, by=by, at=at)
    locked.state, locked.decided_by, locked.decided_at = MergeState.DONE, by, at
    locked.save(update_fields=["state", "decided_by", "decided_at", "sign_ups"])
    move_kit(merge=locked, plan=plan.kit, by=by, at=at)
    _forget_level_news(survivor, ended)
    survivor.absorbed = [*survivor.absorbed, *ended.accounts]
    survivor.save(update_fields=["absorbed"])
    ended.merged_into, ended.closed_at = survivor, at
    with attributed_to(by):
        ended.save(update_fields=["merged_into", "closed_at"])
    move_jobs(survivor=survivor, ended=ended, became=_became(locked))
    send_pack_with_valid_card(ended=ended, by=by, at=at)
    User.objects.filter(pk=ended.user_id).update(is_active=False)
    members.end_other_sessions(user=ended.user, session_key="")
    _tell(locked, emails.ACCOUNTS_MERGED, at)
    return locked


@transaction.atomic
def refuse_merge(*, merge: AccountMerge, by: User, at: datetime) -> AccountMerge:
    """Leave both accounts as they are. Whoever proposed it may do that, too. Raises Refusal `gone`."""
    _lock_both(merge.survivor, merge.ended)
    locked = _locked_merge(merge, MergeState.OPEN, GONE)
    locked.state, locked.decided_by, locked.decided_at = MergeState.REFUSED, by, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    return locked


def blockers_of_undoing(*, merge: AccountMerge, at: datetime) -> list[Blocker]:
    """Why it cannot be undone by a button any more: then somebody looks at it in a case."""
    survivor, ended = merge.survivor, merge.ended
    became = list(_became(merge).values())
    since = merge.decided_at or at
    table: list[tuple[bool, Blocker]] = [
        (merge.undo_until is None or at > merge.undo_until, _("The days in which it can be undone are over.")),
        (survivor.closed_at is not None, _("The account that stays has been closed or merged since.")),
        (ended.merged_into_id != survivor.pk, _("The account that ended is not part of this one any more.")),
        (has_new_jobs(ended=ended, products=became, since=since), _("A product was sent for service since.")),
        (
            WelcomePack.objects.filter(member=survivor, asked_at__gte=since).exists(),
            _("A Welcome Pack was requested since."),
        ),
    ]
    return [sentence for applies, sentence in table if applies] + blockers_of_return(merge=merge)


@transaction.atomic
def undo_merge(*, merge: AccountMerge, by: User, at: datetime) -> AccountMerge:
    """Make it two accounts again, as they were. Both addresses are told.

    The card that ended stays ended: the account gets another one. Raises Refusal: `own`, `gone`, and `depends` with
    what depends on the merge.
    """
    survivor, ended = _lock_both(merge.survivor, merge.ended)
    if by.pk in {survivor.user_id, ended.user_id}:
        raise Refusal("own", _("This is your own account, so a colleague has to do it."))
    locked = _locked_merge(merge, MergeState.DONE, _("This merge is not in force. Look at what happened."))
    locked.survivor, locked.ended = survivor, ended
    if blockers := blockers_of_undoing(merge=locked, at=at):
        sentence = _("It can’t be undone by itself: %(why)s Open a case with the member.")
        raise Refusal("depends", sentence % {"why": " ".join(map(str, blockers))})
    locked.state, locked.undone_by, locked.undone_at = MergeState.UNDONE, by, at
    locked.save(update_fields=["state", "undone_by", "undone_at"])
    survivor.absorbed = [key for key in survivor.absorbed if key not in ended.accounts]
    survivor.save(update_fields=["absorbed"])
    ended.merged_into = ended.closed_at = None
    with attributed_to(by):
        ended.save(update_fields=["merged_into", "closed_at"])
    User.objects.filter(pk=ended.user_id).update(is_active=True)
    return_kit(merge=locked, by=by, at=at)
    return_jobs(survivor=survivor, ended=ended, became=_became(locked), at=at)
    return_offers(survivor=survivor, ended=ended, offers=locked.sign_ups, by=by, at=at)
    send_pack_with_valid_card(ended=ended, by=by, at=at)
    _forget_level_news(survivor, ended)
    _tell(locked, emails.ACCOUNTS_UNMERGED, at)
    return locked


# --- Steps --------------------------------------------------------------------------------------------


def _blockers(survivor: Member, ended: Member, at: datetime) -> list[Blocker]:
    pair = [survivor, ended]
    has_come_back = WelcomePack.objects.filter(member=ended, state=PackState.RETURNED).exists()
    table: list[tuple[bool, Blocker]] = [
        (
            has_come_back and has_pack(survivor, but=ended),
            _("Both have had a Welcome Pack, and that of the account that ends came back: let the other one end."),
        ),
        (
            LostAddress.objects.open().filter(member__in=pair).exists(),
            _("Somebody has asked for another sign-in address of one of them: decide that first."),
        ),
        (
            AccountFreeze.objects.standing().filter(member__in=pair).exists(),
            _("One of the accounts has been stopped: look into that first."),
        ),
        (
            any(held_until(member, at) for member in pair),
            _("Our staff changed the sign-in address of one of them a few days ago: nothing leaves it yet."),
        ),
    ]
    return [sentence for applies, sentence in table if applies]


def _became(merge: AccountMerge) -> dict[int, int]:
    """By the key of each product that the merge ended, that of the one which counts instead."""
    return dict(MergedRegistration.objects.filter(merge=merge).values_list("registration", "became"))


def _lock_both(survivor: Member, ended: Member) -> tuple[Member, Member]:
    """With all accounts that went into them: their jobs share places, and are locked like this everywhere (R49)."""
    keys = Member.objects.filter(pk__in=[survivor.pk, ended.pk]).values_list("pk", "absorbed")
    accounts = {key for pk, absorbed in keys for key in (pk, *absorbed)}
    rows = Member.objects.filter(pk__in=accounts).locked().select_related("user")
    by_key = {row.pk: row for row in rows}
    return by_key[survivor.pk], by_key[ended.pk]


def _locked_plan(survivor: Member, ended: Member, by: User, at: datetime) -> MergePlan:
    """Both accounts locked, and what becomes of them. Raises Refusal if they cannot be merged at all, or not now."""
    if survivor.pk == ended.pk:
        raise Refusal("same", _("These are the same account. Type the number of the other one."), "other")
    survivor, ended = _lock_both(survivor, ended)
    if by.pk in {survivor.user_id, ended.user_id}:
        raise Refusal("own", _("This is your own account, so two colleagues have to do it."))
    for member in (survivor, ended):
        if member.user.is_staff or member.user.is_superuser:
            raise Refusal("staff", _("One of these accounts is of staff. Ask an administrator."))
        if member.closed_at:
            raise Refusal("closed", _("One of these accounts is closed, so it stays as it is."))
    plan = plan_merge(survivor=survivor, ended=ended, at=at)
    if plan.blockers:
        raise Refusal("blocked", " ".join(map(str, plan.blockers)))
    return plan


def _locked_merge(merge: AccountMerge, state: MergeState, otherwise: Blocker) -> AccountMerge:
    locked = AccountMerge.objects.select_for_update(of=("self",), no_key=True).get(pk=merge.pk)
    if locked.state != state:
        raise Refusal("gone", otherwise)
    return locked


def _forget_level_news(survivor: Member, ended: Member) -> None:
    """The mail about the merge says which level they have: no other one about a level that nobody lost or reached."""
    PendingLevelNotice.objects.filter(member__in=[survivor, ended]).delete()


def _tell(merge: AccountMerge, renderer: str, at: datetime) -> None:
    for member in (merge.survivor, merge.ended):
        key = f"{renderer}-{merge.pk}-{member.pk}"
        payload = essential(outbox.rendered_later(renderer, merge=merge.pk, member=member.pk))
        outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload, at=at)
