"""What the dashboard says: level, what closes the gap, whose turn it is, points over time (R12, R18, R21, R56)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from allauth.account.models import EmailAddress
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Case, Value, When
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kitbag.enums import NEEDS_MEMBER, RefusalReason, RegistrationState
from kitbag.models import PointsEntry, Registration, points_now
from kitbag.presenters.chart import Chart, points_chart, within_a_year
from kitbag.presenters.registrations import RegistrationCard, entry_title, build_card
from kitbag.queries.forecast import Step, forecast
from members import rules
from members.enums import Level, NoticeCode
from members.models import LevelBenefit, LevelThreshold, Member, Notice
from members.offers.queries import Shelf, shelf_of
from members.queries import benefit_of
from servicing.presenters import events
from servicing.presenters.tickets import Job, open_jobs, places

TURNS_SHOWN = 5
TURNS_READ = 50  # the ones worth most: more than that never are "the fewest that close the gap"
NOTICES_SHOWN = 5
JOBS_SHOWN = 3
PATIENCE = timedelta(minutes=2)  # after that the page stops asking by itself


class Stop(NamedTuple):
    """A level on the scale."""

    level: str
    label: str | Promise
    points_from: int
    current: bool


@dataclass(frozen=True)
class Scale:
    """The level card's scale: where the needle stands and how far the waiting points would carry it."""

    stops: list[Stop]
    at: str
    ahead: str
    description: str


@dataclass(frozen=True)
class Nudge:
    """What closes the gap to the next level (R12). With `finish`, by finishing that many products."""

    level: str | Promise
    gap: int
    points: int = 0
    finish: int = 0
    checking: int = 0

    @property
    def leans_on_checking(self) -> bool:
        """Whether finishing alone would not do."""
        return self.points < self.gap


class Told(NamedTuple):
    """A notice in words."""

    key: int
    code: str
    title: str
    why: str
    path: str
    at: datetime


class LastChange(NamedTuple):
    amount: int
    title: str
    at: datetime

    @property
    def size(self) -> int:
        return abs(self.amount)


@dataclass(frozen=True)
class Dashboard:
    member: Member
    level: Level
    scale: Scale
    nudge: Nudge | None
    confirm: EmailAddress | None
    notices: list[Told]
    kits: list[RegistrationCard]
    totals: dict[str, int]
    checking: bool
    chart: Chart | None
    benefit: LevelBenefit | None
    last_change: LastChange | None
    next_level: Level | None
    next_benefit: LevelBenefit | None
    next_points: int
    next_step: Step | None  # the first of what is planned (R22)
    more_steps: int
    shelf: Shelf
    jobs: list[Job]  # what is in service
    bars: list[bool]  # the places of Fast Track, taken or free (R49)
    taken: int

    @property
    def is_new(self) -> bool:
        return not self.totals["live"] and self.last_change is None

    @property
    def turns(self) -> int:
        return self.totals["needing"] + len(self.notices) + (1 if self.confirm else 0)

    @property
    def being_checked(self) -> int:
        return self.totals["waiting"] - self.totals["needing"]

    @property
    def more(self) -> int:
        """How many products need the member beyond those shown."""
        return self.totals["needing"] - len(self.kits)


def build(member: Member, now: datetime) -> Dashboard:
    """Everything the dashboard shows, in a number of queries that does not depend on how much a member holds."""
    thresholds = LevelThreshold.objects.in_force()
    mine = Registration.objects.of(member)
    totals = mine.totals()
    checking_points = totals["waiting_points"] - totals["needing_points"]
    needing = list(
        mine.filter(state__in=NEEDS_MEMBER)
        .select_related("product", "member")
        .order_by(
            Case(When(state=RegistrationState.REJECTED, then=Value(0)), default=Value(1)),
            points_now("product__").desc(),
            "pk",
        )[:TURNS_READ]
    )
    address = EmailAddress.objects.filter(user=member.user_id, primary=True).first()
    ahead = rules.next_level(member.points, thresholds)
    benefit = benefit_of(member)
    ledger = PointsEntry.objects.filter(member=member).with_total().order_by("pk")
    entries = list(ledger.values_list("at", "total"))  # type: ignore[misc]  # the stubs do not see with_total()
    last_change = _last_change(member) if entries else None
    today = timezone.localdate(now)
    steps = forecast(member, today)
    shelf = shelf_of(member, now)
    running = open_jobs(member, now)
    bars, taken = places(running)
    return Dashboard(
        member=member,
        level=Level(member.level),
        scale=_scale(member.points, totals["waiting_points"], thresholds),
        nudge=_nudge(member.points, thresholds, needing, checking_points),
        confirm=address if address and not address.verified else None,
        notices=_notices(member, pack_offered=shelf.pack_offered is not None),
        kits=[build_card(row, None) for row in needing[:TURNS_SHOWN]],
        totals=totals,
        checking=totals["waiting"] > totals["needing"]
        and mine.undecided(now).filter(submitted_at__gt=now - PATIENCE).exists(),
        chart=points_chart(
            entries=entries,
            thresholds=thresholds,
            waiting=totals["waiting_points"],
            since=member.joined_at,
            now=now,
            ahead=within_a_year(steps, today),
        )
        if entries or totals["waiting_points"]
        else None,
        benefit=benefit,
        last_change=last_change,
        next_level=Level(ahead[0]) if ahead else None,
        next_points=thresholds[ahead[0]] if ahead else 0,
        next_step=steps[0] if steps else None,
        more_steps=len(steps[1:]),
        shelf=shelf,
        jobs=running[:JOBS_SHOWN],
        bars=bars,
        taken=taken,
        next_benefit=_next_benefit(benefit, ahead, member) if not entries and not totals["live"] else None,
    )


