"""Everything held about a member, as a ZIP that is written while it is being sent (R14)."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.lib.spreadsheets import escape_formula
from cps_portal.site.presenters.my_data_tables import TABLES
from members.models import Member

CHUNK_BYTES = 64 * 1024
MAX_BYTES_IN_MEMORY = 1024 * 1024


class _Buffer(io.RawIOBase):
    """What the ZIP has written and the response has not sent yet; what is long is held on the disk."""

    def __init__(self) -> None:
        self.size = 0
        self._held = _spool()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        return self._held.write(data)

    def take(self) -> Iterator[bytes]:
        self._held.seek(0)
        while chunk := self._held.read(CHUNK_BYTES):
            yield chunk
        self._held.close()
        self._held = _spool()  # a new one, because one that has gone to the disk stays there
        self.size = 0

    def close(self) -> None:
        self._held.close()
        super().close()


def _spool() -> tempfile.SpooledTemporaryFile[bytes]:
    return tempfile.SpooledTemporaryFile(MAX_BYTES_IN_MEMORY)


def archive(member: Member, *, at: datetime) -> Iterator[bytes]:
    """Yield the ZIP in chunks: each table as JSON and as CSV, and the files that the member uploaded.

    All tables are read from one snapshot, before the first chunk is sent: a slow reader must not keep it open.
    """
    with _Buffer() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("README.txt", _readme(member, at))
            with read_snapshot():
                for table in TABLES:
                    _write(bundle, f"{table.name}.json", _as_json(table.rows(member)))
                    _write(bundle, f"{table.name}.csv", _as_csv(table.rows(member), table.fields))
                kept = list(StoredFile.objects.kept().filter(owner=member.user_id).order_by("pk"))
            yield from buffer.take()
            for file in kept:
                with bundle.open(f"files/{file.download_name}", "w") as entry:
                    for chunk in _content(file):
                        entry.write(chunk)
                        if buffer.size > CHUNK_BYTES:
                            yield from buffer.take()
        yield from buffer.take()


def _write(bundle: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> None:
    with bundle.open(name, "w") as entry:
        for chunk in chunks:
            entry.write(chunk)


def _readme(member: Member, at: datetime) -> str:
    return _(
        "What the portal holds about member %(number)s, on %(at)s.\n\n"
        "Each table is included twice: as JSON for programs and as CSV for spreadsheets. Times are in UTC.\n"
        "The text of mails with sign-in links is left out, and so are notes that staff wrote for each other.\n"
    ) % {"number": member.number_in_groups, "at": at.isoformat(timespec="seconds")}


def _as_json(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    opening = b"[\n"
    for row in rows:
        yield opening + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode()
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


def _as_csv(rows: Iterable[dict[str, Any]], fields: tuple[str, ...]) -> Iterator[bytes]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in fields])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
    yield line.getvalue().encode()


def _cell(value: Any) -> Any:
    """Text that begins like a formula is defused: a spreadsheet would run it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return escape_formula(value) if isinstance(value, str) else value


def _content(file: StoredFile) -> Iterator[bytes]:
    """The file's content; nothing if it was erased a moment ago."""
    try:
        content = files.file_storage().open(file.stored_as)
    except FileNotFoundError:
        return
    with content:
        yield from content.chunks(CHUNK_BYTES)
