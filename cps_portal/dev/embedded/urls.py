"""Where the embedded servers of this checkout answer, once the launcher has started them."""

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# PORTAL_STATE puts it elsewhere: a second portal beside the first, on another PORT.
STATE = Path(os.environ.get("PORTAL_STATE") or ROOT / ".state").absolute()
SERVER_URLS = STATE / "servers.json"


def fill_environment() -> None:
    """Set DATABASE_URL and REDIS_URL from the running launcher, unless they are set already."""
    if SERVER_URLS.exists():
        for name, url in json.loads(SERVER_URLS.read_text()).items():
            os.environ.setdefault(name, url)
