"""`make test` and other commands that run with temporary servers around them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from cps_portal.dev.embedded import servers
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.schema import OWN_DATABASE
from cps_portal.dev.embedded.urls import ROOT

SEPARATE = ("browser", "bench", "launcher", "races", "schema", "wide")  # markers that have a command of their own
EVERYDAY = [
    "-n",
    "auto",
    "--maxprocesses",
    "4",
    "--dist",
    "worksteal",
    "-m",
    " and ".join(f"not {marker}" for marker in SEPARATE),
]


def test(arguments: Sequence[str]) -> int:
    """Run pytest on temporary servers: everything without a separate marker, or what `-m` chooses."""
    chosen = [] if "-m" in arguments else EVERYDAY
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with it every process compiles all tests anew, for 20 seconds
    return with_servers([sys.executable, "-m", "pytest", *chosen, *arguments])


def make_template() -> None:
    """Make one database with all tables; every test worker begins with a copy of it instead of migrating its own."""
    command = [sys.executable, "-m", "cps_portal.dev.embedded.schema"]
    settings = {"DJANGO_SETTINGS_MODULE": "cps_portal.settings.test", OWN_DATABASE: "1"}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings})  # noqa: PLW1510, S603
    if done.returncode:
        raise CannotStart("the tables could not be made; the reason is above.")
    os.environ["TEST_TEMPLATE"] = urlsplit(os.environ["DATABASE_URL"]).path.lstrip("/")


def with_servers(command: Sequence[str]) -> int:
    if command and command[0] == "--":
        command = command[1:]
    if not command:
        raise CannotStart("say which command: with-servers -- COMMAND")
    own = "DATABASE_URL" not in os.environ
    with servers.temporary_servers():
        if own and "pytest" in command:
            make_template()
        try:
            return subprocess.run(command, cwd=ROOT, env=dict(os.environ)).returncode  # noqa: S603, PLW1510
        except FileNotFoundError:
            raise CannotStart(f"there is no command {command[0]}") from None
