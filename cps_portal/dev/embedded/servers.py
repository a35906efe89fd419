"""PostgreSQL and the broker together: the ones that keep their data, and the throw-away ones."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cps_portal.dev.embedded import postgres, valkey
from cps_portal.dev.embedded.folder import claimed, remove
from cps_portal.dev.embedded.services import Service

PREFIX = "cps-portal-throw-away-"
Start = Callable[..., tuple[Service, str]]
NEEDED: dict[str, Start] = {"DATABASE_URL": postgres.start, "REDIS_URL": valkey.start}


@contextmanager
def running(folder: Path, *, durable: bool) -> Iterator[tuple[list[Service], dict[str, str]]]:
    """Start the servers that the environment does not name already, and put their URLs into it.

    Yields what was started and the URLs; stops all of it afterwards.
    """
    services: list[Service] = []
    urls: dict[str, str] = {}
    try:
        for name, start in NEEDED.items():
            if not os.environ.get(name):
                service, url = start(folder, durable=durable)
                services.append(service)
                os.environ[name] = urls[name] = url
        yield services, urls
    finally:
        for name in urls:
            os.environ.pop(name, None)
        for service in reversed(services):
            service.stop()


@contextmanager
def throw_away() -> Iterator[None]:
    """Servers that keep nothing, for tests and checks, in a folder that goes with them."""
    sweep_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with claimed(folder), running(folder, durable=False):
            yield
    finally:
        remove(folder)


def sweep_abandoned(place: Path) -> None:
    """Remove the folders of throw-away servers whose launcher was killed."""
    for folder in place.glob(PREFIX + "*"):
        lock = folder / "lock"
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not lock.exists():
            continue
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            remove(folder)
