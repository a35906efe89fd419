"""Notices in the reader's language, as the rows are when they are shown (R56, R70)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.site.presenters.notice_words import CASE_EVENTS, READERS, Reader, Reading, Words
from members.enums import LEVEL_NOTICES, NoticeCode
from members.models import Notice
from servicing.enums import EventKind
from servicing.presenters import events

SHARED = {NoticeCode.TICKET, *CASE_EVENTS}  # what goes on when two accounts become one (R69)
MAX_NOTICES_READ = 100  # of one member, the newest
ASKING = (  # "Your turn" says the same, or, of the Welcome Pack, the offers
    NoticeCode.REGISTRATION_REFUSED,
    NoticeCode.CASE_ASKED,
    NoticeCode.WELCOME_PACK,
    NoticeCode.PACK_RETURNED,
)
ASKING_EVENTS = (  # of a job
    EventKind.REQUESTED,
    EventKind.ACCEPTED,
    EventKind.PLACE_GIVEN,
    EventKind.QUESTION_ASKED,
    EventKind.ESTIMATE_SENT,
    events.REMINDER,
    EventKind.LOAN_OFFERED,
    EventKind.LOAN_RESERVED,
    "loan_due",
    "loan_overdue",
)
TONES = {
    NoticeCode.LEVEL_UP: "ok",
    NoticeCode.LEVEL_DOWN: "warn",
    NoticeCode.REGISTRATION_APPROVED: "ok",
    NoticeCode.REGISTRATION_REFUSED: "warn",
    NoticeCode.POINTS_WILL_CHANGE: "warn",
    NoticeCode.LEVELS_WILL_CHANGE: "warn",
    NoticeCode.COUNTRY_WILL_CHANGE: "warn",
    NoticeCode.COUNTRY_CHANGED: "warn",
    NoticeCode.CAME_TO_YOU: "ok",
    NoticeCode.STOLEN_PRESENTED: "error",
    NoticeCode.STOLEN_LIFTED: "ok",
    NoticeCode.PACK_LATE: "warn",
    NoticeCode.PLACE_FREE: "ok",
    NoticeCode.OFFER_CHANGED: "warn",
    NoticeCode.OFFER_WITHDRAWN: "warn",
}
JOB_TONES = {
    EventKind.TARGET_MISSED: "error",
    events.PART_LATE: "warn",
    "loan_overdue": "error",
    EventKind.PLACE_LAPSED: "warn",
    EventKind.READY: "ok",
    EventKind.NO_CHARGE: "ok",
    events.EXPIRED: "warn",
}
ICONS_OF_TONES = {"error": "alert", "warn": "history", "ok": "check"}


class Topic(models.TextChoices):
    """What notices are about, for the filter of "What happened"."""

    KIT = "kit", _("Kit and points")
    SERVICE = "service", _("Service")
    OFFERS = "offers", _("Offers and card")
    ACCOUNT = "account", _("Account")


ICONS = {Topic.KIT: "kit", Topic.SERVICE: "truck", Topic.OFFERS: "gift", Topic.ACCOUNT: "user"}
CODES = {
    Topic.SERVICE: {NoticeCode.TICKET},
    Topic.OFFERS: {
        NoticeCode.WELCOME_PACK,
        NoticeCode.PACK_DISPATCHED,
        NoticeCode.PACK_RETURNED,
        NoticeCode.PACK_SENT_AGAIN,
        NoticeCode.PACK_LATE,
        NoticeCode.PACK_CANCELLED,
        NoticeCode.CARD_REPLACED,
        NoticeCode.PLACE_FREE,
        NoticeCode.OFFER_CHANGED,
        NoticeCode.OFFER_WITHDRAWN,
    },
    Topic.ACCOUNT: {*CASE_EVENTS, NoticeCode.MOVED},
}
CODES[Topic.KIT] = set(NoticeCode).difference(*CODES.values())


def topic_of(code: NoticeCode) -> Topic:
    return next(topic for topic, codes in CODES.items() if code in codes)


class NoticeLine(NamedTuple):
    """A notice as pages show it; `path` is the page it leads to."""

    key: int
    code: str
    title: str
    detail: str
    path: str
    at: datetime
    is_current: bool
    kind: str = ""  # of a job: a key of the sentences

    @property
    def tone(self) -> str:
        """ "error", "warn" or "ok" for what is bad, worth knowing or good; "" for everything else."""
        return JOB_TONES.get(self.kind, "") if self.kind else TONES.get(NoticeCode(self.code), "")

    @property
    def icon(self) -> str:
        return ICONS_OF_TONES.get(self.tone) or ICONS[topic_of(NoticeCode(self.code))]


def describe_page(reading: Reading, page: Sequence[Notice], newer: Iterable[Notice]) -> list[NoticeLine]:
    """A page of all notices. Those that one of the `newer` replaces no longer hold either."""
    replaced = {_subject(row) for row in newer if row not in page}
    lines = describe(reading, page)
    subjects = {row.pk: _subject(row) for row in page}
    return [line._replace(is_current=line.is_current and subjects[line.key] not in replaced) for line in lines]


def find_lines(reading: Reading, rows: Sequence[Notice], query: str) -> list[NoticeLine]:
    """Those of the `rows`, the newest first, whose sentences, or the reference of their job, have all its words."""
    words = query.casefold().split()
    lines = [(line, f"{line.title} {line.detail}".casefold(), line.path.casefold()) for line in describe(reading, rows)]
    return [line for line, text, path in lines if all(word in text or word.replace("-", "") in path for word in words)]


NEWEST: CompiledModels[Notice] = CompiledModels(lambda member: Notice.objects.filter(member=member)[:MAX_NOTICES_READ])


def current_notices(reading: Reading, *, limit: int = MAX_NOTICES_READ, news_only: bool = False) -> list[NoticeLine]:
    """Those of the newest that still hold; with `news_only` without what the dashboard shows in another place.

    `limit` bounds how many are looked at, so that fewer may come back.
    """
    rows = NEWEST.all(member=reading.member.pk)
    newest = [row for row in _newest_of_each_subject(rows) if not (news_only and _is_shown_elsewhere(row))]
    return [line for line in describe(reading, newest[:limit]) if line.is_current]


def _is_shown_elsewhere(row: Notice) -> bool:
    """Whether it asks for something: then the dashboard has it in "Your turn", or among the offers (R56)."""
    if row.code == NoticeCode.TICKET:
        return row.params["kind"] in ASKING_EVENTS
    return row.code in ASKING or (row.code == NoticeCode.CARD_REPLACED and "request" in row.params)


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
    kind = row.params.get("kind", "") if row.code == NoticeCode.TICKET else ""
    return NoticeLine(row.pk, row.code, str(title), str(detail), row.path, row.at, is_current and may_hold, kind)


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
