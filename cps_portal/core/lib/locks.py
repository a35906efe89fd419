"""Advisory locks: between reconciling ledgers and changing their rules, of changes of serial numbers, and of sales."""

from collections.abc import Iterable
from hashlib import blake2b

from django.db import connection, transaction

RULES_LOCK_ID = 0x43505352  # arbitrary, but unique: all advisory locks of a database share one number space
SERIALS_LOCK_ID = 0x53455231  # the first of two keys: those are a number space of their own
SALES_LOCK_ID = 0x53414C45  # the same
LOCK_RULES_SHARED_SQL = (
    f"select pg_advisory_xact_lock_shared({RULES_LOCK_ID});"  # put before a statement, it saves a round trip
)


def lock_rules_shared() -> None:
    """Keep stages, points of products and thresholds unchanged until the transaction ends.

    Take it after the locks of members. Without it a stage change would miss a holder whose validation has not been
    committed yet: the change can neither see that row nor wait for it.
    """
    _lock("pg_advisory_xact_lock_shared")


def lock_rules_exclusive() -> None:
    """Wait for all who reconcile by the old rules, and keep others out until the transaction ends.

    The transaction must not lock members: that order would deadlock. Reconcile the holders in later transactions.
    """
    _lock("pg_advisory_xact_lock")


def lock_serials(product: int) -> None:
    """Keep others from changing serial numbers of this product until the transaction ends (R64)."""
    require_transaction("the lock of serial numbers")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [SERIALS_LOCK_ID, product])


def lock_sales(names: Iterable[str]) -> None:
    """Keep others from confirming sales with any of these names until the transaction ends (R55).

    In one order: of two transactions with the same names one waits for the other, instead of each for the other.
    """
    require_transaction("the lock of sales")
    keys = {int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), signed=True) for name in names}
    with connection.cursor() as cursor:
        sql = "select pg_advisory_xact_lock(%s, key) from unnest(%s::int[]) as key"
        cursor.execute(sql, [SALES_LOCK_ID, sorted(keys)])


def _lock(function: str) -> None:
    require_transaction("the rules lock")
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s)", [RULES_LOCK_ID])


def require_transaction(what: str) -> None:
    """Raise TransactionManagementError outside a transaction, where a lock would be released at once."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"{what} needs an open transaction")
