"""`manage.py migrate` makes nobody wait long behind a lock, and tries again."""

import io
import threading
import time

import psycopg2
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from cps_portal.core.lib import time_limits
from cps_portal.site.management.commands import migrate

TABLE = "django_migrations"


def lock_table(seconds: float) -> threading.Thread:
    """Hold the table of migrations in a transaction of another connection for so long."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    held = threading.Event()

    def hold() -> None:
        other = psycopg2.connect(**parameters)
        with other.cursor() as cursor:
            cursor.execute(f"lock table {TABLE} in access exclusive mode")
            held.set()
            time.sleep(seconds)
        other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    return thread


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = time_limits.Limits(statement=0, lock=100, idle_in_transaction=0, transaction=0)
    monkeypatch.setitem(time_limits.LIMITS, "command", limits)
    monkeypatch.setattr(migrate, "MAX_PAUSE_SECONDS", 0.1)


def test_a_locked_table_is_tried_again_until_it_is_free(transactional_db: None, short_waits: None) -> None:
    holder, output = lock_table(0.5), io.StringIO()
    before = connection.settings_dict["OPTIONS"]["options"]
    call_command("migrate", "limits", verbosity=0, stderr=output)
    holder.join()
    assert "A table is in use. Trying again" in output.getvalue()
    assert MigrationRecorder(connection).applied_migrations()
    assert connection.settings_dict["OPTIONS"]["options"] == before


def test_a_table_that_stays_locked_ends_the_migration_without_a_long_wait(
    transactional_db: None, short_waits: None
) -> None:
    holder, began = lock_table(1), time.monotonic()
    with pytest.raises(OperationalError, match="lock timeout"):
        call_command("migrate", "limits", verbosity=0, tries=2, stderr=io.StringIO())
    assert time.monotonic() - began < 0.9
    holder.join()
