"""The words of the programme's pages: what is planned and from when, countries, terms, offers (R1, R9, R22, R54)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from cps_portal.core.lib.charts import Text, grouped, percent
from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.presenters.programme_lists import day_text, page_of, programme_text, widths
from cps_portal.site.queries.programme import ENDS_SOON, JOBS_FOR, CountryLine, Figures, PlannedChanges
from kitbag.enums import RegistrationState
from kitbag.models import CatalogueProposal, LedgerCheck, Product, StageChange
from kitbag.queries.preview import Day
from members.enums import ChangeState, Level
from members.models import CountryPlan, CountryProgramme, ThresholdPlan

MAX_CENTRES = 6
LEVEL_STYLES = {
    Level.RED: "d-lv-red",
    Level.SILVER: "d-lv-silver",
    Level.GOLD: "d-lv-gold",
    Level.PLATINUM: "d-lv-platinum",
}


# --- Planned changes -----------------------------------------------------------------------------


@dataclass(frozen=True)
class ChangeRow:
    """A line of what is planned. `tone` is "warn" if it applies today or tomorrow. `members` is None if not counted."""

    on: date
    days: str
    tone: str
    title: str
    url: str
    text: str
    members: int | None
    told: str
    state: Text
    state_tone: str
    icon: str


def days_until(day: date, today: date) -> str:
    days = (day - today).days
    if days < 0:
        return gettext("overdue")
    if days < 2:
        return gettext("tomorrow") if days else gettext("today")
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": grouped(days)}


def change_rows(
    changes: Iterable[StageChange],
    plans: Iterable[ThresholdPlan],
    countries: Iterable[CountryLine],
    country_plans: Iterable[CountryPlan],
    today: date,
) -> list[ChangeRow]:
    """Changes of products, of levels and of countries, the earliest first. `countries` may be empty."""
    rows = [_of_change(change, today) for change in changes]
    rows += [_of_plan(plan, today) for plan in plans]
    now = {line.country.code: line.now for line in countries}
    rows += [_of_country_plan(plan, now.get(plan.country.code), today) for plan in country_plans]
    for line in countries:
        before = line.now
        for entry in line.coming:
            rows.append(_of_country(entry, before, today))
            before = entry
    return sorted(rows, key=lambda row: row.on)


def _row(row: Model, on: date, today: date, **words: Any) -> ChangeRow:
    is_near = (on - today).days < 2
    return ChangeRow(on=on, days=days_until(on, today), tone="warn" if is_near else "", url=page_of(row), **words)


def _of_change(change: StageChange, today: date) -> ChangeRow:
    state, tone, icon = _state(change)
    successor = gettext("Superseded by %(name)s") % {"name": change.successor} if change.successor else ""
    points = gettext("%(before)s → %(after)s points") % {"before": change.before, "after": change.after}
    return _row(
        change,
        change.effective_on,
        today,
        title=change.product.name,
        text=f"{successor or change.get_to_stage_display()}: {points}",
        members=getattr(change, "members_now", None),
        told=_told(change.announced_at),
        state=state,
        state_tone=tone,
        icon=icon,
    )


def _of_plan(plan: ThresholdPlan, today: date) -> ChangeRow:
    state, tone, icon = _state(plan)
    points = {"silver": plan.silver, "gold": plan.gold, "platinum": plan.platinum}
    return _row(
        plan,
        plan.effective_on,
        today,
        title=gettext("Levels"),
        text=gettext("Silver from %(silver)s, Gold from %(gold)s, Platinum from %(platinum)s") % points,
        members=plan.told if plan.announced_at else None,
        told=_told(plan.announced_at),
        state=state,
        state_tone=tone,
        icon=icon,
    )


def _of_country(entry: CountryProgramme, before: CountryProgramme | None, today: date) -> ChangeRow:
    names = {"before": programme_text(before), "after": programme_text(entry)}
    return _row(
        entry,
        entry.valid_from,
        today,
        title=entry.country.name,
        text=gettext("From “%(before)s” to “%(after)s”") % names,
        members=None,
        told="",
        state=gettext("Planned"),
        state_tone="line",
        icon="calendar",
    )


def _of_country_plan(plan: CountryPlan, before: CountryProgramme | None, today: date) -> ChangeRow:
    state, tone, icon = _state(plan)
    names = {"before": programme_text(before), "after": programme_text(plan.as_programme())}
    return _row(
        plan,
        plan.effective_on,
        today,
        title=plan.country.name,
        text=gettext("From “%(before)s” to “%(after)s”") % names,
        members=plan.told if plan.announced_at else None,
        told=_told(plan.announced_at),
        state=state,
        state_tone=tone,
        icon=icon,
    )


def _told(at: datetime | None) -> str:
    return gettext("Told %(day)s") % {"day": day_text(timezone.localdate(at))} if at else gettext("Not everyone yet")


def _state(change: StageChange | ThresholdPlan | CountryPlan) -> tuple[Text, str, str]:
    """The state in words, its tone and its icon."""
    if change.state == ChangeState.RUNNING:
        return gettext("Being applied"), "turn", "repeat"
    if change.announced_at is None:
        return gettext("Members are being told"), "line", "mail"
    if change.told_in_time:
        return gettext("Ready"), "ok", "check"
    return gettext("Told too late"), "late", "alert"


@dataclass(frozen=True)
class DayOfChanges:
    """All that applies on one day, and what it does: `falls` and `rises` are numbers of members."""

    on: date
    days: str
    rows: list[ChangeRow]
    effect: Day | None
    falls: int
    rises: int


def by_day(rows: Iterable[ChangeRow], planned: PlannedChanges) -> list[DayOfChanges]:
    """The effects are those of changes of products; of several on one day together."""
    effects = {day.on: day for day in planned.effects.days} if planned.effects else {}
    days: dict[date, list[ChangeRow]] = {}
    for row in rows:
        days.setdefault(row.on, []).append(row)
    return [
        DayOfChanges(on, found[0].days, found, effects.get(on), *_moves(effects.get(on))) for on, found in days.items()
    ]


def _moves(effect: Day | None) -> tuple[int, int]:
    moves = effect.moves.items() if effect else ()
    falls = sum(n for (before, after), n in moves if after.rank < before.rank)
    return falls, sum(n for (before, after), n in moves if after.rank > before.rank)


@dataclass(frozen=True)
class Difference:
    label: Text
    before: str
    after: str


@dataclass(frozen=True)
class ProposalRow:
    """What a load of the catalogue proposes for a product."""

    product: str
    url: str
    changes: list[Difference]
    at: datetime


def proposal_row(proposal: CatalogueProposal) -> ProposalRow:
    changes = [
        Difference(_field_name(name), *("–" if value in (None, "") else str(value) for value in values))
        for name, values in sorted(proposal.changes.items())
    ]
    return ProposalRow(str(proposal.product), page_of(proposal), changes, proposal.proposed_at)


def _field_name(name: str) -> Text:
    """A field of products as people call it."""
    known = {field.name: field for field in Product._meta.concrete_fields}
    return capfirst(known[name].verbose_name) if name in known else name


# --- The overview --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number of the strip, with what is small beside it."""

    label: Text
    value: str
    note: str = ""
    tone: str = ""


