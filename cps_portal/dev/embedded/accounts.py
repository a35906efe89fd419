"""The account that runs PostgreSQL: it refuses to be root, so root starts it as `nobody`, who must reach its files."""

import hashlib
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cps_portal.dev.embedded.errors import CannotStart

OUTSIDE_FOLDER = Path("/var/tmp")  # noqa: S108 (survives a restart; ownership is checked before use)


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def unprivileged_account() -> Account | None:
    """The account for PostgreSQL when we are root; None when we are not, and it runs as us."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def readable_by_all(path: Path) -> bool:
    """Whether every account can read this file; not so in a checkout under a private home folder."""
    path = path.resolve()
    return bool(path.stat().st_mode & 0o004) and all(p.stat().st_mode & 0o001 for p in path.parents)


def traversable_by_all(folder: Path) -> bool:
    folder = folder.resolve()
    return all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents))


def public_copy(package: Path) -> Path:
    """A copy of the package's folder that `nobody` can run, made once for each version of its contents."""
    files = sorted(p for p in package.rglob("*") if p.is_file())
    stamp = "".join(f"{p.relative_to(package)}:{p.stat().st_size};" for p in files)
    target = OUTSIDE_FOLDER / f"cps-portal-{package.name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="cps-portal-", dir=OUTSIDE_FOLDER))
        shutil.copytree(package, fresh / package.name, symlinks=True)
        libraries = package.parent / f"{package.name}.libs"  # the binaries look for it beside their package
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        open_to_all(fresh)
        fresh.rename(target)
    status = target.lstat()
    if target.is_symlink() or status.st_uid != 0 or status.st_mode & 0o022:
        raise CannotStart(f"{target} does not belong to root alone. Remove it.")
    return target / package.name


def open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))


def link_to_outside_folder(link: Path) -> None:
    """Point `link` to a new folder that `nobody` can reach."""
    folder = Path(tempfile.mkdtemp(prefix="cps-portal-data-", dir=OUTSIDE_FOLDER))
    folder.chmod(0o711)
    link.symlink_to(folder)
