"""Plan, replace and cancel stage changes of products; decide proposals of catalogue loads (R20, R22)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.locks import lock_rules_exclusive
from kitbag.enums import ProposalState, Stage
from kitbag.models import POINTS_FIELDS, CatalogueProposal, Product, StageChange
from members.enums import ChangeState, PointsCause
from members.models import User

MAX_AHEAD = timedelta(days=5 * 366)  # a later date is a typing mistake
FIELDS = {"product", "stage", "successor", "effective_on", "points", "short_notice_reason"}


@dataclass(frozen=True)
class Plan:
    """A product's stage from a day on. `points` are its new points by stage, None if they stay as they are."""

    product: Product
    stage: Stage
    effective_on: date
    successor: Product | None = None
    points: Mapping[Stage, int] | None = None


class PlansRefused(Refusal):
    """Nothing was planned. `rows` has what is wrong with each bad plan, by its position in the sequence."""

    def __init__(self, rows: dict[int, Refusal]) -> None:
        first = rows[min(rows)]
        super().__init__(first.code, first.message, first.field)
        self.rows = rows


def earliest_day(at: datetime) -> date:
    """The first day on which points may fall: after the notice period and one day to notify everybody (R22)."""
    return timezone.localdate(at) + timedelta(days=settings.NOTICE_DAYS + 1)


def draft_changes(
    *, plans: Sequence[Plan], short_notice_reason: str = "", by: User | None = None, at: datetime, instead_of: int = 0
) -> list[StageChange]:
    """The unsaved rows that `plan_changes` would write, for a preview. Raises PlansRefused.

    `instead_of` is the key of a planned change that the plan would replace.
    """
    checker = _PlanChecker(at, instead_of)
    rows, refused = [], {}
    for place, plan in enumerate(plans):
        try:
            rows.append(checker.check(plan, short_notice_reason.strip(), by))
        except Refusal as refusal:
            refused[place] = refusal
    if refused:
        raise PlansRefused(refused)
    return rows


@transaction.atomic
def plan_changes(
    *, plans: Sequence[Plan], short_notice_reason: str = "", by: User | None, at: datetime
) -> list[StageChange]:
    """Plan all these changes or none. Holders are notified later by `notify_holders_step` (R22).

    Raises PlansRefused with what is wrong with each plan.
    """
    lock_rules_exclusive()  # waits for open validations, so that every later one sees the plan and notifies its member
    rows = draft_changes(plans=plans, short_notice_reason=short_notice_reason, by=by, at=at)
    return StageChange.objects.bulk_create(rows)


@transaction.atomic
def replace_change(
    *, change: StageChange, plan: Plan, short_notice_reason: str = "", by: User | None, at: datetime
) -> StageChange:
    """Cancel a planned change and plan another one instead; members who were notified are notified again (R22).

    Raises PlansRefused, or Refusal `state` if the change has taken effect or was cancelled.
    """
    old = _lock(change)
    lock_rules_exclusive()  # after the row, as in reconcile_step, because the opposite order would deadlock
    (row,) = draft_changes(plans=[plan], short_notice_reason=short_notice_reason, by=by, at=at, instead_of=old.pk)
    _cancel(old, by, at)
    row.replaces = old
    row.save()
    return row


@transaction.atomic
def cancel_change(*, change: StageChange, by: User | None, at: datetime) -> StageChange:
    """Cancel a planned change; members who were notified get a second message.

    Raises Refusal `state` if it has taken effect or was cancelled.
    """
    row = _lock(change)
    _cancel(row, by, at)
    return row


def _lock(change: StageChange) -> StageChange:
    row = StageChange.objects.select_for_update(of=("self",), no_key=True).select_related("product").get(pk=change.pk)
    if row.state == ChangeState.CANCELLED:
        raise Refusal("state", _("This plan has been cancelled in the meantime."))
    if row.state != ChangeState.PLANNED:
        raise Refusal("state", _("This change has taken effect. To reverse it, plan another change."))
    return row


def _cancel(row: StageChange, by: User | None, at: datetime) -> None:
    row.state = ChangeState.CANCELLED
    row.cancelled_at = at
    row.cursor = 0
    row.stepped_at = None
    with attributed_to(by):
        row.save(update_fields=["state", "cancelled_at", "cursor", "stepped_at"])


# --- Proposals of catalogue loads ---


def plan_from_proposal(proposal: CatalogueProposal, effective_on: date) -> Plan:
    """The plan that carries out a proposal from a day on."""
    product, changes = proposal.product, proposal.changes
    slug = changes["successor"][1] if "successor" in changes else None
    successor = Product.objects.filter(slug=slug).first() if slug else product.successor
    points = {stage: changes[name][1] for stage, name in POINTS_FIELDS.items() if name in changes}
    stage = Stage(changes["stage"][1] if "stage" in changes else product.stage)
    return Plan(product, stage, effective_on, successor, points or None)