def greeting(now: datetime) -> str:
    """Good morning until noon, good afternoon until six, by the clock of the portal."""
    hour = timezone.localtime(now).hour
    if hour < 12:
        return _("Good morning, %(name)s")
    return _("Good afternoon, %(name)s") if hour < 18 else _("Good evening, %(name)s")


def _scale(points: int, waiting: int, thresholds: dict[str, int]) -> Scale:
    level = rules.level_for(points, thresholds)
    ahead = rules.next_level(points, thresholds)
    description = _("%(points)s points counted.") % {"points": intcomma(points)}
    if ahead:
        description += " " + _("%(gap)s points to %(level)s.") % {
            "gap": intcomma(ahead[1]),
            "level": Level(ahead[0]).label,
        }
    return Scale(
        stops=[
            Stop(name, Level(name).label, start, name == level)
            for name, start in sorted(thresholds.items(), key=lambda item: item[1])
        ],
        at=f"{max(rules.scale_position(points, thresholds), 0.6):.1f}%",
        ahead=f"{rules.scale_position(points + waiting, thresholds):.1f}%" if waiting else "",
        description=description,
    )


def _nudge(points: int, thresholds: dict[str, int], needing: list[Registration], checking: int) -> Nudge | None:
    ahead = rules.next_level(points, thresholds)
    if ahead is None:
        return None
    level, gap = ahead
    if checking >= gap:
        reached = rules.level_for(points + checking, thresholds)
        return Nudge(Level(reached).label, gap, points=checking, checking=checking)
    worth = {row.pk: row.product.points for row in needing}
    chosen = rules.fewest_to_close(gap - checking, worth.items())
    if not chosen:
        return Nudge(Level(level).label, gap, checking=checking)
    gained = sum(worth[key] for key in chosen)
    reached = rules.level_for(points + checking + gained, thresholds)
    return Nudge(Level(reached).label, gap, points=gained, finish=len(chosen), checking=checking)


def _notices(member: Member, *, pack_offered: bool) -> list[Told]:
    """Those not read yet; that the Welcome Pack waits is said only while it does (R36)."""
    rows = Notice.objects.filter(member=member, read_at=None)
    if not pack_offered:
        rows = rows.exclude(code=NoticeCode.WELCOME_PACK)
    return [_told(row) for row in rows[:NOTICES_SHOWN]]


