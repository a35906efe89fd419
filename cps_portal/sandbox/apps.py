from importlib import import_module

from django.apps import AppConfig
from django.core.checks import Tags, register


class SandboxConfig(AppConfig):
    """Where partners try their systems. Installed only with SANDBOX=true; see docs/api/sandbox.md."""

    name = "cps_portal.sandbox"
    label = "sandbox"

    def ready(self) -> None:
        # Imported here: it needs the models of members, which are not loaded before.
        register(import_module("cps_portal.sandbox.checks").no_real_people, Tags.database)