@transaction.atomic
def accept_proposal(
    *, proposal: CatalogueProposal, effective_on: date, short_notice_reason: str = "", by: User, at: datetime
) -> StageChange | None:
    """Plan what a load proposed for a product that members hold (R22).

    Returns None if neither its points nor its stage change. Raises Refusal as `plan_changes`, or `state` if the
    proposal is closed.
    """
    row = _lock_proposal(proposal)
    if "registrable" in row.changes:  # applied at once: it affects new registrations only, nobody's points
        with attributed_to(by):
            Product.objects.filter(pk=row.product_id).update(registrable=row.changes["registrable"][1])
    change = None
    if row.changes.keys() - {"registrable"}:
        (change,) = plan_changes(
            plans=[plan_from_proposal(row, effective_on)], short_notice_reason=short_notice_reason, by=by, at=at
        )
    _close(row, ProposalState.PLANNED, by, at)
    return change


@transaction.atomic
def decline_proposal(*, proposal: CatalogueProposal, by: User, at: datetime) -> None:
    """Decline a proposal. The same proposal is not made again. Raises Refusal `state` if it is closed."""
    _close(_lock_proposal(proposal), ProposalState.DECLINED, by, at)


def _lock_proposal(proposal: CatalogueProposal) -> CatalogueProposal:
    row = CatalogueProposal.objects.select_for_update(of=("self",)).select_related("product").get(pk=proposal.pk)
    if row.state != ProposalState.OPEN:
        raise Refusal("state", _("This proposal has been closed in the meantime."))
    return row


def _close(row: CatalogueProposal, state: ProposalState, by: User, at: datetime) -> None:
    row.state, row.closed_at, row.closed_by = state, at, by
    row.save(update_fields=["state", "closed_at", "closed_by"])


@transaction.atomic
def plan_service_ends(*, at: datetime) -> list[StageChange]:
    """Plan the ends of service in the catalogue (R20): from 1 January after the last year of service.

    If that is too soon for the notice period, from the first possible day. Idempotent: a product for which such a
    change was ever planned, even if staff cancelled it, is left to staff.
    """
    today = timezone.localdate(at)
    horizon = today + timedelta(days=settings.SERVICE_END_HORIZON_DAYS)
    ending = (
        Product.objects.filter(service_end_year__lt=horizon.year)
        .exclude(stage=Stage.UNSERVICEABLE)
        .exclude(stage_changes__to_stage=Stage.UNSERVICEABLE)
        .select_related("successor")
        .order_by("pk")
    )
    plans = [
        Plan(product, Stage.UNSERVICEABLE, max(date((product.service_end_year or 0) + 1, 1, 1), earliest_day(at)))
        for product in ending
    ]
    try:
        return plan_changes(plans=plans, by=None, at=at) if plans else []
    except PlansRefused as refused:  # a plan that clashes with one by staff must not stop the others
        good = [plan for place, plan in enumerate(plans) if place not in refused.rows]
        return plan_changes(plans=good, by=None, at=at) if good else []


# --- Checks of plans ---


