"""Notices in the reader's language, as the rows are when they are shown (R56, R70)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cps_portal.site.presenters.notice_words import CASE_EVENTS, READERS, Reader, Reading, Words
from members.enums import LEVEL_NOTICES, NoticeCode
from members.models import Notice

SHARED = {NoticeCode.TICKET, *CASE_EVENTS}  # what goes on when two accounts become one (R69)
MAX_NOTICES_READ = 100  # of one member, the newest


class NoticeLine(NamedTuple):
    """A notice as pages show it; `path` is the page it leads to."""

    key: int
    code: str
    title: str
    detail: str
    path: str
    at: datetime
    is_current: bool


def describe_page(reading: Reading, page: Sequence[Notice], newer: Iterable[Notice]) -> list[NoticeLine]:
    """A page of all notices. Those that one of the `newer` replaces no longer hold either."""
    replaced = {_subject(row) for row in newer if row not in page}
    lines = describe(reading, page)
    subjects = {row.pk: _subject(row) for row in page}
    return [line._replace(is_current=line.is_current and subjects[line.key] not in replaced) for line in lines]


def unread_notices(reading: Reading) -> list[NoticeLine]:
    """Those that the member has not dismissed and that still hold, for the dashboard."""
    rows = list(Notice.objects.filter(member=reading.member)[:MAX_NOTICES_READ])
    unread = [row for row in _newest_of_each_subject(rows) if row.read_at is None]
    return [line for line in describe(reading, unread) if line.is_current]


def describe(reading: Reading, notices: Iterable[Notice]) -> list[NoticeLine]:
    """The lines of these notices in their order. A notice whose rows have been erased has none."""
    rows = list(notices)
    by_reader: dict[Reader, list[Notice]] = defaultdict(list)
    for row in rows:
        by_reader[READERS[NoticeCode(row.code)]].append(row)
    words: dict[int, Words] = {}
    for read, own in by_reader.items():
        words |= read(reading, own)
    newest = {row.pk for row in _newest_of_each_subject(rows)}
    may_hold = {row.pk for row in rows if row.member_id == reading.member.pk or row.code in SHARED} & newest
    return [_line(row, words[row.pk], may_hold=row.pk in may_hold) for row in rows if row.pk in words]


def _line(row: Notice, words: Words, *, may_hold: bool) -> NoticeLine:
    title, detail, is_current = words
    return NoticeLine(row.pk, row.code, str(title), str(detail), row.path, row.at, is_current and may_hold)


def _newest_of_each_subject(rows: Iterable[Notice]) -> list[Notice]:
    """Without those that a newer one about the same replaces; `rows` are the newest first."""
    newest: dict[tuple[object, ...], Notice] = {}
    for row in rows:
        newest.setdefault(_subject(row), row)
    return list(newest.values())


def _subject(row: Notice) -> tuple[object, ...]:
    """What a notice is about: of several about the same, only the newest can hold."""
    params, owner = row.params, row.member_id
    if row.code in LEVEL_NOTICES:
        return ("level", owner)
    if row.code == NoticeCode.MOVED:
        return ("moved", owner)
    if row.code in CASE_EVENTS:
        return ("case", params.get("case"))
    if row.code == NoticeCode.TICKET:
        rows = {name: key for name, key in params.items() if name not in ("event", "message", "document")}
        return ("ticket", *sorted(rows.items()))
    return (row.code, owner, *sorted((name, str(value)) for name, value in params.items()))
