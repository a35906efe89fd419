"""Everything held about a member, as a ZIP that is written while it is being sent (R14)."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.spreadsheets import escape_formula
from cps_portal.site.presenters.my_data_tables import ROWS_PER_QUERY, TABLES
from members.models import Member

CHUNK_BYTES = 64 * 1024


class _Buffer(io.RawIOBase):
    """What the ZIP has written and the response has not sent yet."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def take(self) -> bytes:
        chunk = bytes(self.held)
        self.held.clear()
        return chunk


def archive(member: Member, *, at: datetime) -> Iterator[bytes]:
    """Yield the ZIP in chunks: each table as JSON and as CSV, and the files that the member uploaded."""
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, chunks in _entries(member, at):
            with bundle.open(name, "w") as entry:
                for chunk in chunks:
                    entry.write(chunk)
                    if len(buffer.held) > CHUNK_BYTES:
                        yield buffer.take()
    yield buffer.take()


def _entries(member: Member, at: datetime) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "README.txt", [_readme(member, at).encode()]
    for table in TABLES:
        yield f"{table.name}.json", _as_json(table.rows(member))
        yield f"{table.name}.csv", _as_csv(table.rows(member), table.fields)
    for file in (
        StoredFile.objects.kept().filter(owner=member.user_id).order_by("pk").iterator(chunk_size=ROWS_PER_QUERY)
    ):
        yield f"files/{file.download_name}", _content(file)


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
