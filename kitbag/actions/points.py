"""The ledger: settle what registrations count against what the rules say (R11, R18, R20, R21)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.utils.functional import Promise

from cps_portal.lib.locks import change_rules, hold_rules
from kitbag.enums import PointsCause, RegistrationState, Stage
from kitbag.models import Product, Registration
from members import actions as members
from members.models import LevelChange, Member, User

# A separate statement from the locks on purpose: one that locks and sums reads the ledger as it was
# before it waited, and writes wrong points.
SETTLE_SQL = """
with target as (
    select r.id, r.member_id, p.stage,
        case when r.state = 'validated' then
            case p.stage when 'current' then p.points_current
                         when 'superseded' then p.points_superseded
                         else p.points_unserviceable end
        else 0 end as points
    from kitbag_registration r join kitbag_product p on p.id = r.product_id
    where r.id = any(%(registrations)s)
), counted as (
    select registration_id, sum(amount) as points from kitbag_pointsentry
    where registration_id = any(%(registrations)s) group by registration_id
), written as (
    insert into kitbag_pointsentry (member_id, registration_id, amount, cause, stage, at, by_id)
    select t.member_id, t.id, t.points - coalesce(c.points, 0), %(cause)s, t.stage, %(at)s, %(by)s
    from target t left join counted c on c.registration_id = t.id
    where t.points <> coalesce(c.points, 0)
    order by t.member_id, t.id
    returning member_id, amount
)
select member_id, sum(amount)::int from written group by member_id order by member_id
"""


@dataclass(frozen=True)
class Settled:
    """What a settle wrote: points by member key, and the levels that moved."""

    deltas: dict[int, int] = field(default_factory=dict)
    level_changes: list[LevelChange] = field(default_factory=list)


def settle(
    *, registrations: Sequence[int], cause: PointsCause, because: str | Promise, by: User | None, at: datetime
) -> Settled:
    """Make the ledger say what the rules say for these registrations, and points and levels follow.

    Writes the difference between what each registration should count and what its entries sum to, so that
    calling it again writes nothing. `because` is the sentence for the mail to members whose level moves.
    One registration and ten thousand are the same four statements. Needs an open transaction, READ COMMITTED.
    """
    keys = list(registrations)
    holders = Registration.objects.filter(pk__in=keys).values("member_id")
    list(Member.objects.filter(pk__in=holders).locked().values_list("pk"))
    hold_rules()
    with connection.cursor() as cursor:
        cursor.execute(SETTLE_SQL, {"registrations": keys, "cause": cause, "at": at, "by": by.pk if by else None})
        deltas = dict(cursor.fetchall())
    if not deltas:
        return Settled()
    changes = members.settle_level(deltas=deltas, cause=cause, because=because, at=at)
    return Settled(deltas, changes)


@transaction.atomic(durable=True)
def change_stage(*, product: Product, stage: Stage, successor: Product | None = None) -> PointsCause | None:
    """Move the product to a stage (R20) under the exclusive rules lock, in a short transaction of its own.

    Returns the cause under which its holders are to be settled afterwards, None if nothing changed.
    """
    change_rules()
    locked = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
    if locked.stage == stage:
        return None
    locked.stage = stage
    locked.successor = successor or locked.successor
    locked.save(update_fields=["stage", "successor"])
    return {
        Stage.CURRENT: PointsCause.RESTORED,
        Stage.SUPERSEDED: PointsCause.SUPERSEDED,
        Stage.UNSERVICEABLE: PointsCause.UNSERVICEABLE,
    }[stage]


@transaction.atomic
def settle_holders(
    *, product: int, after: int, limit: int, cause: PointsCause, because: str | Promise, at: datetime
) -> int | None:
    """Settle the next `limit` counted registrations of a product, in order of member and key (R22).

    `after` is the last registration key of the batch before, 0 at first. Returns the last key, None at the end.
    """
    keys = list(
        Registration.objects.filter(product=product, state=RegistrationState.VALIDATED, pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    if not keys:
        return None
    settle(registrations=keys, cause=cause, because=because, by=None, at=at)
    return keys[-1]
