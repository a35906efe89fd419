"""How a container shows that its process lives: a file that the process touches, whose age a health check reads.

Nothing is touched unless ALIVE_FOLDER is set. Each container has a folder of its own.
"""

import time
from pathlib import Path

from celery.signals import heartbeat_sent, worker_ready

from cps_portal.settings.environment import env

MAX_AGE_SECONDS = 60.0


def alive_file(process: str) -> Path:
    """The file of a kind of process: `beat` or `worker`."""
    return Path(env("ALIVE_FOLDER")) / f"portal-{process}-alive"


def touch(process: str) -> None:
    if env("ALIVE_FOLDER"):
        alive_file(process).touch()


def is_alive(process: str) -> bool:
    """Whether the process has touched its file lately."""
    try:
        return time.time() - alive_file(process).stat().st_mtime < MAX_AGE_SECONDS
    except FileNotFoundError:
        return False


@worker_ready.connect
@heartbeat_sent.connect
def touch_of_worker(**_kwargs: object) -> None:
    """The main process of a worker sends a heartbeat every two seconds, while it is connected to the broker."""
    touch("worker")
