"""Stores e-mails in a folder: one `.eml` file each, named by arrival time so that the names sort."""

import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Mail:
    name: str
    message: EmailMessage

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.message.items()]

    @property
    def arrived(self) -> datetime:
        return datetime.strptime(self.name.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part else ""


def folder() -> Path:
    return Path(getattr(settings, "MAILBOX_FOLDER", None) or Path(tempfile.gettempdir()) / "cps-portal-mailbox")


def write(content: bytes) -> str:
    """Store one e-mail and return its name. Renamed into place, so that a reader never sees half of it."""
    home = folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    part = home / f"{name}.part"
    part.write_bytes(content)
    part.rename(home / f"{name}.eml")
    return name


def newest(limit: int) -> list[Mail]:
    files = sorted(folder().glob("*.eml"), reverse=True)
    return [_parse(file) for file in files[:limit]]


def read(name: str) -> Mail | None:
    """Return the e-mail of that name. Safe as a path: the URL converter allows letters, digits, - and _ only."""
    file = folder() / f"{name}.eml"
    return _parse(file) if file.is_file() else None


def _parse(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    return Mail(file.stem, message)
