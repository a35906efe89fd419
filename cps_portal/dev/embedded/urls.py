"""Where the embedded servers of this checkout answer, once the launcher has started them."""

import json
import os
from contextlib import suppress
from pathlib import Path

from cps_portal.core.lib.web_push import make_key

ROOT = Path(__file__).resolve().parents[3]
# PORTAL_STATE puts it elsewhere: a second portal beside the first, on another PORT.
STATE = Path(os.environ.get("PORTAL_STATE") or ROOT / ".state").absolute()
SERVER_URLS = STATE / "servers.json"


def push_key() -> str:
    """The key that signs push messages on this machine, made at the first start."""
    path = STATE / "push-key"
    if not path.exists():
        STATE.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"push-key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(make_key())
        with suppress(FileExistsError):  # another process was faster
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text()


def fill_environment() -> None:
    """Set DATABASE_URL and REDIS_URL from the running launcher, unless they are set already."""
    if SERVER_URLS.exists():
        for name, url in json.loads(SERVER_URLS.read_text()).items():
            os.environ.setdefault(name, url)
