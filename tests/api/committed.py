"""The contract as it is committed, read by libyaml: the parser written in Python takes seconds."""

from pathlib import Path
from typing import Any

import yaml
from django.conf import settings


def read_contract(path: str = "openapi.yaml") -> dict[str, Any]:
    """A fresh copy of a contract under docs/."""
    found: dict[str, Any] = yaml.load(Path(settings.BASE_DIR, "docs", path).read_bytes(), yaml.CSafeLoader)
    return found
