"""A backup that failed is never taken for one that succeeded. PostgreSQL's own programs are played by shell scripts."""

import os
import subprocess
import time
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


def test_copies_of_files_stay_for_as_long_as_backups_may_need_them_after_the_files_are_gone(
    programs: Path, tmp_path: Path
) -> None:
    """Counted from when the file is missed: losing the folder of files must not empty the copies on the next night."""
    files, copies, marks = tmp_path / "files", tmp_path / "repository" / "files", tmp_path / "repository" / "gone"
    names = ["2020/old name.jpg", "2020/kept.pdf", "2020/back.pdf"]
    for name in names:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_text(name)

    def prune() -> set[str]:
        assert run(programs, "prune", FILES_ROOT=str(files)).returncode == 0
        return {str(path.relative_to(copies)) for path in copies.rglob("*.*")}

    assert run(programs, "files", FILES_ROOT=str(files)).returncode == 0
    for name in (names[0], names[2]):
        (files / name).unlink()
    assert prune() == prune() == set(names)
    (files / names[2]).write_text("back")
    assert prune() == set(names)
    assert [path.name for path in marks.rglob("*.*")] == ["old name.jpg"]
    for days, left in ((20, set(names)), (22, set(names[1:]))):
        then = time.time() - days * 86400 - 60
        os.utime(marks / names[0], (then, then))
        assert prune() == left


def test_files_that_could_not_be_copied_fail_the_night(programs: Path, tmp_path: Path) -> None:
    (programs / "pg_basebackup").write_text(BACKUP)
    (programs / "cp").write_text("#!/bin/sh\nexit 1\n")
    (programs / "cp").chmod(0o755)
    (tmp_path / "files").mkdir()
    done = run(programs, "nightly", FILES_ROOT=str(tmp_path / "files"))
    assert done.returncode != 0 and "files copied" not in done.stderr