def strip(figures: Figures, check: LedgerCheck | None) -> list[Number]:
    """Empty for those who may not see the numbers."""
    if not figures.levels:
        return []
    kit = {state: n for state, (n, _more) in figures.kit.items()}
    counting, drafts = kit.get(RegistrationState.VALIDATED, 0), kit.get(RegistrationState.DRAFT, 0)
    jobs, met = figures.jobs
    live, ending = figures.waiting.get("offers", (0, 0))
    each = gettext("%(number)s a member") % {"number": f"{counting / figures.members:.1f}"}
    numbers = [
        Number(
            gettext("Members"),
            grouped(figures.members),
            gettext("+%(number)s this week") % {"number": grouped(figures.new_members)} if figures.new_members else "",
            "ok",
        ),
        Number(gettext("Products that count"), grouped(counting), each),
        Number(gettext("Waiting for a detail"), grouped(drafts)),
        Number(
            gettext("Jobs in time, %(days)s days") % {"days": JOBS_FOR.days},
            f"{percent(met, jobs)} %" if jobs else "–",
            gettext("%(met)s of %(jobs)s") % {"met": grouped(met), "jobs": grouped(jobs)},
        ),
        Number(
            gettext("Offers"),
            grouped(live),
            gettext("%(number)s end in %(days)s days") % {"number": grouped(ending), "days": ENDS_SOON.days}
            if ending
            else "",
        ),
    ]
    if check:
        wrong = check.wrong_registrations + check.wrong_points + check.wrong_levels
        when = date_format(timezone.localtime(check.finished_at), "j M, H:i")
        numbers.append(Number(gettext("Ledger check"), _off(wrong), when, "late" if wrong else "ok"))
    return numbers


def _off(wrong: int) -> str:
    return ngettext("%(count)s off", "%(count)s off", wrong) % {"count": grouped(wrong)}


@dataclass(frozen=True)
class LevelPart:
    level: Level
    members: int
    share: int
    x: str
    width: str
    style: str


def level_parts(figures: Figures) -> list[LevelPart]:
    """Parts of one bar, the lowest level first."""
    counts = [figures.levels.get(level.value, (0, 0))[0] for level in Level]
    return [
        LevelPart(level, n, percent(n, figures.members), *place, LEVEL_STYLES[level])
        for level, n, place in zip(Level, counts, widths(counts), strict=True)
    ]


@dataclass(frozen=True)
class CentreShare:
    """How many of a centre's jobs were in time, in percent. `is_below` the share of all centres."""

    name: str
    jobs: int
    share: int
    is_below: bool


def centre_shares(figures: Figures) -> list[CentreShare]:
    """The centres with most jobs of the last 30 days, by name."""
    most = sorted(figures.centres.items(), key=lambda centre: (-centre[1][0], centre[0]))[:MAX_CENTRES]
    jobs, met = figures.jobs
    return [CentreShare(name, n, percent(kept, n), kept * jobs < met * n) for name, (n, kept) in sorted(most)]


def summary(figures: Figures, rows: Sequence[ChangeRow]) -> str:
    """The line under the heading: what is near, and what waits."""
    near = sum(1 for row in rows if row.tone)
    proposals = figures.waiting.get("proposals", (0, 0))[0]
    sentences = [
        (near, ngettext("%(n)s change applies by tomorrow.", "%(n)s changes apply by tomorrow.", near)),
        (proposals, ngettext("%(n)s proposal waits for you.", "%(n)s proposals wait for you.", proposals)),
    ]
    said = " ".join(sentence % {"n": grouped(count)} for count, sentence in sentences if count)
    return said or gettext("Nothing changes today or tomorrow, and no proposal waits.")
