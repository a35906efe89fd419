"""The embedded servers lose nothing that was committed or queued when processes are killed."""

import os
import signal
import stat
import subprocess
import sys
import tempfile

import psycopg2
import pytest
import redis

from cps_portal.dev.embedded import accounts, postgres, servers, valkey
from cps_portal.dev.embedded.bootstrap import ROOT
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.folder import remove

LAUNCH_AND_WAIT = """
import sys, time
from pathlib import Path
from cps_portal.dev.embedded import servers
with servers.running(Path(sys.argv[1]), durable=True) as (_, urls):
    print(urls["DATABASE_URL"], urls["REDIS_URL"], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def no_servers_named(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def fetch(url, statement):
    link = psycopg2.connect(url)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    link.close()
    return rows


@pytest.mark.launcher
def test_a_committed_row_and_a_queued_item_survive_every_kind_of_kill(tmp_path, no_servers_named):
    """Kill the launcher, then both servers while the launcher runs. Each time the next start has all data."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCH_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    database, broker = launcher.stdout.readline().split()
    fetch(database, "CREATE TABLE kept AS SELECT 1 AS number; SELECT number FROM kept")
    with redis.Redis.from_url(broker) as client:
        client.rpush("celery", "queued")
    launcher.kill()
    launcher.communicate()

    with servers.running(tmp_path, durable=True) as (started, urls):
        assert fetch(urls["DATABASE_URL"], "INSERT INTO kept VALUES (2) RETURNING number") == [(2,)]
        with redis.Redis.from_url(urls["REDIS_URL"]) as client:
            client.rpush("celery", "queued later")
        for service in started:
            os.kill(service.process.pid, signal.SIGKILL)
            service.process.wait()

    with servers.running(tmp_path, durable=True) as (_, urls):
        assert fetch(urls["DATABASE_URL"], "SELECT number FROM kept ORDER BY number") == [(1,), (2,)]
        with redis.Redis.from_url(urls["REDIS_URL"]) as client:
            assert client.lrange("celery", 0, -1) == [b"queued", b"queued later"]
        home = (tmp_path / "postgres").resolve()
        assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    remove(tmp_path)


def test_data_of_another_postgres_version_or_without_its_password_are_refused(tmp_path):
    home = postgres.make_data_folder(tmp_path / "postgres", accounts.unprivileged_account())
    (home / "data").mkdir()
    (home / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStart, match="made by PostgreSQL 15, and this is PostgreSQL 18"):
        postgres.start(tmp_path, durable=True)
    (home / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(CannotStart, match="password is missing"):
        postgres.start(tmp_path, durable=True)
    (home / "password").write_text("known")
    with pytest.raises(CannotStart, match=r"PostgreSQL did not start: .* could not access .*postgres.log"):
        postgres.start(tmp_path, durable=True)
    remove(tmp_path)


def test_a_broker_that_cannot_start_gives_the_reason_and_its_log(tmp_path):
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "appendonlydir").write_text("not a folder")
    with pytest.raises(CannotStart, match=r"Valkey did not start: .* Not a directory .*valkey.log"):
        valkey.start(tmp_path, durable=True)


def test_temporary_servers_support_unicode_and_leave_no_files(no_servers_named, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    abandoned = tmp_path / f"{servers.PREFIX}abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    with servers.temporary_servers():
        url = os.environ["DATABASE_URL"]
        assert not abandoned.exists()
        assert fetch(url, "SELECT lower('É'), 'ÅKE' ILIKE 'åke'") == [("é", True)]
        assert fetch(url, "SHOW listen_addresses") == [("127.0.0.1",)]
        wrong = url.replace(url.split(":")[2].split("@")[0], "guess")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(wrong)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url("redis://" + os.environ["REDIS_URL"].split("@")[1], retry=valkey.ONE_TRY).ping()
    assert "DATABASE_URL" not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_servers_named_in_the_environment_replace_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/portal")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    with servers.running(tmp_path, durable=True) as (started, urls):
        assert (started, urls) == ([], {})
        assert os.environ["DATABASE_URL"] == "postgres://elsewhere/portal"
    assert os.environ["DATABASE_URL"] == "postgres://elsewhere/portal"
    assert list(tmp_path.iterdir()) == []