def _told(notice: Notice) -> Told:
    """What happened, in the reader's language (R56)."""
    params = notice.params
    title, why = {
        NoticeCode.LEVEL_UP: (_("You’re %(level)s now"), _("You have %(points)s points.")),
        NoticeCode.LEVEL_DOWN: (_("You’re %(level)s now"), _("Your points went down to %(points)s. See why.")),
        NoticeCode.REGISTRATION_APPROVED: (_("%(product)s counts now"), _("We’ve checked it and approved it.")),
        NoticeCode.REGISTRATION_REFUSED: (_refused(params), _reason(params.get("reason", ""))),
        NoticeCode.CASE_ANSWERED: (_("We’ve answered your message"), _("Case %(reference)s.")),
        NoticeCode.CASE_ASKED: (_("We need something from you"), _("Case %(reference)s is waiting for your reply.")),
        NoticeCode.CASE_CLOSED: (_("Case closed"), _("Case %(reference)s. If the problem comes back, reply there.")),
        NoticeCode.HANDED_OVER: (_("%(product)s has a new owner"), _("They’ve redeemed your code.")),
        NoticeCode.CAME_TO_YOU: (
            _("%(product)s is yours now"),
            _("It counts already, with its first date of purchase."),
        ),
        NoticeCode.STOLEN_PRESENTED: (
            _("Your stolen %(product)s has turned up"),
            _("Someone tried to register it or brought it to a centre. Our staff are looking into it."),
        ),
        NoticeCode.STOLEN_LIFTED: (_("%(product)s is no longer reported stolen"), _("You can use it as before.")),
        NoticeCode.WELCOME_PACK: (
            _("Your Welcome Pack is waiting"),
            _("Tell us where to send it."),
        ),
        NoticeCode.PACK_DISPATCHED: (
            _("Your Welcome Pack is on its way"),
            _("Track it here, and tell us when it arrives."),
        ),
        NoticeCode.PACK_RETURNED: (
            _("Your Welcome Pack came back to us"),
            _("We’ll send it again. Check your address first."),
        ),
        NoticeCode.PACK_SENT_AGAIN: (_("Your Welcome Pack is being sent again"), _("Track it here.")),
        NoticeCode.PACK_LATE: (
            _("Your Welcome Pack is taking longer"),
            _("Our staff are looking into it. You don’t have to do anything."),
        ),
        NoticeCode.PACK_CANCELLED: (
            _("Your Welcome Pack was cancelled"),
            _("If you didn’t expect this, write to us. We can still send it."),
        ),
        NoticeCode.CARD_REPLACED: (_("You have a new card"), _("The old one doesn’t work any more. Open the new one.")),
        NoticeCode.PLACE_FREE: (
            _("You have a place: %(title)s"),
            _("If you can’t come, give it up for the next in the queue."),
        ),
        NoticeCode.OFFER_CHANGED: (
            _("Changed: %(title)s"),
            _("See the new time and venue. If they don’t suit you, give up your place."),
        ),
        NoticeCode.TICKET: events.SENTENCES.get(params.get("kind", ""), events.OTHERWISE),
        NoticeCode.OFFER_WITHDRAWN: (_("Cancelled: %(title)s"), _("You don’t have to do anything.")),
        NoticeCode.POINTS_WILL_CHANGE: (_counts(params.get("others", 0)), _then(params)),
        NoticeCode.PLAN_CANCELLED: (
            _("%(product)s keeps its points"),
            _("The change we announced for %(on)s was cancelled."),
        ),
        NoticeCode.POINTS_ADJUSTED: (_("Our staff changed your points: %(amount)s"), "%(reason)s"),
        NoticeCode.LEVELS_STAY: (
            _("The levels stay as they are"),
            _("The change we announced for %(on)s was cancelled."),
        ),
        NoticeCode.LEVELS_WILL_CHANGE: (
            _("From %(on)s the levels start at new totals"),
            _("With your %(points)s points you’ll be %(level)s then."),
        ),
    }[NoticeCode(notice.code)]
    facts = _words(params)
    return Told(notice.pk, notice.code, str(title) % facts, str(why) % facts, notice.path, notice.at)


def _words(params: dict[str, Any]) -> dict[str, Any]:
    """The facts of a notice as its sentences name them."""
    on = params.get("on")
    amount = params.get("amount", 0)
    return {
        **params,
        "level": Level(params["to"]).label if params.get("to") in Level.values else "",
        "points": intcomma(params.get("points", 0)),
        "product": params.get("product", ""),
        "reason": params.get("reason", ""),
        "title": params.get("title", ""),
        "on": date_format(date.fromisoformat(on), "j F Y") if on else "",
        "amount": f"+{intcomma(amount)}" if amount > 0 else f"−{intcomma(abs(amount))}",
    }


def _counts(others: int) -> str:
    """Which products an announced change is about: one by name, the others by their number."""
    if not others:
        return _("From %(on)s %(product)s counts differently")
    return ngettext(
        "From %(on)s %(product)s and one more product count differently",
        "From %(on)s %(product)s and %(others)s more products count differently",
        others,
    )


def _then(params: dict[str, Any]) -> str:
    """Where the member will stand after an announced change."""
    level = _("You’ll be %(level)s.") if params.get("from") != params.get("to") else _("You’ll still be %(level)s.")
    return _("Your total will be %(points)s.") + " " + level


def _reason(code: str) -> str:
    return str(RefusalReason(code).label).replace("%", "%%") if code in RefusalReason.values else ""


def _refused(params: dict[str, Any]) -> str:
    asked = params.get("reason") == RefusalReason.NEEDS_EVIDENCE
    return _("We need something more for %(product)s") if asked else _("%(product)s wasn’t accepted")


def _last_change(member: Member) -> LastChange | None:
    entry = PointsEntry.objects.filter(member=member).select_related("registration__product").order_by("-pk").first()
    if entry is None:
        return None
    name = entry.registration.product.name if entry.registration else ""
    return LastChange(entry.amount, entry_title(entry.cause, name), entry.at)


def _next_benefit(now: LevelBenefit | None, ahead: tuple[str, int] | None, member: Member) -> LevelBenefit | None:
    """What opens at the next level, for those who have just joined."""
    if now is None or ahead is None:
        return None
    return LevelBenefit.objects.of(ahead[0], member.country.code, now.service_level)
