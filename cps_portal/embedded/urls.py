"""Where the embedded servers of this checkout answer, once the launcher has started them."""

import json
import os
from pathlib import Path

STATE = Path(__file__).resolve().parent.parent.parent / ".state"
ADDRESSES = STATE / "servers.json"


def fill_environment() -> None:
    """Set DATABASE_URL and REDIS_URL from the running launcher, unless they are set already."""
    if ADDRESSES.exists():
        for name, url in json.loads(ADDRESSES.read_text()).items():
            os.environ.setdefault(name, url)
