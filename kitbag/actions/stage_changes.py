"""Apply planned changes: first the product, then its holders in batches that can be repeated after a crash (R22)."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.lib.locks import lock_rules_exclusive
from kitbag.actions.ledger import reconcile_holders
from kitbag.enums import RegistrationState, Stage
from kitbag.models import POINTS_FIELDS, Product, Registration, StageChange
from members.enums import ChangeState, PointsCause

STALLED_AFTER = timedelta(minutes=1)  # a run without progress for so long has lost its worker or its task


def begin_due(*, at: datetime) -> list[int]:
    """Begin every change whose day has come and that was announced in time.

    Returns the keys of all changes with holders to reconcile: those that began now, and those that stalled.
    """
    for change in StageChange.objects.due(timezone.localdate(at)):
        if change.told_in_time:
            begin_change(change=change, at=at)
    stalled = StageChange.objects.filter(state=ChangeState.RUNNING).exclude(stepped_at__gt=at - STALLED_AFTER)
    return list(stalled.order_by("effective_on", "pk").values_list("pk", flat=True))


@transaction.atomic(durable=True)
def begin_change(*, change: StageChange, at: datetime) -> bool:
    """Change the product, in a short transaction of its own that locks no member.

    Its holders are reconciled by `reconcile_step` afterwards. Returns False if it was begun or cancelled meanwhile.
    """
    planned = StageChange.objects.planned().select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = planned.filter(pk=change.pk).first()
    if row is None or not row.told_in_time:
        return False
    lock_rules_exclusive()  # after the row, as in reconcile_step, because the opposite order would deadlock
    product = Product.objects.select_for_update(of=("self",)).get(pk=row.product_id)
    product.stage = Stage(row.to_stage)
    product.successor_id = None if row.to_stage == Stage.CURRENT else row.successor_id or product.successor_id
    for name in POINTS_FIELDS.values():
        points = getattr(row, name)
        setattr(product, name, getattr(product, name) if points is None else points)
    product.save(update_fields=["stage", "successor", *POINTS_FIELDS.values()])
    row.state, row.flipped_at = ChangeState.RUNNING, at
    row.cursor, row.stepped_at = 0, None
    row.holders = Registration.objects.filter(product=product, state=RegistrationState.VALIDATED).count()
    row.save(update_fields=["state", "flipped_at", "cursor", "stepped_at", "holders"])
    return True


# Written by hand, as what a batch does in `ledger`: making these two with the ORM took a tenth of the time of a batch.
LOCK_RUNNING_SQL = """
select c.product_id, p.name, c.cursor, c.cause
from kitbag_stagechange c join kitbag_product p on p.id = c.product_id
where c.id = %(change)s and c.state = 'running' for no key update of c skip locked
"""
RECORD_STEP_SQL = """
update kitbag_stagechange set cursor = %(cursor)s, stepped_at = %(at)s, settled = settled + (
    select count(*) from kitbag_registration
    where product_id = %(product)s and state = 'validated' and member_id > %(after)s and member_id <= %(cursor)s
) where id = %(change)s
"""
RECORD_END_SQL = "update kitbag_stagechange set state = 'done', finished_at = %(at)s where id = %(change)s"


@transaction.atomic
def reconcile_step(*, change: int, limit: int, at: datetime) -> bool:
    """Reconcile the next `limit` holders of a running change, in the order of member keys.

    Returns whether there is more to do; False, too, while another worker holds the lock on this change.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_RUNNING_SQL, {"change": change})
        row = cursor.fetchone()
        if row is None:
            return False
        product, name, after, cause = row
        done = reconcile_holders(
            product=product,
            after=after,
            limit=limit,
            cause=PointsCause(cause),
            about=name,
            at=at,
            stage_change=change,
        )
        if done:
            facts = {"change": change, "product": product, "after": after, "cursor": done[-1], "at": at}
            cursor.execute(RECORD_STEP_SQL, facts)
        more = len(done) == limit  # members who become holders after this are reconciled when they are validated
        if not more:
            cursor.execute(RECORD_END_SQL, {"change": change, "at": at})
    return more
