"""Cases as the desk shows them: rows of the inbox, when something is due, who has it, how long to snooze (R54, R58)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.queries.cases import Figures, GroupPage
from members.models import User
from members.support import rules
from members.support.enums import CaseGroup, CaseState, MessageAuthor
from members.support.models import Case, CaseMessage, CaseReader
from members.support.presenters import due_in_words

SNIPPET_LENGTH = 160
WEEK = timedelta(days=6)
VIEW_LABELS = {
    "all": _("All open"),
    "mine": _("Mine"),
    "nobody": _("Nobody’s"),
    "closed": _("Closed"),
}
GROUP_TONES = {CaseGroup.OVERDUE: "late", CaseGroup.OURS: "turn"}


@dataclass(frozen=True)
class Due:
    """When something is due or happened: in short, in full, and how urgent."""

    text: str
    full: str = ""
    tone: str = ""

    @property
    def icon(self) -> str:
        return {"late": "alert", "warn": "clock"}.get(self.tone, "")


@dataclass(frozen=True)
class Who:
    """Who of staff has the case: initials and a name, or nobody."""

    initials: str
    name: str
    is_me: bool


@dataclass(frozen=True)
class Row:
    case: Case
    name: str
    country: str
    title: str
    snippet: str
    due: Due
    who: Who | None


@dataclass(frozen=True)
class Group:
    """A group of the inbox with its rows."""

    page: GroupPage
    rows: list[Row]

    @property
    def tone(self) -> str:
        return GROUP_TONES.get(self.page.group, "")


def inbox_groups(pages: list[GroupPage], user: User, at: datetime) -> list[Group]:
    return [Group(page, [inbox_row(case, page.group, user, at) for case in page.rows]) for page in pages]


def inbox_row(case: Any, group: CaseGroup, user: User, at: datetime) -> Row:
    """`case` has its `last_message`."""
    return Row(
        case=case,
        name=customer_name(case),
        country=str(case.member.country) if case.member else "",
        title=case.subject or case.get_kind_display(),
        snippet=_snippet(case.last_message, user),
        due=due_of(case, group, at),
        who=who(case.assigned_to, user),
    )


def customer_name(case: Case) -> str:
    if case.member:
        return case.member.full_name or case.member.number_in_groups
    return case.visitor_name or gettext("Deleted")


def _snippet(message: CaseMessage | None, user: User) -> str:
    if message is None or message.erased_at:
        return ""
    text = Truncator(" ".join(message.text.split())).chars(SNIPPET_LENGTH)
    if message.author == MessageAuthor.STAFF:
        return gettext("You: %(text)s" if message.by_id == user.pk else "Us: %(text)s") % {"text": text}
    return text


def who(assigned: User | None, user: User) -> Who | None:
    return Who(initials(assigned.email), name_of(assigned), assigned.pk == user.pk) if assigned else None


def name_of(user: User) -> str:
    """What colleagues call somebody of staff, who has no name in the portal but an address."""
    return user.email.partition("@")[0].replace(".", " ").replace("_", " ").title()


def initials(email: str) -> str:
    words = name_of(User(email=email)).split()
    return ("".join(word[0] for word in words[:2]) if len(words) > 1 else "".join(words)[:2]).upper()


@dataclass(frozen=True)
class Line:
    """A message of the conversation with who wrote it."""

    message: CaseMessage
    name: str
    initials: str
    is_me: bool

    @property
    def is_ours(self) -> bool:
        return self.message.author in (MessageAuthor.STAFF, MessageAuthor.PORTAL)


def lines_of(case: Case, messages: Iterable[CaseMessage], user: User) -> list[Line]:
    return [_line(case, message, user) for message in messages]


def _line(case: Case, message: CaseMessage, user: User) -> Line:
    if message.author == MessageAuthor.STAFF and message.by:
        return Line(message, name_of(message.by), initials(message.by.email), message.by_id == user.pk)
    name = gettext("The portal") if message.author == MessageAuthor.PORTAL else customer_name(case)
    return Line(message, name, "".join(word[0] for word in name.split()[:2]).upper(), is_me=False)


# --- When ------------------------------------------------------------------------------------------


def due_of(case: Case, group: CaseGroup, at: datetime) -> Due:
    """What the end of a row says about time."""
    if group == CaseGroup.OVERDUE and case.due_at:
        return Due(_late(at - case.due_at), due_in_words(case.due_at), "late")
    if group == CaseGroup.OURS and case.due_at:
        is_today = _local(case.due_at).date() == _local(at).date()
        return Due(_moment(case.due_at, at), due_in_words(case.due_at), "warn" if is_today else "")
    if group == CaseGroup.THEIRS and case.quiet_since:
        words = gettext("asked %(day)s") if case.state == CaseState.WAITING else gettext("answered %(day)s")
        return Due(words % {"day": _day(case.quiet_since, at)}, due_in_words(case.quiet_since))
    if group == CaseGroup.SNOOZED:
        return _snoozed(case, at)
    return Due(_day(case.closed_at, at), due_in_words(case.closed_at)) if case.closed_at else Due("")


def _snoozed(case: Case, at: datetime) -> Due:
    if case.snoozed_until:
        return Due(_moment(case.snoozed_until, at), due_in_words(case.snoozed_until))
    return Due(gettext("until a job moves on") if case.snoozed_job else gettext("until they write"))


def _late(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    if minutes < 60:
        return ngettext("%(n)d min late", "%(n)d min late", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 24:
        return ngettext("%(n)d hour late", "%(n)d hours late", hours) % {"n": hours}
    return ngettext("%(n)d day late", "%(n)d days late", hours // 24) % {"n": hours // 24}


def _local(moment: datetime) -> datetime:
    """In the time zone of support's working hours, as deadlines are everywhere."""
    return timezone.make_naive(moment, settings.SUPPORT_CALENDAR.zone)


