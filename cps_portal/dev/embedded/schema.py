"""Brings the database of the embedded server to today's schema: from a dump if there is one, else by migrating.

Migrating an empty database takes most of a minute; restoring a dump of the result takes a second. The dump in
schema.sql.gz belongs to the code: `make schema` makes it anew after a migration, and CI compares it with real
migrating. Its first line is a hash of all migrations. Until the dump has been made anew, one of this checkout is kept
in .state.
Production always migrates.
"""

import gzip
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from cps_portal.dev.embedded.folder import make_private
from cps_portal.dev.embedded.postgres import find_binaries
from cps_portal.dev.embedded.urls import ROOT

# Set by the launcher for databases of its own servers: pg_dump and psql come with them and fit their version.
OWN_DATABASE = "EMBEDDED_DATABASE"
DUMPS = ROOT / ".state" / "schema"
COMMITTED = Path(__file__).with_name("schema.sql.gz")
# What differs from one dump to the next: a key that pg_dump draws, and when each migration was applied.
DRAWN_KEYS = re.compile(r"^\\(un)?restrict .*\n", re.MULTILINE)
MOMENTS = re.compile(r"\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00")


def bring_up_to_date() -> None:
    """Restore the dump into an empty database, or migrate it and keep a dump; migrate any other database.

    A database whose migrations are no longer in the code (another branch, an earlier version) cannot be migrated: the
    embedded one is made again, any other ends the program with a sentence.
    """
    own = OWN_DATABASE in os.environ
    if has_unknown_migrations():
        if not own:
            sys.exit("The database of DATABASE_URL was made by another version of the portal: name an empty one.")
        sys.stdout.write(
            "  The data of an earlier version do not fit these tables: the demonstration world is made again.\n"
        )
        with connection.cursor() as cursor:
            cursor.execute("drop schema public cascade; create schema public")
    restorable = own and not connection.introspection.table_names()
    dump = find_dump() if restorable else None
    if dump:
        restore(dump)
    # Also after restoring: `migrate` creates permissions, sets those of the groups, and would apply what is missing.
    call_command("migrate", verbosity=0, interactive=False)
    if restorable and not dump:
        keep(dump_schema())


def has_unknown_migrations() -> bool:
    applied = MigrationRecorder(connection).applied_migrations()
    return bool(set(applied) - set(MigrationLoader(None).disk_migrations))


def fingerprint() -> str:
    """A hash of the project's migrations and of the names of those that libraries bring."""
    digest = hashlib.sha256()
    digest.update("\n".join(sorted(".".join(key) for key in MigrationLoader(None).disk_migrations)).encode())
    own = [path for app in ("cps_portal", "members", "kitbag", "servicing") for path in (ROOT / app).rglob("*.py")]
    for path in sorted(path for path in own if path.parent.name == "migrations"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def find_dump() -> str | None:
    """The SQL of the committed dump, or of the one in .state, if it is of today's migrations."""
    today = fingerprint()
    committed = gzip.decompress(COMMITTED.read_bytes()).decode() if COMMITTED.exists() else ""
    if committed.startswith(f"-- {today}\n"):
        return committed
    kept = DUMPS / f"{today}.sql"
    return kept.read_text() if kept.exists() else None


def restore(dump: str) -> None:
    _run("psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", given=dump)


def dump_schema() -> str:
    """The SQL that makes this database, the same for the same schema; its first line is the fingerprint."""
    dump = DRAWN_KEYS.sub("", _run("pg_dump", "--no-owner", "--no-privileges"))
    return f"-- {fingerprint()}\n" + MOMENTS.sub("\t2026-01-01 00:00:00+00", dump)


def keep(dump: str) -> None:
    """Write a dump into .state, whole or not at all, and remove those of other schemas."""
    make_private(DUMPS)
    unfinished = DUMPS / f"unfinished.{os.getpid()}"
    unfinished.write_text(dump)
    for other in DUMPS.glob("*.sql"):
        other.unlink(missing_ok=True)
    unfinished.rename(DUMPS / f"{fingerprint()}.sql")


def write_committed(*, check: bool) -> None:
    """Migrate the empty database of DATABASE_URL and write the dump that belongs to the code, or compare them.

    Ends the program with a sentence if the committed one is out of date.
    """
    call_command("migrate", verbosity=0, interactive=False)
    dump = dump_schema()
    if not check:
        COMMITTED.write_bytes(gzip.compress(dump.encode(), mtime=0))
    elif not COMMITTED.exists() or gzip.decompress(COMMITTED.read_bytes()).decode() != dump:
        sys.exit(
            "The dump of the schema is out of date: run `make schema` and commit cps_portal/dev/embedded/schema.sql.gz."
        )


def _run(program: str, *arguments: str, given: str | None = None) -> str:
    """Run a program that came with the server on the database of DATABASE_URL. Raises CalledProcessError."""
    url = urlsplit(os.environ["DATABASE_URL"])
    environment = os.environ | {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.lstrip("/"),
    }
    done = subprocess.run(  # noqa: S603 (our own command)
        [find_binaries(None) / program, *arguments],
        env=environment,
        check=True,
        input=given,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    django.setup()
    match sys.argv[1:]:
        case ["write"]:
            write_committed(check=False)
        case ["check"]:
            write_committed(check=True)
        case _:
            bring_up_to_date()
