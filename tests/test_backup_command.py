"""A backup that failed is never taken for one that succeeded. PostgreSQL's own programs are played by shell scripts."""

import os
import subprocess
from pathlib import Path

import pytest

from cps_portal.dev.embedded.urls import ROOT
from tests.rows import each_row

COMMAND = ROOT / "deploy/backup/portal-backup"
BACKUP = """#!/bin/sh
for argument; do case "$argument" in --pgdata=*) mkdir -p "${argument#--pgdata=}";; esac; done
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is the first on the path: `pg_basebackup` makes its folder, and does what the test says next."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("pg_archivecleanup", "pg_basebackup"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def run(programs: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "BACKUP_REPOSITORY": str(programs.parent / "repository")}
    return subprocess.run(
        [COMMAND, *arguments], env={**own, **environment}, capture_output=True, text=True, check=False
    )


def backups(programs: Path) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in (programs.parent / "repository" / "base").iterdir())


@each_row("command", ["full", "incremental", "nightly"])
@each_row("code", [1, 137])
def test_a_failed_backup_fails_and_leaves_none(programs: Path, command: str, code: int) -> None:
    (programs / "pg_basebackup").write_text(f"{BACKUP}\nexit {code}\n")
    done = run(programs, command)
    assert done.returncode != 0, done.stderr
    assert [name for name in backups(programs) if not name.endswith(".partial")] == []
    assert not (programs.parent / "repository" / "last_success").exists()


def test_a_failed_incremental_backup_is_followed_by_a_full_one(programs: Path) -> None:
    (programs / "pg_basebackup").write_text(f'{BACKUP}\ncase "$*" in *--incremental*) exit 1;; esac\n')
    assert run(programs, "full").returncode == 0
    done = run(programs, "incremental")
    assert done.returncode == 0 and "taking a full one" in done.stderr
    assert set(backups(programs)) == {"full"}


def test_nothing_is_deleted_after_a_failed_backup(programs: Path) -> None:
    (programs / "pg_basebackup").write_text(BACKUP)
    assert run(programs, "full").returncode == 0
    (old,) = (programs.parent / "repository" / "base").iterdir()
    os.utime(old, (0, 0))
    (programs / "pg_basebackup").write_text(f"{BACKUP}\nexit 1\n")
    assert run(programs, "nightly").returncode != 0
    assert old.exists()


def test_there_is_nothing_to_restore_before_the_first_backup_was_finished(programs: Path) -> None:
    (programs / "pg_basebackup").write_text(BACKUP)
    assert run(programs, "full").returncode == 0
    done = run(programs, "restore", str(programs.parent / "data"), "2020-01-01 00:00:00+00")
    assert done.returncode == 1 and "no backup before" in done.stderr
