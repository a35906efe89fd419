"""The lock between settling points and changing what they are settled by."""

from django.db import connection, transaction

RULES_LOCK_ID = 0x43505352  # any constant; advisory locks of this database share one key space
LOCK_RULES_SHARED_SQL = f"select pg_advisory_xact_lock_shared({RULES_KEY});"  # before a statement, saves a round trip


def lock_rules_shared() -> None:
    """Keep the rules (stages, points of products, thresholds) as they are until the transaction ends.

    Taken after the member locks. Without it a change of stage misses a holder whose validation is still
    open: it sees neither the row nor waits for it.
    """
    _lock("pg_advisory_xact_lock_shared")


def lock_rules_exclusive() -> None:
    """Wait for everyone who settles under the old rules, and keep others out until the transaction ends.

    A transaction that holds this takes no member lock; the holders are settled in later transactions.
    """
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    require_transaction("the rules lock")
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s)", [RULES_LOCK_ID])


def require_transaction(what: str) -> None:
    """Raise TransactionManagementError outside a transaction: a lock would be gone before it was of use."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"{what} needs an open transaction")
