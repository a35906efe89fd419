"""Lose a database on purpose, and bring it back as of a moment: `make backup-rehearsal`, and the launcher tests.

A world is filled; backups and the stream of the log are made by deploy/backup/portal-backup, as in production; more is
written; then somebody is erased, mails leave, half of the rest is deleted and PostgreSQL is killed. The restored
database has to be what it was before, by row counts, by the audit of the ledger and by the files; and who was erased
is erased again, and what had left does not leave twice (`finish_restore`).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg2

from cps_portal.dev.embedded import accounts, postgres
from cps_portal.dev.embedded.folder import make_private, remove
from cps_portal.dev.embedded.services import Service
from cps_portal.dev.embedded.urls import ROOT

FILES = 5  # that `life.before` stores

COMMAND = ROOT / "deploy/backup/portal-backup"
COUNTED = ("members_member", "kitbag_registration", "kitbag_pointsentry", "members_levelchange", "account_emailaddress")
RESTORE_SECONDS = 300


@dataclass
class Rehearsal:
    """The two servers and the repository between them. `seconds` is how long each step took."""

    folder: Path
    members: int
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, dict[str, int]] = field(default_factory=dict)  # of `life.observe`, by when
    mails: list[int] = field(default_factory=list)  # how many had left: before the loss, and after the restore

    def __post_init__(self) -> None:
        self.account = accounts.unprivileged_account()
        self.programs = postgres.find_binaries(self.account)
        self.repository = self.folder / "repository"
        self.repository.mkdir(mode=0o700)
        if self.account:
            self.account.own(self.repository)
        self.files, self.mail_folder = self.folder / "files", self.folder / "mails"
        self.files.mkdir(mode=0o755)
        self.mail_folder.mkdir()

    def run(self) -> tuple[dict[str, int], dict[str, int]]:
        """Rows of each table at the moment to restore, and after restoring."""
        service, url = postgres.start(make_private(self.folder / "lost", passable=True), durable=True)
        try:
            with self._step("fill a world"):
                self._configure(url)
                self._manage(url, "migrate", "--verbosity", "0")
                self._manage(url, "make_crowd", "--members", str(self.members), "--registrations", str(self.members))
            with self._streaming(url):
                with self._step("full backup"):
                    self._backup(url, "full")
                self._manage(url, "make_crowd", "--add", "--members", "50", "--registrations", "50", "--seed", "2")
                with self._step("incremental backup"):
                    self._backup(url, "incremental")
                self._manage(url, "make_crowd", "--add", "--members", "50", "--registrations", "50", "--seed", "3")
                self._live(url, "before")
                before, moment = self._rows(url), self._moment(url)
                with self._step("copy the files"):
                    self._backup_files(url)
                self._live(url, "after")
                self._observe(url, "lost")
                self._damage(url)
                time.sleep(1)
            self._kill(service)
        finally:
            service.stop()
        with self._step("restore"):
            restored, restored_url = self._restore(moment)
        try:
            after = self._rows(restored_url)
            self._observe(restored_url, "restored")
            with self._step("finish"):
                self._manage(restored_url, "finish_restore")
            self._live(restored_url, "send")
            self._observe(restored_url, "finished")
        finally:
            restored.stop()
        return before, after

    def is_finished(self) -> bool:
        """Whether the restored database had forgotten, and `finish_restore` has put it right."""
        lost, restored, finished = (self.facts[when] for when in ("lost", "restored", "finished"))
        before_loss, _restored, after_restore = self.mails
        return (
            (lost["erased"], restored["erased"], finished["erased"]) == (1, 0, 1)
            and before_loss == after_restore > 0
            and restored["held"] == 0 < finished["held"]
            and (restored["sessions"], finished["sessions"]) == (1, 0)
            and restored["files"] == finished["files"] == FILES
        )

    def _live(self, url: str, step: str) -> str:
        return self._manage(
            url, "shell", "--verbosity", "0", "--command", f"from tests.backup import life; life.{step}()"
        )

    def _observe(self, url: str, when: str) -> None:
        self.facts[when] = json.loads(self._live(url, "observe"))
        self.mails.append(len(list(self.mail_folder.iterdir())))

    def repository_megabytes(self) -> int:
        return sum(path.stat().st_size for path in self.repository.rglob("*") if path.is_file()) // 2**20

    def _configure(self, url: str) -> None:
        """As deploy/backup asks for: summaries for incremental backups, and a bound for what the slot may keep."""
        _execute(url, "alter system set summarize_wal = on")
        _execute(url, "alter system set max_slot_wal_keep_size = '8GB'")
        _execute(url, "select pg_reload_conf()")

    @contextmanager
    def _streaming(self, url: str) -> Iterator[None]:
        process = subprocess.Popen([COMMAND, "wal"], **self._options(url), stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def _backup(self, url: str, *arguments: str) -> None:
        _run([str(COMMAND), *arguments], **self._options(url))

    def _backup_files(self, url: str) -> None:
        """As who owns them, because nobody else may read them."""
        _run([str(COMMAND), "files"], env=self._options(url)["env"])

    def _restore(self, moment: str) -> tuple[Service, str]:
        """Into a folder of the other server, which then starts on it."""
        found = make_private(self.folder / "found", passable=True)
        home = postgres.make_data_folder(found / "postgres", self.account)
        password, data = home / "password", home / "data"
        password.write_text((self.folder / "lost" / "postgres" / "password").read_text())
        data.mkdir(mode=0o700)
        if self.account:
            self.account.own(password)
            self.account.own(data)
        environment = {"BACKUP_REPOSITORY": str(self.repository)}
        _run([str(COMMAND), "restore", str(data), moment], **self._options("postgres://"))
        os.environ |= environment  # for restore_command, which the server runs
        self.files = self.folder / "files of the new machine"
        shutil.copytree(self.repository / "files", self.files)
        service, url = postgres.start(found, durable=True)
        deadline = time.monotonic() + RESTORE_SECONDS
        while _execute(url, "select pg_is_in_recovery()"):
            assert time.monotonic() < deadline, service.log_summary()
            time.sleep(0.2)
        return service, url

    def _damage(self, url: str) -> None:
        """What somebody does by mistake, past all triggers."""
        _execute(url, "select pg_switch_wal()")
        _execute(url, "set session_replication_role = replica; delete from kitbag_registration where id % 2 = 0")
        _execute(url, "drop table members_termsacceptance cascade")

    def _kill(self, service: Service) -> None:
        assert service.process
        service.process.kill()
        service.process.wait()

    def _rows(self, url: str) -> dict[str, int]:
        return {table: int(str(_execute(url, f"select count(*) from {table}"))) for table in COUNTED}  # noqa: S608

    def _moment(self, url: str) -> str:
        """Now, with a second of silence on both sides: a moment is restored to the whole second."""
        time.sleep(1)
        moment = str(_execute(url, "select to_char(now(), 'YYYY-MM-DD HH24:MI:SS.MSOF')"))
        time.sleep(1)
        return moment

    def _manage(self, url: str, *arguments: str) -> str:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.backup.settings",
            "DATABASE_URL": url,
            "FILES_ROOT": str(self.files),
            "ERASURES_ROOT": str(self.repository / "erasures"),
            "MAIL_FOLDER": str(self.mail_folder),
        }
        return _run([sys.executable, "manage.py", *arguments], cwd=ROOT, env={**os.environ, **settings})

    def _options(self, url: str) -> dict[str, Any]:
        """How portal-backup is run: as the owner of the data, with PostgreSQL's programs on its path."""
        parts = psycopg2.extensions.parse_dsn(url) if url != "postgres://" else {}
        environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "BACKUP_REPOSITORY": str(self.repository),
            "FILES_ROOT": str(self.files),
            "PGHOST": parts.get("host", ""),
            "PGPORT": parts.get("port", ""),
            "PGUSER": parts.get("user", ""),
            "PGPASSWORD": parts.get("password", ""),
        }
        account = self.account
        return {
            "env": environment,
            "cwd": "/",
            "user": account.uid if account else None,
            "group": account.gid if account else None,
            "extra_groups": [] if account else None,
        }

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


def _run(command: list[str], **options: Any) -> str:
    """Run it, and return what it prints."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=RESTORE_SECONDS, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def _execute(url: str, statement: str) -> object:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=5000)
    members = parser.parse_args().members
    folder = Path(mkdtemp(prefix="portal-backup-"))
    folder.chmod(0o711)
    try:
        rehearsal = Rehearsal(folder, members)
        before, after = rehearsal.run()
        for table in COUNTED:
            sys.stdout.write(f"{table:28} {before[table]:>9} {after[table]:>9}\n")
        for step, seconds in rehearsal.seconds.items():
            sys.stdout.write(f"{step:28} {seconds:>7.1f} s\n")
        sys.stdout.write(f"{'repository':28} {rehearsal.repository_megabytes():>6} MB\n")
        sys.stdout.write(f"{rehearsal.facts}, mails that had left: {rehearsal.mails}\n")
        return 0 if before == after and rehearsal.is_finished() else 1
    finally:
        remove(folder)


if __name__ == "__main__":
    sys.exit(main())
