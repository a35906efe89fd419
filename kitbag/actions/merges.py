"""The kit and the points of an account that goes into another one of the same person, and back again (R69).

No registration gets another owner, as with handovers: the one of the account that ends is closed, and another one with
the same details is opened. The ledger gets a closing and an opening entry for each, in one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.history_context import attributed_to
from kitbag.actions import claims, handovers
from kitbag.actions.ledger import reconcile, reconcile_adjustments
from kitbag.actions.owner_details import move_details
from kitbag.actions.stage_change_notices import notify_new_holder
from kitbag.enums import SUBMITTED_STATES, RegistrationState
from kitbag.models import (
    Adjustment,
    Claim,
    Evidence,
    MergedAdjustment,
    MergedRegistration,
    Registration,
    SerialChange,
    StolenReport,
)
from members.enums import PointsCause
from members.models import AccountMerge, Member, User

Blocker = str | Promise
STATE_FIELDS = ["state", "ended_at", "decided_at", "review_reason"]
COPIED = (
    "product",
    "serial",
    "serial_key",
    "no_serial",
    "serial_insisted",
    "date_insisted",
    "country",
    "purchased_on",
    "store",
    "added_at",
    "submitted_at",
    "decided_at",
    "decided_by",
)
MOVING = (RegistrationState.VALIDATED, RegistrationState.DRAFT)


@dataclass(frozen=True)
class KitPlan:
    """What a merge does to the kit: the same for the preview and for the merge itself.

    `moving`: opened again in the account that stays. `same`: pairs of one product with one serial number that both
    accounts have handed in, of which the second one counts. `staying`: refused products, and drafts of what the other
    account has, which stay behind.
    """

    moving: Sequence[Registration] = ()
    same: Sequence[tuple[Registration, Registration]] = ()
    staying: Sequence[Registration] = ()
    adjustments: Sequence[Adjustment] = ()
    blockers: list[Blocker] = field(default_factory=list)

    @property
    def twins(self) -> dict[int, int]:
        """The keys of products that both accounts have, with those that go on to count."""
        return {row.pk: kept.pk for row, kept in self.same}

    @property
    def points(self) -> int:
        """What the account that stays has more afterwards."""
        counting = [row for row in self.moving if row.state == RegistrationState.VALIDATED]
        counting += [kept for ended, kept in self.same if _begins_to_count(ended, kept)]
        return sum(row.product.points for row in counting) + sum(row.points for row in self.adjustments)


def plan_kit(*, survivor: Member, ended: Member) -> KitPlan:
    """What becomes of each product of `ended`, and why the kit cannot move at the moment."""
    rows = list(Registration.objects.of(ended).live().select_related("product").order_by("pk"))
    handed_in = Registration.objects.of(survivor).filter(state__in=SUBMITTED_STATES, serial_key__isnull=False)
    theirs = handed_in.select_related("product")
    by_serial = {(row.product_id, row.serial_key): row for row in theirs}
    twins = [
        (row, by_serial[row.product_id, row.serial_key])
        for row in rows
        if (row.product_id, row.serial_key) in by_serial
    ]
    same = [(row, kept) for row, kept in twins if row.state in SUBMITTED_STATES]
    pairs = {row.pk for row, _kept in same}
    moving = [row for row in rows if row.state in MOVING and row.pk not in {twin.pk for twin, _kept in twins}]
    gone = pairs | {row.pk for row in moving}
    waiting = [row for row in rows if row.state == RegistrationState.SUBMITTED and row.pk not in pairs]
    return KitPlan(
        moving=moving,
        same=same,
        staying=[row for row in rows if row.pk not in gone and row not in waiting],
        adjustments=list(Adjustment.objects.active().filter(member=ended).order_by("pk")),
        blockers=_blockers(survivor, ended, rows, waiting),
    )


def move_kit(*, merge: AccountMerge, plan: KitPlan, by: User, at: datetime) -> None:
    """Close what counts for the account that ends, and open it for the one that stays. Both members are locked.

    `plan` was made under these locks and has no blockers.
    """
    with attributed_to(by):
        links = [_join(merge, row, kept, at) for row, kept in plan.same]
        links += [_open_again(merge, row, at) for row in plan.moving]
        MergedRegistration.objects.bulk_create(links)
        adjustments = [_move_adjustment(merge, row, by, at) for row in plan.adjustments]
        MergedAdjustment.objects.bulk_create(adjustments)
    _reconcile(links, adjustments, PointsCause.MERGED, by, at)
    for link in links:
        if link.state_after == RegistrationState.VALIDATED != link.state_before:
            notify_new_holder(registration=link.became, at=at)


def blockers_of_return(*, merge: AccountMerge) -> list[Blocker]:
    """What depends on the merge by now, so that the kit cannot go back by itself."""
    links = list(MergedRegistration.objects.filter(merge=merge).select_related("became__product"))
    keys = [link.became_id for link in links]
    changed = [link.became.product.name for link in links if link.became.state != link.state_after]
    about = Q(registration__in=keys)
    since = merge.decided_at
    table: list[tuple[bool, Blocker]] = [
        (bool(changed), _("Products have been changed since: %(names)s.") % {"names": ", ".join(sorted(set(changed)))}),
        (
            Claim.objects.filter(Q(claimant__in=keys) | Q(holder__in=keys), opened_at__gt=since).exists(),
            _("Another member has claimed a serial number since."),
        ),
        (
            StolenReport.objects.filter(about, reported_at__gt=since).exists(),
            _("A product was reported stolen since."),
        ),
        (SerialChange.objects.filter(about, at__gt=since).exists(), _("A product has another serial number since.")),
        (Evidence.objects.filter(about, added_at__gt=since).exists(), _("Evidence was added to a product since.")),
        (
            MergedAdjustment.objects.filter(merge=merge, became__ended_at__isnull=False).exists(),
            _("Points from our staff have ended since."),
        ),
    ]
    return [sentence for applies, sentence in table if applies]


def return_kit(*, merge: AccountMerge, by: User, at: datetime) -> None:
    """Close what the merge opened, and open again what it closed. Both members are locked, nothing depends on it."""
    links = list(MergedRegistration.objects.filter(merge=merge).select_related("registration", "became"))
    adjustments = list(MergedAdjustment.objects.filter(merge=merge).select_related("adjustment", "became"))
    with attributed_to(by):
        for link in links:
            _put_back(link, at)
        for pair in adjustments:
            Adjustment.objects.filter(pk=pair.became_id).update(ended_at=at, ended_by=by)
            Adjustment.objects.filter(pk=pair.adjustment_id).update(ended_at=None, ended_by=None)
    _reconcile(links, adjustments, PointsCause.UNMERGED, by, at)
    for link in links:
        for row in (link.registration, link.became):
            if row.state == RegistrationState.SUBMITTED:
                after_commit("kitbag.check_registration", row.pk)


# --- Steps --------------------------------------------------------------------------------------------


def _blockers(
    survivor: Member, ended: Member, rows: Sequence[Registration], waiting: Sequence[Registration]
) -> list[Blocker]:
    keys = [row.pk for row in rows]
    own = Q(claimant__member__in=[survivor.pk, ended.pk], holder__member__in=[survivor.pk, ended.pk])
    foreign = Claim.objects.open().filter(Q(claimant__in=keys) | Q(holder__in=keys)).exclude(own)
    live = Registration.objects.of(survivor).live().count() + len(rows)
    reports = StolenReport.objects.filter(member=ended, lifted_at=None)
    table: list[tuple[bool, Blocker]] = [
        (bool(waiting), _("Products of the account that ends wait for a check: decide them first.")),
        (foreign.exists(), _("Another member claims a product of the account that ends: decide the claim first.")),
        (reports.exists(), _("A product of the account that ends is reported stolen: lift the report first.")),
        (live > settings.KITBAG_LIMIT, _("One Kitbag cannot hold all products of both accounts.")),
    ]
    return [sentence for applies, sentence in table if applies]


def _begins_to_count(ended: Registration, kept: Registration) -> bool:
    """The product counts for the account that ends and only waits in the other one: one person owns it."""
    return ended.state == RegistrationState.VALIDATED and kept.state == RegistrationState.SUBMITTED


def _join(merge: AccountMerge, row: Registration, kept: Registration, at: datetime) -> MergedRegistration:
    before, counted = kept.state, _begins_to_count(row, kept)
    link = MergedRegistration(
        merge=merge, registration=row, became=kept, ended_state=row.state, state_before=before, state_after=before
    )
    _end(row, at)
    if counted:
        kept.state, kept.review_reason, kept.decided_at = RegistrationState.VALIDATED, "", at
        kept.save(update_fields=STATE_FIELDS)
        link.state_after = RegistrationState.VALIDATED
    return link


def _open_again(merge: AccountMerge, row: Registration, at: datetime) -> MergedRegistration:
    state = RegistrationState(row.state)
    _end(row, at)  # first: only one registration counts with a serial number (R31)
    details = {name: getattr(row, name) for name in COPIED}
    became = Registration.objects.create(member=merge.survivor, state=state, **details)
    move_details(registration=row, to=became)
    return MergedRegistration(merge=merge, registration=row, became=became, ended_state=state, state_after=state)


def _end(row: Registration, at: datetime) -> None:
    row.state, row.ended_at, row.review_reason = RegistrationState.TRANSFERRED, at, ""
    row.save(update_fields=STATE_FIELDS)
    handovers.revoke_open_codes(row=row, at=at)
    claims.close_claims(row=row, at=at)


def _put_back(link: MergedRegistration, at: datetime) -> None:
    """The one that counted instead first: only one registration counts with a serial number (R31)."""
    became, row = link.became, link.registration
    if not link.state_before:
        became.state, became.ended_at = RegistrationState.TRANSFERRED, at
        became.save(update_fields=STATE_FIELDS)
        handovers.revoke_open_codes(row=became, at=at)
        move_details(registration=became, to=row)
    elif link.state_before != became.state:
        became.state, became.decided_at = RegistrationState(link.state_before), None
        became.save(update_fields=STATE_FIELDS)
    row.state, row.ended_at = RegistrationState(link.ended_state), None
    row.save(update_fields=STATE_FIELDS)


def _move_adjustment(merge: AccountMerge, row: Adjustment, by: User, at: datetime) -> MergedAdjustment:
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    became = Adjustment.objects.create(
        member=merge.survivor, points=row.points, reason=row.reason, expires_on=row.expires_on, made_at=at, made_by=by
    )
    return MergedAdjustment(merge=merge, adjustment=row, became=became)


def _reconcile(
    links: Sequence[MergedRegistration],
    adjustments: Sequence[MergedAdjustment],
    cause: PointsCause,
    by: User,
    at: datetime,
) -> None:
    keys = [key for link in links for key in (link.registration_id, link.became_id)]
    reconcile(registrations=keys, cause=cause, about="", by=by, at=at)
    pairs = [key for pair in adjustments for key in (pair.adjustment_id, pair.became_id)]
    reconcile_adjustments(adjustments=pairs, cause=cause, by=by, at=at)
