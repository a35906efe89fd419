"""Who runs PostgreSQL: it refuses to be root, so root starts it as `nobody`, who must reach its files."""

import hashlib
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cps_portal.dev.embedded.errors import CannotStart

OUTSIDE = Path("/var/tmp")  # noqa: S108 (outlives a restart; what we put there is checked to be root's own)


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def lesser_account() -> Account | None:
    """The account that PostgreSQL gets when we are root; None when we are not, and it runs as we do."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(path: Path) -> bool:
    """Can any account read this file? A checkout under a private home folder cannot be entered by others."""
    path = path.resolve()
    return bool(path.stat().st_mode & 0o004) and all(p.stat().st_mode & 0o001 for p in path.parents)


def enterable(folder: Path) -> bool:
    folder = folder.resolve()
    return all(p.stat().st_mode & 0o001 for p in (folder, *folder.parents))


def public_copy(package: Path) -> Path:
    """A copy of a package's folder where `nobody` can run it, made once per version of its contents."""
    files = sorted(p for p in package.rglob("*") if p.is_file())
    stamp = "".join(f"{p.relative_to(package)}:{p.stat().st_size};" for p in files)
    target = OUTSIDE / f"cps-portal-{package.name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="cps-portal-", dir=OUTSIDE))
        shutil.copytree(package, fresh / package.name, symlinks=True)
        libraries = package.parent / f"{package.name}.libs"  # the binaries look for it beside their package
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        open_to_all(fresh)
        fresh.rename(target)
    status = target.lstat()
    if target.is_symlink() or status.st_uid != 0 or status.st_mode & 0o022:
        raise CannotStart(f"{target} is not root's own folder: somebody else made it. Remove it.")
    return target / package.name


def open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))


def room_outside(link: Path) -> None:
    """Make `link` lead to a new folder that `nobody` can reach, for a checkout that it cannot."""
    folder = Path(tempfile.mkdtemp(prefix="cps-portal-data-", dir=OUTSIDE))
    folder.chmod(0o711)
    link.symlink_to(folder)
