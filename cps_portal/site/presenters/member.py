"""The whole member on one page, in words: flags, numbers, jobs, notices, mails (R54)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries.fields import Country

from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox.suppressions import find_suppression
from cps_portal.site.queries import member as queries
from kitbag.models import PointsEntry, StolenReport, Totals
from kitbag.presenters.kit_for_staff import KitRow, kit_row
from kitbag.presenters.ledger import explain_entry, notified_at_by_change
from kitbag.presenters.scale import Scale, build_scale
from kitbag.queries.forecast import Step
from members.enums import Level
from members.models import Member, Notice
from members.rules import Membership, next_level
from servicing.models import Loan
from servicing.presenters.tickets import Job, make_jobs
from servicing.rules.places import PLACES

SEEN_STOLEN_FOR = timedelta(days=90)  # that long the page says that stolen kit was presented
Chip = tuple[str | Promise, str, str]  # what it says, its tone, its icon


def day_in_words(at: datetime | date) -> str:
    """One form of days for the whole page."""
    return date_format(timezone.localtime(at) if isinstance(at, datetime) else at, "j M Y")


# --- Flags ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flag:
    """What everybody who opens the page has to know first. `link` leads to the part of the page that has more."""

    tone: str
    icon: str
    title: str
    text: str
    anchor: str = ""
    link: str = ""


def flags(
    member: Member, membership: Membership, *, reports: Iterable[StolenReport], move: Notice | None, now: datetime
) -> list[Flag]:
    """`reports` have `seen_at`; `move` is what the member was told when they moved not long ago."""
    shown = [*_merged(member), *_closing(member), *_seen(reports, now), *_moved(move), *_resting(member, membership)]
    return shown if member.closed_at else [*shown, *_mails_come_back(member)]


def _merged(member: Member) -> Iterator[Flag]:
    """Two accounts of one person are one (R69)."""
    if other := member.merged_into:
        text = _("This account went into %(number)s.") % {"number": other.number_in_groups}
        yield Flag("late", "user", _("Merged"), text, _page_of(other), _("Open it"))
    for other in queries.absorbed_accounts(member):
        text = _("%(number)s went into this account. What it had is shown here, too.")
        facts = {"number": other.number_in_groups}
        yield Flag("", "user", _("Two accounts became one"), text % facts, _page_of(other), _("Open it"))


def _page_of(member: Member) -> str:
    return reverse("admin:members_member_change", args=[member.pk])


def _closing(member: Member) -> Iterator[Flag]:
    if member.erased_at:
        yield Flag("late", "lock", _("Erased"), _("On %(day)s.") % {"day": day_in_words(member.erased_at)})
    elif member.closed_at and member.reopens_until:
        days = {"day": day_in_words(member.closed_at), "until": day_in_words(member.reopens_until)}
        text = _("On %(day)s. Erased from %(until)s; until then they reopen it by signing in.")
        yield Flag("late", "lock", _("Account closed"), text % days)


def _seen(reports: Iterable[StolenReport], now: datetime) -> Iterator[Flag]:
    for report in reports:
        seen_at = getattr(report, "seen_at", None)
        if seen_at and seen_at > now - SEEN_STOLEN_FOR:
            text = _("%(product)s turned up on %(day)s.")
            facts = {"product": report.product, "day": day_in_words(seen_at)}
            yield Flag("late", "lock", _("Stolen kit seen"), text % facts, "#kit", _("Look at the kit"))


def _moved(move: Notice | None) -> Iterator[Flag]:
    if move:
        countries = {name: Country(str(move.params.get(name, ""))).name for name in ("from", "to")}
        text = _("From %(from)s to %(to)s. Level, kit and history came along.") % countries
        yield Flag("warn", "globe", _("Moved on %(day)s") % {"day": day_in_words(move.at)}, text)


def _resting(member: Member, membership: Membership) -> Iterator[Flag]:
    if not membership.is_active and not member.closed_at:
        text = _("%(country)s is not in the free programme. Level and kit stay as they are.")
        yield Flag("warn", "moon", _("Membership rests"), text % {"country": member.country.name})


def _mails_come_back(member: Member) -> Iterator[Flag]:
    if suppression := find_suppression(member.user.email):
        text = _("Since %(day)s. They get only what they must have until they confirm the address again.")
        title = str(suppression.get_reason_display())
        yield Flag("warn", "mail", title, text % {"day": day_in_words(suppression.since)})


# --- Numbers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """One of the numbers at the top. `scale` is drawn below it."""

    label: str
    value: str
    note: str = ""
    scale: Scale | None = None


def points_number(member: Member, waiting: int, thresholds: dict[str, int]) -> Number:
    ahead = next_level(member.points, thresholds)
    parts = []
    if ahead:
        missing = _("%(points)s to %(level)s") % {"points": intcomma(ahead[1]), "level": Level(ahead[0]).label}
        parts.append(missing)
    if waiting:
        parts.append(_("%(points)s waiting") % {"points": intcomma(waiting)})
    scale = build_scale(points=member.points, second_points=member.points + waiting, thresholds=thresholds)
    return Number(_("Points"), intcomma(member.points), ", ".join(parts), scale)


def waiting_number(totals: Totals) -> Number:
    grey = totals.live - totals.counting
    note = ngettext("%(count)s product is grey", "%(count)s products are grey", grey) % {"count": grey}
    return Number(_("Waiting in kit"), intcomma(totals.waiting_points), note)


def ahead_number(member: Member, steps: list[Step]) -> Number:
    """The points after the next change that is planned."""
    if not steps:
        return Number(_("Ahead"), intcomma(member.points), _("nothing is planned"))
    step = steps[0]
    sentence = _("from %(day)s, then %(level)s") if step.level_after != step.level_before else _("from %(day)s")
    facts = {"day": day_in_words(step.on), "level": step.level_after.label}
    return Number(_("Ahead"), intcomma(step.total_after), sentence % facts)


def service_number(service: queries.Service) -> Number:
    out = service.loans_out
    note = ngettext("%(count)s loan", "%(count)s loans", out) % {"count": out}
    value = _("%(taken)s of %(places)s") % {"taken": service.places, "places": PLACES}
    return Number(_("Places in service"), value, note if out else _("no loan"))


def seen_number(seen_at: datetime | None) -> Number:
    if seen_at is None:
        return Number(_("Last seen"), "–")
    return Number(_("Last seen"), day_in_words(seen_at), date_format(timezone.localtime(seen_at), "H:i"))


def since_number(member: Member) -> Number:
    joined = timezone.localtime(member.joined_at)
    return Number(_("Member since"), date_format(joined, "Y"), date_format(joined, "j F"))


# --- Kit and points ------------------------------------------------------------------------------


def kit_rows(kit: queries.Kit) -> list[KitRow]:
    stolen = {report.registration_id: report for report in kit.reports}
    return [
        kit_row(row, claim=kit.claims.get(row.pk), report=stolen.get(row.pk), duplicate_of=kit.duplicates.get(row.pk))
        for row in kit.kit.rows
    ]


@dataclass(frozen=True)
class LedgerRow:
    entry: PointsEntry
    why: str


def ledger_rows(member: Member, entries: Iterable[PointsEntry]) -> list[LedgerRow]:
    """Entries with their cause in the words that the member reads (R21)."""
    rows = list(entries)
    notified_at = notified_at_by_change(member, rows)
    return [LedgerRow(entry, explain_entry(entry, notified_at)) for entry in rows]


# --- Service -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobRow:
    job: Job
    now: str | Promise
    chip: Chip | None
    loan: Loan | None
    tracking: list[str]


def job_rows(service: queries.Service, now: datetime) -> list[JobRow]:
    return [
        JobRow(
            job=job,
            now=_now(job),
            chip=_time_chip(job),
            loan=service.loans.get(job.ticket.pk),
            tracking=[shipment.number for shipment in job.ticket.shipments.all() if shipment.number],
        )
        for job in make_jobs(service.tickets.rows, now)
    ]


def _now(job: Job) -> str | Promise:
    ended_at = job.ticket.ended_at
    if ended_at is None:
        return job.ticket.get_state_display()
    facts = {"state": job.ticket.get_state_display(), "day": day_in_words(ended_at)}
    return _("%(state)s on %(day)s") % facts


def _time_chip(job: Job) -> Chip | None:
    """How the job stands against its target."""
    if job.needs_member and not job.ticket.ended_at:
        return (_("Waits for the member"), "line", "user")
    if not job.has_begun:
        return None
    text = f"{job.number} {job.unit}"
    if job.is_late:
        return (text, "late", "alert")
    return (_("paused"), "line", "pause") if job.is_paused else (text, "ok", "check")
