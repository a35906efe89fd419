"""Loads the catalogue, makes the demo world, and prints how many rows every model has: two runs must agree."""

import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
django.setup()

from django.apps import apps  # noqa: E402
from django.core.management import call_command  # noqa: E402

for command in ("load_catalogue", "make_demo"):
    call_command(command, stdout=sys.stderr)
for model in sorted(apps.get_models(), key=lambda m: m._meta.label):
    if model._meta.managed and not model._meta.proxy:
        sys.stdout.write(f"{model._base_manager.count():>8} {model._meta.label}\n")
