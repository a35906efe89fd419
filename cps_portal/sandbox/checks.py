"""System check: a sandbox and real people never share a database."""

from typing import Any

from django.conf import settings
from django.core import checks

from cps_portal.sandbox.queries import has_real_people

MESSAGE = "SANDBOX is on, and this database has members with addresses that mail reaches."
HINT = "Partners could age their jobs and delete them. Give the sandbox a database of its own, or set SANDBOX=false."


def no_real_people(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Asked by `migrate`, which every deployment begins with, and by `check --database default`.

    On a developer's machine (CROWDS_ALLOWED) it only warns: somebody may have joined there with their own address.
    """
    if not databases or not has_real_people():
        return []
    kind = checks.Warning if settings.CROWDS_ALLOWED else checks.Error
    return [kind(MESSAGE, hint=HINT, id="sandbox.E001" if kind is checks.Error else "sandbox.W001")]
