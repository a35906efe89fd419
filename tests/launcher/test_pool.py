"""The portal works through PgBouncer in transaction mode (DATABASE_POOLED)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from cps_portal.dev.embedded.urls import ROOT
from tests.launcher.pool import running_pool

pytestmark = [pytest.mark.launcher]
POOL_SIZE = 4
# What would notice state of a session that is lost or shared: outbox, idempotency, the download, locks, history.
SUITES = ["tests/api/test_idempotency.py", "tests/accounts/test_my_data.py", "tests/outbox/test_collected.py"]
SUITES += [
    "tests/concurrency/test_submissions.py",
    "tests/partners/test_history.py",
    "-k",
    "not three_presses and not every_model",
]
CURSORS = """
import threading
import django; django.setup()
from django.db import connection
from django.contrib.contenttypes.models import ContentType
failed = []
def read():
    try:
        for _again in range(10):
            assert len(list(ContentType.objects.iterator(chunk_size=5))) > 20
    except Exception as error:
        failed.append(error)
    finally:
        connection.close()
threads = [threading.Thread(target=read) for _number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with connection.cursor() as cursor:
    cursor.execute("select current_setting('pg_trgm.word_similarity_threshold'), current_setting('lock_timeout'),"
        " current_setting('statement_timeout')")
    print(len(failed), *cursor.fetchone())
"""


@contextmanager
def own_database() -> Iterator[str]:
    """A copy of the migrated database, under the name that pytest gives to that of the address. Yields the address."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"pool_{os.getpid()}"
    administration = psycopg2.connect(url._replace(path="/postgres").geturl())
    administration.autocommit = True
    database = sql.Identifier(f"test_{name}")
    with administration.cursor() as cursor:
        template = sql.Identifier(os.environ["TEST_TEMPLATE"])
        cursor.execute(sql.SQL("create database {} template {}").format(database, template))
        try:
            yield f"/{name}"
        finally:
            cursor.execute(sql.SQL("drop database {} with (force)").format(database))
            administration.close()


def run(*command: str, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    return done.stdout


def test_settings_cursors_locks_and_limits_hold_through_a_pool() -> None:
    with own_database() as path, running_pool(size=POOL_SIZE) as pooled:
        direct = urlsplit(os.environ["DATABASE_URL"])._replace(path=path).geturl()
        environment = {
            "DJANGO_SETTINGS_MODULE": "cps_portal.settings.test",
            "DATABASE_POOLED": "true",
            "DATABASE_URL": urlsplit(pooled)._replace(path=path).geturl(),
            "DATABASE_DIRECT_URL": direct,
        }
        of_tests = {name: url.replace(path, f"/test_{path[1:]}") for name, url in environment.items()}
        role = urlsplit(direct).username
        assert run("manage.py", "prepare_database", "--role", f"{role}=worker", **of_tests) == (
            f"{role}: settings for worker\n"
        )
        assert run("-c", CURSORS, **of_tests).split() == ["0", "0.5", "10s", "1min"]
        report = run("-m", "pytest", "-q", "-n", "0", "--reuse-db", "-m", "not browser", *SUITES, **environment)
        assert " passed" in report
