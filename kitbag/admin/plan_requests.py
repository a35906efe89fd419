"""What staff want to plan. It travels signed in the pages from the form over the preview to the plan."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kitbag.actions.planning import (
    Plan,
    PlansRefused,
    accept_proposal,
    draft_changes,
    earliest_day,
    plan_changes,
    plan_from_proposal,
    replace_change,
)
from kitbag.catalogue.plans_reader import PlanRecord, read_plans
from kitbag.catalogue.reader import BadRow
from kitbag.enums import Stage
from kitbag.models import CatalogueProposal, Product, StageChange
from kitbag.queries.preview import Preview
from members.models import User

SALT = "kitbag.plans"
MAX_AGE = timedelta(hours=12)
PLACEHOLDER_REASON = "?"
COLUMN_OF_FIELD = {"": "product", "stage": "stage", "successor": "successor", "points": "points"}


class ChangedMeanwhile(Exception):
    """What would be planned is no longer what the preview showed."""


@dataclass(frozen=True)
class PlanRequest:
    """Plans from a form or a file, perhaps to replace a change; or proposals to accept for a day."""

    plans: Sequence[Plan]
    origin: str
    replaces: StageChange | None = None
    proposals: Sequence[CatalogueProposal] = ()
    seen: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_proposals(cls, proposals: Sequence[CatalogueProposal], on: date, seen: dict[str, Any] | None = None) -> Self:
        affecting = [proposal for proposal in proposals if proposal.changes.keys() - {"registrable"}]
        plans = [plan_from_proposal(proposal, on) for proposal in affecting]
        return cls(plans, "proposals", proposals=proposals, seen={"on": on.isoformat(), **(seen or {})})

    def draft(self, by: User, at: datetime) -> tuple[list[StageChange], bool]:
        """What would be planned, and whether it needs a reason for the short notice. Raises PlansRefused."""
        changes = draft_changes(
            plans=self.plans,
            short_notice_reason=PLACEHOLDER_REASON,
            by=by,
            at=at,
            instead_of=self.replaces.pk if self.replaces else 0,
        )
        for change in changes:
            change.short_notice_reason = ""
            change.replaces = self.replaces
        earliest = earliest_day(at)
        return changes, any(change.falls and change.effective_on < earliest for change in changes)

    def carry_out(self, *, reason: str, by: User, at: datetime) -> list[StageChange]:
        """Plan all or nothing. Raises Refusal, or ChangedMeanwhile if it is not what the preview showed."""
        with transaction.atomic():
            changes = self._plan(reason, by, at)
            if fingerprint(changes) != self.seen["fingerprint"]:
                raise ChangedMeanwhile
        return changes

    def _plan(self, reason: str, by: User, at: datetime) -> list[StageChange]:
        if self.replaces:
            (plan,) = self.plans
            return [replace_change(change=self.replaces, plan=plan, short_notice_reason=reason, by=by, at=at)]
        if not self.proposals:
            return plan_changes(plans=self.plans, short_notice_reason=reason, by=by, at=at)
        day = date.fromisoformat(self.seen["on"])
        changes = [
            accept_proposal(proposal=proposal, effective_on=day, short_notice_reason=reason, by=by, at=at)
            for proposal in self.proposals
        ]
        return [change for change in changes if change]

    def is_planned(self, by: User, at: datetime) -> bool:
        """Whether this person has just planned the same, because they pressed the button twice."""
        recent = StageChange.objects.planned().filter(planned_by=by, planned_at__gt=at - MAX_AGE)
        recent = recent.filter(product__in={plan.product.pk for plan in self.plans})
        planned = set(recent.values_list("product", "to_stage", "effective_on", "successor"))
        requested = {
            (plan.product.pk, plan.stage.value, plan.effective_on, plan.successor.pk if plan.successor else None)
            for plan in self.plans
        }
        return requested <= planned and (bool(requested) or not self.proposals)

    # Carried in the page

    def sign(self, changes: Sequence[StageChange], effects: Preview, by: User) -> str:
        """The value of a hidden field: the request, and what the preview showed of it."""
        seen = {"fingerprint": fingerprint(changes), "members": effects.members, "levels": effects.level_changes}
        content = {
            "by": by.pk,
            "origin": self.origin,
            "replaces": self.replaces.pk if self.replaces else 0,
            "proposals": [proposal.pk for proposal in self.proposals],
            "plans": [] if self.proposals else [_pack(plan) for plan in self.plans],
            "seen": {**self.seen, **seen},
        }
        return signing.dumps(content, salt=SALT, compress=True)

    @classmethod
    def from_signed(cls, text: str, by: User) -> Self | None:
        """None if the signature is wrong or too old, it was made for another person, or a product is gone."""
        try:
            content = signing.loads(text, salt=SALT, max_age=MAX_AGE)
        except signing.BadSignature:
            return None
        if content["by"] != by.pk:
            return None
        if content["proposals"]:
            by_key = CatalogueProposal.objects.select_related("product").in_bulk(content["proposals"])
            proposals = [by_key[key] for key in content["proposals"] if key in by_key]
            return cls.of_proposals(proposals, date.fromisoformat(content["seen"]["on"]), content["seen"])
        packed = content["plans"]
        keys = {key for plan in packed for key in (plan[0], plan[3]) if key}
        products = Product.objects.select_related("successor").in_bulk(keys)
        if keys - products.keys():
            return None
        replaces = StageChange.objects.filter(pk=content["replaces"]).select_related("product", "successor").first()
        return cls([_unpack(plan, products) for plan in packed], content["origin"], replaces, seen=content["seen"])

    def differs(self, changes: Sequence[StageChange], effects: Preview) -> bool:
        """Whether it would do something else than was shown: other changes, or over 1 % more or fewer members."""
        then = [self.seen["members"], self.seen["levels"]]
        now = [effects.members, effects.level_changes]
        moved = any(abs(new - old) * 100 > max(new, old) for new, old in zip(now, then, strict=True))
        return moved or fingerprint(changes) != self.seen["fingerprint"]


def _pack(plan: Plan) -> list[Any]:
    points = {stage.value: value for stage, value in plan.points.items()} if plan.points else None
    successor = plan.successor.pk if plan.successor else None
    return [plan.product.pk, plan.stage.value, plan.effective_on.isoformat(), successor, points]


def _unpack(packed: Sequence[Any], products: dict[int, Product]) -> Plan:
    product, stage, on, successor, points = packed
    return Plan(
        products[product],
        Stage(stage),
        date.fromisoformat(on),
        products[successor] if successor else None,
        {Stage(key): value for key, value in points.items()} if points else None,
    )


def fingerprint(changes: Sequence[StageChange]) -> str:
    """A hash that changes whenever one of the changes would be different."""
    values = [
        [
            change.product_id,
            change.to_stage,
            change.successor_id,
            change.effective_on.isoformat(),
            change.before,
            change.after,
            change.cause,
            change.points_current,
            change.points_superseded,
            change.points_unserviceable,
        ]
        for change in changes
    ]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def read_file(data: bytes, by: User) -> tuple[PlanRequest, list[BadRow]]:
    """The request of a CSV file, and everything that is wrong with it, by line. Raises UnreadableFile."""
    records, bad = read_plans(data)
    slugs = {record.product for record in records} | {record.successor for record in records if record.successor}
    products = {product.slug: product for product in Product.objects.filter(slug__in=slugs).select_related("successor")}
    named: list[PlanRecord] = []
    for record in records:
        unknown = next((column for column in ("product", "successor") if _is_unknown(record, column, products)), "")
        if unknown:
            bad.append(
                BadRow(record.line, unknown, _("There is no product “%(slug)s”.") % {"slug": getattr(record, unknown)})
            )
        else:
            named.append(record)
    plans = [
        Plan(
            products[record.product],
            record.stage,
            record.effective_on,
            products[record.successor] if record.successor else None,
            None if record.points is None else {record.stage: record.points},
        )
        for record in named
    ]
    plan_request = PlanRequest(plans, "load")
    try:
        plan_request.draft(by, timezone.now())
    except PlansRefused as refused:
        for index, refusal in refused.rows.items():
            bad.append(BadRow(named[index].line, COLUMN_OF_FIELD.get(refusal.field, refusal.field), str(refusal)))
    return plan_request, sorted(bad, key=lambda problem: problem.line)


def _is_unknown(record: PlanRecord, column: str, products: dict[str, Product]) -> bool:
    slug = getattr(record, column)
    return bool(slug) and slug not in products