def _moment(moment: datetime, at: datetime) -> str:
    time = date_format(_local(moment), "H:i")
    return f"{_day(moment, at)} {time}" if abs(moment - at) < WEEK else _day(moment, at)


def _day(moment: datetime, at: datetime) -> str:
    """The day in short: today, a weekday of this week, or a date."""
    local = _local(moment)
    if local.date() == _local(at).date():
        return gettext("today")
    if abs(moment - at) < WEEK:
        return date_format(local, "D")
    return date_format(local, "j M" if local.year == _local(at).year else "j M Y")


# --- Snooze, readers, numbers --------------------------------------------------------------------


def snooze_choices(at: datetime, jobs: list[Any]) -> list[tuple[str, str]]:
    """Until when a case can be snoozed, by what the button sends."""
    labels = {
        "evening": gettext("Today, %(time)s"),
        "tomorrow": gettext("Tomorrow, %(time)s"),
        "monday": gettext("Monday, %(time)s"),
    }
    times = rules.snooze_times(at, settings.SUPPORT_CALENDAR.zone)
    choices = [(name, labels[name] % {"time": date_format(_local(moment), "H:i")}) for name, moment in times.items()]
    choices.append(("customer", gettext("Until they write")))
    moves_on = gettext("Until job %(reference)s moves on")
    return choices + [(f"job:{job.reference}", moves_on % {"reference": job.reference_in_groups}) for job in jobs]


def read_snooze(choice: str, at: datetime, when: str = "") -> tuple[datetime | None, str] | None:
    """The time and the reference of the job that a choice stands for; None for something else.

    For the choice "when" the time is typed, like "2026-12-01T09:00", in the time zone of support's working hours.
    """
    if choice == "customer":
        return None, ""
    if choice.startswith("job:"):
        return None, choice.removeprefix("job:")
    if choice == "when":
        return _read_time(when, at)
    until = rules.snooze_times(at, settings.SUPPORT_CALENDAR.zone).get(choice)
    return (until, "") if until else None


def _read_time(text: str, at: datetime) -> tuple[datetime, str] | None:
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if typed.tzinfo or not at.year <= typed.year <= at.year + 1:  # far years could not be compared in every time zone
        return None
    return typed.replace(tzinfo=settings.SUPPORT_CALENDAR.zone), ""


def others_line(readers: list[CaseReader], typing_since: datetime) -> tuple[str, bool]:
    """Who else is at the case, and whether one of them is typing."""
    typing = [name_of(row.user) for row in readers if row.typing_at and row.typing_at > typing_since]
    reading = [name_of(row.user) for row in readers]
    if typing:
        return gettext("%(name)s is typing in this case now") % {"name": ", ".join(typing)}, True
    if reading:
        return gettext("%(name)s is reading this case too") % {"name": ", ".join(reading)}, False
    return "", False


def figures_line(figures: Figures, days: int) -> str:
    """How fast we answer and whether we help, in one line."""
    parts = []
    if figures.first_answer is not None:
        parts.append(gettext("First answer in %(time)s at the median") % {"time": _length(figures.first_answer)})
    if figures.rated:
        share = round(100 * figures.good / figures.rated)
        words = ngettext(
            "%(share)s%% of %(n)s customer say we helped", "%(share)s%% of %(n)s customers say we helped", figures.rated
        )
        parts.append(words % {"share": share, "n": figures.rated})
    if not parts:
        return ""
    return gettext("%(facts)s, in the last %(days)s days.") % {"facts": "; ".join(parts), "days": days}


def _length(length: timedelta) -> str:
    minutes = max(int(length.total_seconds()) // 60, 1)
    if minutes < 120:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 72:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}
