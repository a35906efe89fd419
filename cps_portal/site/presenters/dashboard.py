"""What the dashboard shows: level, what closes the gap, tasks, notices, points over time (R12, R18, R21, R56)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from allauth.account.models import EmailAddress
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Case, Value, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from cps_portal.core.outbox.models import Suppression
from cps_portal.core.outbox.suppressions import find_suppression
from cps_portal.site.presenters.notice_words import Reading
from cps_portal.site.presenters.notices import NoticeLine, current_notices
from cps_portal.site.presenters.tasks import Task, find_tasks
from cps_portal.site.presenters.travelling import InFull, build_in_full
from cps_portal.site.queries.around import what_there_is
from kitbag.enums import NEEDS_MEMBER, RegistrationState
from kitbag.models import PointsEntry, Registration, RegistrationQuerySet, Totals, points_now, totals_of
from kitbag.presenters.chart import Chart, points_chart, within_a_year
from kitbag.presenters.ledger import entry_title
from kitbag.presenters.registrations import RegistrationCard, build_card
from kitbag.presenters.scale import Scale, build_scale
from kitbag.presenters.texts import decision_sentence
from kitbag.queries.deadlines import decision_due
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.forecast import Step, forecast
from members import rules
from members.enums import Level
from members.models import LevelBenefit, LevelThreshold, Member
from members.offers.queries import OfferOverview, visible_offers
from members.queries import benefit_at, membership_of
from members.rules import Membership
from servicing.presenters.tickets import Job, fast_track_places, open_jobs

TASKS_SHOWN = 5
MIN_KIT_TASKS_SHOWN = 2  # of them, however much else there is to do
TASKS_READ = 50  # those worth most; the fewest that close the gap are always among them
NEWS_SHOWN = 4
MAX_NEWS_SHOWN = 6  # beside many tasks and jobs, so that both columns are full
NEWS_READ = 12  # of them those that still hold are shown
JOBS_SHOWN = 3
REFRESH_FOR = timedelta(minutes=2)  # a check that takes longer was left to a person: the page stops polling


@dataclass(frozen=True)
class NextLevel:
    """What closes the gap to the next level (R12): finishing `finish` drafts worth `points`, or `checking` points."""

    level: str | Promise
    gap: int
    points: int = 0
    finish: int = 0
    checking: int = 0

    @property
    def needs_checked_points(self) -> bool:
        """Whether the points being checked are needed, too."""
        return self.points < self.gap


NEEDING: CompiledModels[Registration] = CompiledModels(
    lambda member: (
        Registration.objects.filter(member=member, state__in=NEEDS_MEMBER)
        .select_related("product", "member")
        .order_by(
            Case(When(state=RegistrationState.REJECTED, then=Value(0)), default=Value(1)),
            points_now("product__").desc(),
            "pk",
        )[:TASKS_READ]
    ),
    related=["product", "member"],
)
ADDRESS: CompiledModels[EmailAddress] = CompiledModels(
    lambda user: EmailAddress.objects.filter(user=user, primary=True).order_by("pk")[:1]
)
LEDGER_COLUMNS = ("at", "total", "amount", "cause", "registration__product__name")
LEDGER: CompiledQuery[tuple[datetime, int, int, str, str | None]] = CompiledQuery(
    lambda member: PointsEntry.objects.filter(member=member).with_total().order_by("pk").values_list(*LEDGER_COLUMNS)
)


class LastChange(NamedTuple):
    amount: int
    title: str
    at: datetime


@dataclass(frozen=True)
class Dashboard:
    member: Member
    level: Level
    membership: Membership
    scale: Scale
    gap: NextLevel | None
    unconfirmed: EmailAddress | None  # the sign-in address, until it is confirmed
    mail_trouble: Suppression | None  # the same, if mails to it come back
    news: list[NoticeLine]  # what only informs (R56)
    other_tasks: list[Task]  # beside kit and address
    cards: list[RegistrationCard]
    totals: Totals
    checking: bool
    decision: str  # by when a person decides about what is waiting for one (R19)
    chart: Chart | None
    benefit: LevelBenefit | None
    last_change: LastChange | None
    next_level: Level | None
    next_benefit: LevelBenefit | None
    in_full: InFull | None  # above Silver in a silver-only country: what the level gives elsewhere (R3)
    next_points: int
    next_change: Step | None  # the first planned change (R22)
    more_changes: int
    offers: OfferOverview
    jobs: list[Job]  # products in service
    places: list[bool]  # the Fast Track places: True is taken (R49)
    places_taken: int

    @property
    def is_new(self) -> bool:
        return not self.totals.live and self.last_change is None

    @property
    def tasks(self) -> int:
        """How many things the member has to do: news are none of them."""
        address = 1 if self.unconfirmed or self.mail_trouble else 0
        return self.totals.needing + len(self.other_tasks) + address

    @property
    def has_offers_below(self) -> bool:
        """Whether the offers stand below the two columns; without a job they fill the place of "In service"."""
        return bool(self.jobs) and self.offers.is_anything

    @property
    def being_checked(self) -> int:
        return self.totals.waiting - self.totals.needing

    @property
    def more(self) -> int:
        """Registrations that need the member beyond those shown."""
        return self.totals.needing - len(self.cards)


def build(member: Member, now: datetime) -> Dashboard:
    """Everything the dashboard shows, in a number of queries that does not depend on how much a member holds."""
    thresholds = LevelThreshold.objects.in_force()
    mine = Registration.objects.of(member)
    totals = totals_of(member)
    checking_points = totals.waiting_points - totals.needing_points
    needing = NEEDING.all(member=member.pk) if totals.needing else []
    duplicates = find_own_duplicates(needing)
    finishable = [row for row in needing if row.pk not in duplicates]
    address = ADDRESS.first(user=member.user_id)
    ahead = rules.next_level(member.points, thresholds)
    membership = membership_of(member)
    gives_more = ahead is not None and membership.gives_more_at(ahead[0])
    benefit = benefit_at(membership, membership.level)
    entries, last_change = _ledger(member)
    is_new = not entries and not totals.live
    today = timezone.localdate(now)
    around = what_there_is(member, today)
    steps = forecast(member, today, has_expiring=around.expiring_points)
    offers = visible_offers(member, membership, now, has_pack=around.packs, has_sign_ups=around.sign_ups)
    running = open_jobs(member, now) if around.jobs else []
    places, places_taken = fast_track_places(running)
    submitted = mine.filter(state=RegistrationState.SUBMITTED).order_by("-submitted_at")
    last_submitted = submitted.first() if totals.waiting > totals.needing else None
    reading = Reading(member, now, steps, offers.pack_offered is not None)
    other_tasks = find_tasks(member, running, now, around, is_pack_returned=offers.pack_returned is not None)
    cards = needing[: max(TASKS_SHOWN - len(other_tasks), MIN_KIT_TASKS_SHOWN)]
    beside = len(other_tasks) + len(cards) + min(len(running), JOBS_SHOWN)
    news_shown = max(NEWS_SHOWN, min(beside - 2, MAX_NEWS_SHOWN))
    return Dashboard(
        member=member,
        level=Level(member.level),
        membership=membership,
        scale=_scale(member.points, totals.waiting_points, thresholds, ahead if gives_more else None),
        gap=_gap(member.points, thresholds, finishable, checking_points) if gives_more else None,
        unconfirmed=address if address and not address.verified else None,
        mail_trouble=find_suppression(address.email) if address else None,
        news=current_notices(reading, limit=NEWS_READ, news_only=True)[:news_shown],
        other_tasks=other_tasks,
        cards=[build_card(row, None, duplicates.get(row.pk)) for row in cards],
        totals=totals,
        checking=_is_checking(mine, last_submitted, now),
        decision=_decision(last_submitted, now),
        chart=points_chart(
            entries=entries,
            thresholds=thresholds,
            waiting=totals.waiting_points,
            joined_at=member.joined_at,
            now=now,
            planned=within_a_year(steps, today),
        )
        if entries or totals.waiting_points
        else None,
        benefit=benefit,
        last_change=last_change,
        next_level=Level(ahead[0]) if ahead else None,
        in_full=build_in_full(member, membership),
        next_points=thresholds[ahead[0]] if ahead else 0,
        next_change=steps[0] if steps else None,
        more_changes=len(steps[1:]),
        offers=offers,
        jobs=running[:JOBS_SHOWN],
        places=places,
        places_taken=places_taken,
        next_benefit=benefit_at(membership, ahead[0]) if ahead and gives_more and is_new else None,
    )


def _is_checking(mine: RegistrationQuerySet, last: Registration | None, now: datetime) -> bool:
    """Whether the automatic check has something. `last` is the newest of what was submitted."""
    since = now - REFRESH_FOR
    is_recent = last is not None and last.submitted_at is not None and last.submitted_at > since
    return is_recent and mine.undecided(now).filter(submitted_at__gt=since).exists()


def _decision(last: Registration | None, now: datetime) -> str:
    """By when the member hears about the last of what is being checked."""
    due = decision_due(last) if last else None
    return decision_sentence(due, now) if due else ""


def greeting(now: datetime) -> str:
    """Good morning until noon, good afternoon until six, in the portal's time zone."""
    hour = timezone.localtime(now).hour
    if hour < 12:
        return _("Good morning, %(name)s")
    return _("Good afternoon, %(name)s") if hour < 18 else _("Good evening, %(name)s")


