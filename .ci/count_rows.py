"""Prints how many rows every model has: two runs of the same command must agree."""

import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
django.setup()

from django.apps import apps  # noqa: E402

for model in sorted(apps.get_models(), key=lambda m: m._meta.label):
    if model._meta.managed and not model._meta.proxy:
        sys.stdout.write(f"{model._base_manager.count():>8} {model._meta.label}\n")