class _PlanChecker:
    """Checks plans against what is planned already and against each other."""

    def __init__(self, at: datetime, instead_of: int) -> None:
        self.at = at
        self.today = timezone.localdate(at)
        self.earliest = earliest_day(at)
        open_changes = StageChange.objects.open().exclude(pk=instead_of).select_related("product")
        self.changes: dict[int, list[StageChange]] = defaultdict(list)
        for change in open_changes:
            self.changes[change.product_id].append(change)
        self.successors: dict[int, int | None] = dict(
            Product.objects.filter(successor__isnull=False).values_list("pk", "successor")
        )
        for change in open_changes:
            if change.successor_id:
                self.successors[change.product_id] = change.successor_id
        self.seen: set[tuple[int, date]] = set()

    def check(self, plan: Plan, short_notice_reason: str, by: User | None) -> StageChange:
        self._check_day(plan)
        self._check_successor(plan)
        self._check_stage(plan)
        row = self._row(plan, short_notice_reason, by)
        self._check_points(plan, row)
        if row.falls and plan.effective_on < self.earliest and not short_notice_reason:
            raise Refusal(
                "notice",
                _("Members have %(days)s days’ notice: choose %(day)s or later, or give a reason for the short notice.")
                % {"days": settings.NOTICE_DAYS, "day": write_day(self.earliest)},
                "effective_on",
            )
        if plan.successor:
            self.successors[plan.product.pk] = plan.successor.pk
        return row

    def _check_day(self, plan: Plan) -> None:
        if plan.effective_on <= self.today:
            raise Refusal("past", _("This day is not in the future. Choose a later one."), "effective_on")
        if plan.effective_on > self.today + MAX_AHEAD:
            raise Refusal("far", _("This day is too far away. Check the year."), "effective_on")
        days = {change.effective_on for change in self.changes[plan.product.pk]}
        if plan.effective_on in days or (plan.product.pk, plan.effective_on) in self.seen:
            raise Refusal("twice", _("A change of this product is already planned for that day."), "effective_on")
        self.seen.add((plan.product.pk, plan.effective_on))

    def _check_successor(self, plan: Plan) -> None:
        if plan.successor is None:
            if plan.stage == Stage.SUPERSEDED and plan.product.stage == Stage.CURRENT:
                raise Refusal("successor", _("Name the product that succeeds it."), "successor")
            return
        if plan.stage == Stage.CURRENT:
            raise Refusal("successor", _("A current product has no successor. Leave this empty."), "successor")
        passed: set[int] = set()
        following: int | None = plan.successor.pk
        while following and following not in passed and following != plan.product.pk:
            passed.add(following)
            following = self.successors.get(following)
        if following == plan.product.pk:
            raise Refusal(
                "loop",
                _("%(successor)s is itself succeeded by this product. Name another one.")
                % {"successor": plan.successor.name},
                "successor",
            )

    def _check_stage(self, plan: Plan) -> None:
        before, after = self._neighbours(plan)
        if plan.points is None and before == plan.stage:
            raise Refusal("same_stage", _("The product will already be at this stage by then."), "stage")
        if after is not None and after.to_stage == plan.stage and before != plan.stage:
            raise Refusal(
                "same_stage",
                _("The same change is planned for %(day)s. Edit that plan instead.")
                % {"day": write_day(after.effective_on)},
                "stage",
            )

    def _neighbours(self, plan: Plan) -> tuple[str, StageChange | None]:
        """The product's stage just before that day, and the next planned change after it."""
        stage: str = plan.product.stage
        for change in self.changes[plan.product.pk]:
            if change.effective_on > plan.effective_on:
                return stage, change
            stage = change.to_stage
        return stage, None

    def _values(self, plan: Plan) -> dict[Stage, int]:
        """The product's points at each stage just before that day."""
        values = {stage: plan.product.points_of(stage) for stage in Stage}
        for change in self.changes[plan.product.pk]:
            if change.effective_on < plan.effective_on:
                for stage, name in POINTS_FIELDS.items():
                    own = getattr(change, name)
                    values[stage] = values[stage] if own is None else own
        return values

    def _row(self, plan: Plan, short_notice_reason: str, by: User | None) -> StageChange:
        stage_before, _after = self._neighbours(plan)
        before = self._values(plan)
        after = {**before, **(plan.points or {})}
        return StageChange(
            product=plan.product,
            to_stage=plan.stage,
            successor=plan.successor,
            before=before[Stage(stage_before)],
            after=after[plan.stage],
            cause=_cause(Stage(stage_before), plan.stage),
            effective_on=plan.effective_on,
            short_notice_reason=short_notice_reason,
            planned_at=self.at,
            planned_by=by,
            **{POINTS_FIELDS[stage]: points for stage, points in (plan.points or {}).items()},
        )

    def _check_points(self, plan: Plan, row: StageChange) -> None:
        """Points fall from stage to stage but never to 0 (R20), and never without a change of stage (R21)."""
        values = {**self._values(plan), **(plan.points or {})}
        ladder = [values[stage] for stage in Stage]
        if any(ladder) and not all(ladder):
            raise Refusal("nothing", _("Points never fall to 0. Enter a higher number."), "points")
        if ladder != sorted(ladder, reverse=True):
            raise Refusal(
                "rise",
                _("Points may only fall from stage to stage, but these are: %(ladder)s.")
                % {"ladder": " → ".join(str(points) for points in ladder)},
                "points",
            )
        if row.cause == PointsCause.REVALUED and row.falls:
            raise Refusal(
                "falls",
                _("Points can’t fall without a change of stage: members were promised %(points)s.")
                % {"points": row.before},
                "points",
            )


def _cause(before: Stage, after: Stage) -> PointsCause:
    if after == before:
        return PointsCause.REVALUED
    if after.rank < before.rank:
        return PointsCause.RESTORED
    return PointsCause.SUPERSEDED if after == Stage.SUPERSEDED else PointsCause.UNSERVICEABLE
