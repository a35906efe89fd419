"""PostgreSQL and the broker together: servers that keep their data, and temporary ones."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg2.extensions import parse_dsn

from cps_portal.core.lib.server_version import find_fault, read_server_version
from cps_portal.dev.embedded import postgres, valkey
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.folder import locked_folder, remove
from cps_portal.dev.embedded.services import Service

PREFIX = "cps-portal-temporary-"
Start = Callable[..., tuple[Service, str]]
STARTERS: dict[str, Start] = {"DATABASE_URL": postgres.start, "REDIS_URL": valkey.start}


@contextmanager
def running(folder: Path, *, durable: bool) -> Iterator[tuple[list[Service], dict[str, str]]]:
    """Start the servers that the environment does not name, and put their URLs into it.

    Yields the services started and their URLs; stops them afterwards.
    """
    services: list[Service] = []
    urls: dict[str, str] = {}
    try:
        for name, start in STARTERS.items():
            if not os.environ.get(name):
                service, url = start(folder, durable=durable)
                services.append(service)
                os.environ[name] = urls[name] = url
        require_new_database(os.environ["DATABASE_URL"])
        yield services, urls
    finally:
        for name in urls:
            os.environ.pop(name, None)
        for service in reversed(services):
            service.stop()


def require_new_database(url: str) -> None:
    """Raises CannotStart if the server is too old. One that does not answer is found out later."""
    version = read_server_version(parse_dsn(url))
    if version and (fault := find_fault(version)):
        raise CannotStart(f"{fault} Set DATABASE_URL to a newer one, or to none: then an embedded one is started.")


@contextmanager
def temporary_servers() -> Iterator[None]:
    """Servers for tests and checks in a temporary folder, removed afterwards."""
    remove_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with locked_folder(folder), running(folder, durable=False):
            yield
    finally:
        remove(folder)


def remove_abandoned(place: Path) -> None:
    """Remove the folders of temporary servers whose launcher was killed."""
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
