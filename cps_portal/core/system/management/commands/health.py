"""Health checks of containers: `manage.py health web|worker|hooks|beat`."""

import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from cps_portal.core.system.alive import MAX_AGE_SECONDS, is_alive
from cps_portal.settings.environment import env

TIMEOUT_SECONDS = 2.0
FILES = {"worker": "worker", "hooks": "worker", "beat": "beat"}


class Command(BaseCommand):
    """Exits with 0 if the process of this container is well and with 1 if not, and says why in one line."""

    help = "Says whether the process of this container is well; exits with 1 if not. For health checks."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", choices=["web", *FILES])
        parser.add_argument("--port", type=int, default=8000, help="where gunicorn listens")

    def handle(self, *_args: Any, process: str, port: int, **_options: Any) -> None:
        reason = _why_web_is_unwell(port) if process == "web" else _why_unwell(process)
        self.stdout.write(f"{process}: {reason or 'well'}")
        if reason:
            raise SystemExit(1)


def _why_unwell(process: str) -> str:
    if not env("ALIVE_FOLDER"):
        return "unknown, because ALIVE_FOLDER is not set"
    if is_alive(FILES[process]):
        return ""
    return f"no sign of life for {MAX_AGE_SECONDS:.0f} s"


def _why_web_is_unwell(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{settings.READY_PATH}", timeout=TIMEOUT_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return "the database does not answer" if error.code == 503 else f"answers {error.code}"
    except OSError as error:
        return f"does not answer ({error})"
