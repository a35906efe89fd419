"""What staff asked for, carried signed from the form over the preview to the plan, so that nothing slips between."""

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
KEPT = timedelta(hours=12)
ANY_REASON = "?"
COLUMN_OF = {"": "product", "stage": "stage", "successor": "successor", "points": "points"}


class ChangedMeanwhile(Exception):
    """What would be planned is no longer what was looked at."""


@dataclass(frozen=True)
class Wish:
    """Plans, typed or from a file, perhaps instead of another one; or proposals to accept from a day on."""

    plans: Sequence[Plan]
    origin: str
    replaces: StageChange | None = None
    proposals: Sequence[CatalogueProposal] = ()
    seen: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_proposals(cls, proposals: Sequence[CatalogueProposal], on: date, seen: dict[str, Any] | None = None) -> Self:
        plans = [plan_from_proposal(row, on) for row in proposals if row.changes.keys() - {"registrable"}]
        return cls(plans, "proposals", proposals=proposals, seen={"on": on.isoformat(), **(seen or {})})

    def draft(self, by: User, at: datetime) -> tuple[list[StageChange], bool]:
        """What would be planned, and whether it needs a reason for the short notice. Raises PlansRefused."""
        rows = draft_changes(
            plans=self.plans,
            short_notice_reason=ANY_REASON,
            by=by,
            at=at,
            instead_of=self.replaces.pk if self.replaces else 0,
        )
        for row in rows:
            row.short_notice_reason = ""
            row.replaces = self.replaces
        earliest = earliest_day(at)
        return rows, any(row.falls and row.effective_on < earliest for row in rows)

    def carry_out(self, *, reason: str, by: User, at: datetime) -> list[StageChange]:
        """Plan it, all or nothing. Raises Refusal, or ChangedMeanwhile if it is not what was looked at."""
        with transaction.atomic():
            rows = self._plan(reason, by, at)
            if facts_of(rows) != self.seen["facts"]:
                raise ChangedMeanwhile
        return rows

    def _plan(self, reason: str, by: User, at: datetime) -> list[StageChange]:
        if self.replaces:
            (plan,) = self.plans
            return [replace_change(change=self.replaces, plan=plan, short_notice_reason=reason, by=by, at=at)]
        if not self.proposals:
            return plan_changes(plans=self.plans, short_notice_reason=reason, by=by, at=at)
        day = date.fromisoformat(self.seen["on"])
        changes = [
            accept_proposal(proposal=row, effective_on=day, short_notice_reason=reason, by=by, at=at)
            for row in self.proposals
        ]
        return [change for change in changes if change]

    def is_planned(self, by: User, at: datetime) -> bool:
        """Whether this person has just planned exactly this: the button was pressed twice."""
        lately = StageChange.objects.planned().filter(planned_by=by, planned_at__gt=at - KEPT)
        lately = lately.filter(product__in={plan.product.pk for plan in self.plans})
        planned = set(lately.values_list("product", "to_stage", "effective_on", "successor"))
        wanted = {
            (plan.product.pk, plan.stage.value, plan.effective_on, plan.successor.pk if plan.successor else None)
            for plan in self.plans
        }
        return wanted <= planned and (bool(wanted) or not self.proposals)

    # Carried in the page

    def sealed(self, rows: Sequence[StageChange], found: Preview, by: User) -> str:
        """For a hidden field: what is asked for, and what was seen of it."""
        seen = {"facts": facts_of(rows), "members": found.members, "levels": found.level_changes}
        content = {
            "by": by.pk,
            "origin": self.origin,
            "replaces": self.replaces.pk if self.replaces else 0,
            "proposals": [row.pk for row in self.proposals],
            "plans": [] if self.proposals else [_packed(plan) for plan in self.plans],
            "seen": {**self.seen, **seen},
        }
        return signing.dumps(content, salt=SALT, compress=True)

    @classmethod
    def opened(cls, text: str, by: User) -> Self | None:
        """None if it was not made here, for this person, today, or what it names is gone."""
        try:
            content = signing.loads(text, salt=SALT, max_age=KEPT)
        except signing.BadSignature:
            return None
        if content["by"] != by.pk:
            return None
        if content["proposals"]:
            rows = CatalogueProposal.objects.select_related("product").in_bulk(content["proposals"])
            proposals = [rows[key] for key in content["proposals"] if key in rows]
            return cls.of_proposals(proposals, date.fromisoformat(content["seen"]["on"]), content["seen"])
        packed = content["plans"]
        keys = {key for row in packed for key in (row[0], row[3]) if key}
        products = Product.objects.select_related("successor").in_bulk(keys)
        if keys - products.keys():
            return None
        replaces = StageChange.objects.filter(pk=content["replaces"]).select_related("product", "successor").first()
        return cls([_unpacked(row, products) for row in packed], content["origin"], replaces, seen=content["seen"])

    def differs(self, rows: Sequence[StageChange], found: Preview) -> bool:
        """Whether it would do something else than was seen: another plan, or over one member in a hundred more."""
        then = [self.seen["members"], self.seen["levels"]]
        now = [found.members, found.level_changes]
        moved = any(abs(new - old) * 100 > max(new, old) for new, old in zip(now, then, strict=True))
        return moved or facts_of(rows) != self.seen["facts"]


