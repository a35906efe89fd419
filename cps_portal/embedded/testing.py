"""`make test` and the checks: a command with throw-away servers around it."""

import os
import subprocess
import sys
from collections.abc import Sequence

from cps_portal.embedded import servers
from cps_portal.embedded.errors import CannotStart
from cps_portal.embedded.urls import ROOT

EVERYDAY = ["-n", "auto", "--maxprocesses", "4", "-m", "not browser and not bench and not launcher and not races"]


def test(arguments: Sequence[str]) -> int:
    """pytest on throw-away servers; whoever names a marker gets just that, one test after another."""
    chosen = [] if "-m" in arguments else EVERYDAY
    return with_servers([sys.executable, "-m", "pytest", *chosen, *arguments])


def with_servers(command: Sequence[str]) -> int:
    if command and command[0] == "--":
        command = command[1:]
    if not command:
        raise CannotStart("say which command: with-servers -- COMMAND")
    with servers.throw_away():
        try:
            return subprocess.run(command, cwd=ROOT, env=dict(os.environ)).returncode  # noqa: S603, PLW1510
        except FileNotFoundError:
            raise CannotStart(f"there is no command {command[0]}") from None
