"""`manage.py migrate` makes nobody wait long behind a lock, and tries again."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from cps_portal.core.lib import time_limits
from cps_portal.site.management.commands import migrate

TABLE = "django_migrations"


@contextmanager
def table_locked() -> Iterator[threading.Event]:
    """Another connection holds the table of migrations until the event is set, or the block ends."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        other = psycopg2.connect(**parameters)
        with other.cursor() as cursor:
            cursor.execute(f"lock table {TABLE} in access exclusive mode")
            held.set()
            release.wait(60)
        other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    try:
        yield release
    finally:
        release.set()
        thread.join()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = time_limits.Limits(statement=0, lock=100, idle_in_transaction=0, transaction=0)
    monkeypatch.setitem(time_limits.LIMITS, "command", limits)
    monkeypatch.setattr(migrate, "MAX_PAUSE_SECONDS", 0.1)


def test_a_locked_table_is_tried_again_until_it_is_free(
    transactional_db: None, short_waits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, output = connection.settings_dict["OPTIONS"]["options"], io.StringIO()
    with table_locked() as release:
        monkeypatch.setattr(migrate.time, "sleep", lambda _seconds: release.set())  # the pause after the first try
        call_command("migrate", "limits", verbosity=0, stderr=output)
    assert output.getvalue().startswith("A table is in use. Trying again in")
    assert MigrationRecorder(connection).applied_migrations()
    assert connection.settings_dict["OPTIONS"]["options"] == before


def test_a_table_that_stays_locked_ends_the_migration(transactional_db: None, short_waits: None) -> None:
    output = io.StringIO()
    with table_locked() as release:
        with pytest.raises(OperationalError, match="lock timeout"):
            call_command("migrate", "limits", verbosity=0, tries=3, stderr=output)
        assert not release.is_set(), "it did not wait for the other one to finish"
    assert output.getvalue().count("Trying again") == 2
