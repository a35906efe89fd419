"""Brings the database of the embedded server to today's schema: from a dump if there is one, else by migrating.

Migrating an empty database takes some ten seconds; restoring a dump of the result takes less than one. The dump is
kept in .state under a hash of everything that the schema follows from, so that a changed migration makes a new one; all
portals of this checkout share it.
Production always migrates.
"""

import hashlib
import os
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
    dump = DUMPS / f"{fingerprint()}.sql"
    if restorable and dump.exists():
        restore(dump)
    # Also after restoring: `migrate` creates permissions, sets those of the groups, and would apply what is missing.
    call_command("migrate", verbosity=0, interactive=False)
    if restorable and not dump.exists():
        save(dump)


def has_unknown_migrations() -> bool:
    applied = MigrationRecorder(connection).applied_migrations()
    return bool(set(applied) - set(MigrationLoader(None).disk_migrations))


def fingerprint() -> str:
    """A hash of the project's migrations and of the locked versions of the libraries, which bring theirs."""
    digest = hashlib.sha256()
    own = [path for app in ("cps_portal", "members", "kitbag", "servicing") for path in (ROOT / app).rglob("*.py")]
    for path in [ROOT / "requirements" / "dev.txt", *sorted(path for path in own if path.parent.name == "migrations")]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def restore(dump: Path) -> None:
    _run("psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={dump}")


def save(dump: Path) -> None:
    """Write the dump whole or not at all, and remove those of other schemas."""
    make_private(dump.parent)
    unfinished = dump.with_suffix(f".{os.getpid()}")
    _run("pg_dump", "--no-owner", "--no-privileges", f"--file={unfinished}")
    for other in dump.parent.glob("*.sql"):
        other.unlink(missing_ok=True)
    unfinished.rename(dump)


def _run(program: str, *arguments: str) -> None:
    """Run a program that came with the server on the database of DATABASE_URL. Raises CalledProcessError."""
    url = urlsplit(os.environ["DATABASE_URL"])
    environment = os.environ | {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.lstrip("/"),
    }
    subprocess.run(  # noqa: S603 (our own command)
        [find_binaries(None) / program, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    django.setup()
    bring_up_to_date()
