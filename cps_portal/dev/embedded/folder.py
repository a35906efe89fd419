"""The folders of the servers: private, and used by one launcher at a time."""

import fcntl
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cps_portal.dev.embedded.errors import CannotStart

FREE_MEGABYTES = 150


def make_private(folder: Path, *, passable: bool = False) -> Path:
    """Create the folder, readable by its owner only. Raises CannotStart if it belongs to another account.

    `passable`: when root creates it, other accounts may enter it but not list it; PostgreSQL's account has to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise CannotStart(
            f"{folder} belongs to {account_name(owner)}, and this is {account_name(os.geteuid())}: "
            "start the portal as its owner, or remove that folder (everything in it is lost)."
        )
    folder.chmod(0o711 if passable and os.geteuid() == 0 else 0o700)
    return folder


def account_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 2**20
    if free < FREE_MEGABYTES:
        raise CannotStart(f"the disk of {folder} is full: {free} MB are free, the portal needs {FREE_MEGABYTES} MB.")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock the folder for this launcher, for as long as the process runs. Raises CannotStart if it is locked."""
    make_private(folder, passable=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"the portal of this checkout is already running ({lock.read().strip()}): stop that first."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, port {os.environ.get('PORT', '8000')}")
        lock.flush()
        yield


def write_private(path: Path, text: str) -> None:
    """Write the file atomically, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def remove(folder: Path) -> None:
    """Remove the folder, and the folders outside the checkout that its links lead to."""
    for link in folder.iterdir():
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(folder)