def _packed(plan: Plan) -> list[Any]:
    points = {stage.value: value for stage, value in plan.points.items()} if plan.points else None
    successor = plan.successor.pk if plan.successor else None
    return [plan.product.pk, plan.stage.value, plan.effective_on.isoformat(), successor, points]


def _unpacked(row: Sequence[Any], products: dict[int, Product]) -> Plan:
    product, stage, on, successor, points = row
    return Plan(
        products[product],
        Stage(stage),
        date.fromisoformat(on),
        products[successor] if successor else None,
        {Stage(key): value for key, value in points.items()} if points else None,
    )


def facts_of(rows: Sequence[StageChange]) -> str:
    """Changes whenever one of the rows would say anything else."""
    facts = [
        [
            row.product_id,
            row.to_stage,
            row.successor_id,
            row.effective_on.isoformat(),
            row.before,
            row.after,
            row.cause,
            row.points_current,
            row.points_superseded,
            row.points_unserviceable,
        ]
        for row in rows
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read_file(data: bytes, by: User) -> tuple[Wish, list[BadRow]]:
    """The wish of a CSV file, or everything that is wrong with it, by line. Raises UnreadableFile."""
    facts, bad = read_plans(data)
    slugs = {row.product for row in facts} | {row.successor for row in facts if row.successor}
    products = {row.slug: row for row in Product.objects.filter(slug__in=slugs).select_related("successor")}
    named: list[PlanRecord] = []
    for row in facts:
        unknown = next((column for column in ("product", "successor") if _is_unknown(row, column, products)), "")
        if unknown:
            bad.append(
                BadRow(row.line, unknown, _("There is no product “%(slug)s”.") % {"slug": getattr(row, unknown)})
            )
        else:
            named.append(row)
    plans = [
        Plan(
            products[row.product],
            row.stage,
            row.effective_on,
            products[row.successor] if row.successor else None,
            None if row.points is None else {row.stage: row.points},
        )
        for row in named
    ]
    wish = Wish(plans, "load")
    try:
        wish.draft(by, timezone.now())
    except PlansRefused as refused:
        for place, refusal in refused.rows.items():
            bad.append(BadRow(named[place].line, COLUMN_OF.get(refusal.field, refusal.field), str(refusal)))
    return wish, sorted(bad, key=lambda row: row.line)


def _is_unknown(row: PlanRecord, column: str, products: dict[str, Product]) -> bool:
    slug = getattr(row, column)
    return bool(slug) and slug not in products
