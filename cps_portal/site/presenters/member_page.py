"""What the page of a member shows to its reader: each part only with the right to it (R54)."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.site.presenters import member as words
from cps_portal.site.presenters.member_actions import IN_THE_HEAD, Action, Subject, member_actions
from cps_portal.site.presenters.member_mails import MailRow, mail_row
from cps_portal.site.presenters.moving import benefits_at_home
from cps_portal.site.presenters.notice_words import Reading
from cps_portal.site.presenters.notices import NoticeLine, describe
from cps_portal.site.presenters.trail import Trail, build_trail
from cps_portal.site.presenters.two_people import two_people_flags
from cps_portal.site.queries import member as queries
from kitbag.models import PointsEntry, StolenReport
from kitbag.presenters.kit_for_staff import KitRow
from kitbag.queries.forecast import Step, forecast
from members.models import LevelChange, LevelThreshold, Member, MemberNote, Notice, User
from members.offers.models import SignUp, WelcomePack
from members.rules import Membership

MAX_TRAIL = 8


@dataclass(frozen=True)
class Tab:
    anchor: str
    label: str | Promise
    count: int | None = None


@dataclass(frozen=True)
class MemberPage:
    """A part that the reader may not see is None, and is not read. Each is read once, when the template asks."""

    member: Member
    reader: User
    now: datetime

    def _may(self, *rights: str) -> bool:
        return self.reader.has_perms(rights)

    # --- Head ---

    @cached_property
    def _home(self) -> tuple[Membership, list[tuple[str, str]]]:
        return benefits_at_home(self.member)

    @property
    def membership(self) -> Membership:
        return self._home[0]

    @property
    def benefits(self) -> list[tuple[str, str]]:
        """What the level gives where the member lives today (R65)."""
        return self._home[1]

    @property
    def language(self) -> str:
        return str(dict(settings.LANGUAGES).get(self.member.language, self.member.language))

    @cached_property
    def flags(self) -> list[words.Flag]:
        move = queries.last_move(self.member, self.now)
        flags = words.flags(self.member, self.membership, reports=self.reports, move=move, now=self.now)
        return [*two_people_flags(self.member, self.reader), *flags]

    @cached_property
    def numbers(self) -> list[words.Number]:
        waiting = self.kit.totals.waiting_points if self.kit else 0
        shown = [words.points_number(self.member, waiting, LevelThreshold.objects.in_force())]
        if self.kit:
            shown.append(words.waiting_number(self.kit.totals))
        if self.steps is not None:
            shown.append(words.ahead_number(self.member, self.steps))
        if self.service:
            shown.append(words.service_number(self.service))
        return [*shown, words.seen_number(self.person.last_seen), words.since_number(self.member)]

    @cached_property
    def _actions(self) -> dict[str, Action]:
        card = self.cards.card if self.cards else None
        return member_actions(self.reader, Subject(self.member, card, self.pack, self.reports))

    @property
    def head_actions(self) -> dict[str, Action]:
        return {name: action for name, action in self._actions.items() if name in IN_THE_HEAD}

    @property
    def actions(self) -> list[Action]:
        return [action for name, action in self._actions.items() if name not in IN_THE_HEAD]

    @cached_property
    def tabs(self) -> list[Tab]:
        parts = [
            ("kit", _("Kit"), self.kit.kit.total if self.kit else None),
            ("points", _("Points"), self.entries.total if self.entries else None),
            ("jobs", _("Jobs and loans"), self.service.tickets.total if self.service else None),
            ("mails", _("Mails"), self.mails.total if self.mails else None),
            ("notices", _("Notices"), self.notices.total if self.notices else None),
            ("cases", _("Cases"), self.cases.total if self.cases else None),
            ("events", _("Events and offers"), self.sign_ups.total if self.sign_ups else None),
        ]
        shown = [Tab(anchor, label, count) for anchor, label, count in parts if count is not None]
        return [*shown, Tab("audit", _("Audit"), self.trail.total)] if self.trail else shown

    # --- Kit and points ---

    @cached_property
    def kit(self) -> queries.Kit | None:
        return queries.read_kit(self.member) if self._may("kitbag.view_registration") else None

    @cached_property
    def kit_rows(self) -> list[KitRow]:
        return words.kit_rows(self.kit) if self.kit else []

    @cached_property
    def reports(self) -> list[StolenReport]:
        """Standing reports of stolen kit."""
        if self.kit:
            return self.kit.reports
        return list(queries.stolen_reports(self.member)) if self._may("kitbag.view_stolenreport") else []

    @cached_property
    def entries(self) -> queries.Newest[PointsEntry] | None:
        return queries.read_entries(self.member) if self._may("kitbag.view_pointsentry") else None

    @cached_property
    def ledger(self) -> list[words.LedgerRow]:
        return words.ledger_rows(self.member, self.entries.rows) if self.entries else []

    @cached_property
    def level_changes(self) -> list[LevelChange]:
        return queries.read_level_changes(self.member) if self._may("members.view_levelchange") else []

    @cached_property
    def steps(self) -> list[Step] | None:
        """What is planned (R22)."""
        return forecast(self.member, timezone.localdate(self.now)) if self._may("kitbag.view_stagechange") else None

    # --- Service ---

    @cached_property
    def service(self) -> queries.Service | None:
        return queries.read_service(self.member, self.reader) if self._may("servicing.view_ticket") else None

    @cached_property
    def jobs(self) -> list[words.JobRow]:
        return words.job_rows(self.service, self.now) if self.service else []

    # --- What was said ---

    @cached_property
    def cases(self) -> queries.Cases | None:
        return queries.read_cases(self.member) if self._may("cases.view_case") else None

    @cached_property
    def mails(self) -> queries.Newest[Any] | None:
        return queries.read_mails(self.member) if self._may("outbox.view_message") else None

    @cached_property
    def mail_rows(self) -> list[MailRow]:
        if not self.mails:
            return []
        notices = queries.notices_with(self.member, [message.key for message in self.mails.rows])
        titles = {line.key: line.title for line in describe(self._reading, notices)}
        titles_by_key = {row.key: titles[row.pk] for row in notices if row.pk in titles}
        return [mail_row(message, titles_by_key.get(message.key, "")) for message in self.mails.rows]

    @cached_property
    def _reading(self) -> Reading:
        return Reading(self.member, self.now, known_steps=self.steps)

    @cached_property
    def notices(self) -> queries.Newest[Notice] | None:
        return queries.read_notices(self.member) if self._may("members.view_notice") else None

    @cached_property
    def notice_lines(self) -> list[tuple[NoticeLine, Notice]]:
        """Each notice in the words that the member reads, with its row."""
        if not self.notices:
            return []
        rows = {row.pk: row for row in self.notices.rows}
        lines = describe(self._reading, self.notices.rows)
        return [(line, rows[line.key]) for line in lines]

    @cached_property
    def notes(self) -> queries.Newest[MemberNote] | None:
        return queries.read_notes(self.member) if self._may("members.view_membernote") else None

    @cached_property
    def trail(self) -> Trail | None:
        """The newest lines of who did what with this member."""
        if not self._may("members.view_memberevent"):
            return None
        return build_trail(self.member, self.reader, start=0, limit=MAX_TRAIL)

    # --- The person ---

    @cached_property
    def cards(self) -> queries.Cards | None:
        return queries.read_cards(self.member) if self._may("offers.view_card") else None

    @cached_property
    def pack(self) -> WelcomePack | None:
        return queries.read_pack(self.member) if self._may("offers.view_welcomepack") else None

    @cached_property
    def sign_ups(self) -> queries.Newest[SignUp] | None:
        return queries.read_sign_ups(self.member) if self._may("offers.view_signup") else None

    @cached_property
    def person(self) -> queries.Person:
        return queries.read_person(self.member)