def _scale(points: int, waiting: int, thresholds: dict[str, int], ahead: tuple[str, int] | None) -> Scale:
    """`ahead` is the next level that gives more, and the points missing to it."""
    description = _("%(points)s points counted.") % {"points": intcomma(points)}
    if ahead:
        description += " " + _("%(gap)s points to %(level)s.") % {
            "gap": intcomma(ahead[1]),
            "level": Level(ahead[0]).label,
        }
    return build_scale(
        points=points,
        thresholds=thresholds,
        second_points=points + waiting if waiting else None,
        description=description,
    )


def _gap(points: int, thresholds: dict[str, int], needing: list[Registration], checking: int) -> NextLevel | None:
    ahead = rules.next_level(points, thresholds)
    if ahead is None:
        return None
    level, gap = ahead
    if checking >= gap:
        reached = rules.level_for(points + checking, thresholds)
        return NextLevel(Level(reached).label, gap, points=checking, checking=checking)
    worth = {row.pk: row.product.points for row in needing}
    chosen = rules.fewest_to_close(gap - checking, worth.items())
    if not chosen:
        return NextLevel(Level(level).label, gap, checking=checking)
    gained = sum(worth[key] for key in chosen)
    reached = rules.level_for(points + checking + gained, thresholds)
    return NextLevel(Level(reached).label, gap, points=gained, finish=len(chosen), checking=checking)


def _ledger(member: Member) -> tuple[list[tuple[datetime, int]], LastChange | None]:
    """Time and total of every entry, and the newest entry: both in one query."""
    if member.absorbed:
        rows = list(PointsEntry.objects.of(member).with_total().order_by("pk").values_list(*LEDGER_COLUMNS))
    else:
        rows = LEDGER.all(member=member.pk)
    if not rows:
        return [], None
    at, _total, amount, cause, product = rows[-1]
    return list(dict(row[:2] for row in rows).items()), LastChange(amount, entry_title(cause, product or ""), at)
