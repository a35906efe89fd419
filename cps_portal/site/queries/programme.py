"""What the programme plans and offers: changes of products, levels and countries, terms, offers (R1, R9, R22, R54)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django_countries.fields import Country

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from kitbag.enums import ProposalState, RegistrationState
from kitbag.models import CatalogueProposal, LedgerCheck, MissedSearch, Registration, StageChange
from kitbag.queries.preview import Preview, preview
from members.enums import OPEN_CHANGES, ChangeState
from members.models import (
    CountryPlan,
    CountryProgramme,
    Member,
    MemberQuerySet,
    TermsAcceptance,
    TermsVersion,
    ThresholdPlan,
    User,
)
from members.offers.enums import OfferKind, OfferState, PlaceState
from members.offers.models import Offer, WelcomePack
from servicing.models import Ticket
from servicing.queries.numbers import Period, finished

NEW_FOR = timedelta(days=7)
JOBS_FOR = timedelta(days=30)
ENDS_SOON = timedelta(days=30)
CHANGED_FOR = timedelta(days=90)
MISSED_FOR = timedelta(days=7)
MAX_WANTED = 4  # texts that were searched without a result
MAX_CHANGES = 100  # of the page of planned changes
TOTALS, TOTALS_SECONDS = "programme-totals", 900  # in the cache
NUMBERS = "kitbag.view_programme_numbers"
Pair = tuple[int, int]


@dataclass(frozen=True)
class Figures:
    """What the overview counts. Each pair is a number, and how many of them are new, in time or end soon.

    `levels` and `kit` were counted at `counted_at`.
    """

    levels: dict[str, Pair] = field(default_factory=dict)
    kit: dict[str, Pair] = field(default_factory=dict)
    centres: dict[str, Pair] = field(default_factory=dict)
    waiting: dict[str, Pair] = field(default_factory=dict)
    wanted: dict[str, Pair] = field(default_factory=dict)  # texts that members searched without a result
    counted_at: datetime | None = None

    @property
    def members(self) -> int:
        return sum(n for n, _new in self.levels.values())

    @property
    def new_members(self) -> int:
        return sum(new for _n, new in self.levels.values())

    @property
    def jobs(self) -> Pair:
        """How many were finished, and how many of them in time."""
        return sum(n for n, _met in self.centres.values()), sum(met for _n, met in self.centres.values())


def read_figures(user: User, at: datetime) -> Figures:
    """One query, of what the user's rights open; members and kit as `read_totals` has them."""
    figures = read_totals(at) if user.has_perm(NUMBERS) else Figures()
    rights = tuple(right for right in FIGURES if user.has_perm(right))
    if not rights:
        return figures
    today = timezone.localdate(at)
    values = {
        "at": at,
        "jobs_since": at - JOBS_FOR,
        "ends_before": at + ENDS_SOON,
        "missed_since": today - MISSED_FOR,
        "tomorrow": today + timedelta(days=1),
    }
    names = sorted({name for right in rights for name in FIGURES[right][1]})
    for group, called, n, more in _compiled(rights).all(**{name: values[name] for name in names}):
        getattr(figures, group)[called] = (n, more)
    return figures


def read_totals(at: datetime) -> Figures:
    """Members by level and registrations by state, TOTALS_SECONDS old at most.

    A task counts them anew every five minutes (`portal.count_programme`), because that reads both tables whole: half a
    second at 200,000 members. Without what it counted, the page counts by itself.
    """
    return cache.get(TOTALS) or count_totals(at)


def count_totals(at: datetime) -> Figures:
    """Count members and registrations, and keep that for the overview. One query."""
    figures = Figures(counted_at=at)
    levels = _counted("levels", Member.objects.open(), "level", Q(joined_at__gte=at - NEW_FOR))
    kit = _counted("kit", Registration.objects.all(), "state", Q(pk=None))
    for group, name, n, more in levels.union(kit, all=True):
        getattr(figures, group)[name] = (n, more)
    cache.set(TOTALS, figures, TOTALS_SECONDS)
    return figures


@lru_cache(maxsize=32)
def _compiled(rights: tuple[str, ...]) -> CompiledQuery[tuple[str, str, int, int]]:
    """The query of what these rights open, made once: that takes longer than what the database does."""

    def make(**values: Any) -> QuerySet[Any, Any]:
        parts = [FIGURES[right] for right in rights]
        queries = [query(*(values[name] for name in names)) for query, names in parts]
        return queries[0].union(*queries[1:], all=True) if len(queries) > 1 else queries[0]

    return CompiledQuery(make)


def _finished_jobs(at: datetime, jobs_since: datetime) -> QuerySet[Any, Any]:
    jobs = finished(Ticket.objects.all(), Period(jobs_since, at))
    return _counted("centres", jobs, "centre__name", Q(ready_at__lte=F("due_at")))


def _current_offers(at: datetime, ends_before: datetime) -> QuerySet[Any, Any]:
    return _counted("waiting", Offer.objects.current(at), Value("offers"), Q(until__lt=ends_before))


def _proposals() -> QuerySet[Any, Any]:
    rows = CatalogueProposal.objects.filter(state=ProposalState.OPEN)
    return _counted("waiting", rows, Value("proposals"), Q(pk=None))


def _wanted(missed_since: date) -> QuerySet[Any, Any]:
    wanted = MissedSearch.objects.since(missed_since).most_wanted()
    counts = wanted.values(part=Value("wanted"), called=F("text")).annotate(n=F("searches"), more=Value(0))
    return counts.values_list("part", "called", "n", "more")[:MAX_WANTED]


def _changes(tomorrow: date) -> QuerySet[Any, Any]:
    rows = StageChange.objects.filter(state__in=OPEN_CHANGES)
    return _counted("waiting", rows, Value("changes"), Q(effective_on__lte=tomorrow))


def _counted(group: str, rows: QuerySet[Any], name: Any, more: Q) -> QuerySet[Any, Any]:
    called = Cast(F(name) if isinstance(name, str) else name, CharField())
    counted = rows.order_by().values(part=Value(group), called=called)
    counts: QuerySet[Any, Any] = counted.annotate(n=Count("pk"), more=Count("pk", filter=more))
    return counts.values_list("part", "called", "n", "more")


# By right: what is counted, and its values among those of `read_figures`.
FIGURES: dict[str, tuple[Callable[..., QuerySet[Any, Any]], tuple[str, ...]]] = {
    NUMBERS: (_finished_jobs, ("at", "jobs_since")),
    "offers.view_offer": (_current_offers, ("at", "ends_before")),
    "kitbag.view_catalogueproposal": (_proposals, ()),
    "kitbag.view_missedsearch": (_wanted, ("missed_since",)),
    "kitbag.view_stagechange": (_changes, ("tomorrow",)),
}


def last_ledger_check(user: User) -> LedgerCheck | None:
    if not user.has_perm("kitbag.view_ledgercheck"):
        return None
    return LedgerCheck.objects.filter(finished_at__isnull=False).order_by("-pk").first()


# --- Planned changes -----------------------------------------------------------------------------


def _holders() -> Coalesce:
    """How many members have the product of a change."""
    rows = Registration.objects.filter(product=OuterRef("product"), state=RegistrationState.VALIDATED).order_by()
    counted = rows.values("product").annotate(n=Count("member", distinct=True)).values("n")
    return Coalesce(Subquery(counted, output_field=BigIntegerField()), 0)


def open_changes(limit: int) -> list[StageChange]:
    """Planned and running ones, the earliest first, with the number of their members as `members_now`."""
    return OPEN_STAGE_CHANGES.all(limit=limit)


def _open_changes(limit: int) -> QuerySet[StageChange]:
    changes = StageChange.objects.open().select_related("product", "successor")
    return changes.annotate(members_now=_holders())[:limit]


OPEN_STAGE_CHANGES: CompiledModels[StageChange] = CompiledModels(
    _open_changes, related=["product", "successor"], annotations=["members_now"]
)


def open_threshold_plans() -> list[ThresholdPlan]:
    return list(ThresholdPlan.objects.filter(state__in=OPEN_CHANGES).order_by("effective_on"))


def open_country_plans() -> list[CountryPlan]:
    return list(CountryPlan.objects.open())


@dataclass(frozen=True)
class PlannedChanges:
    """What is planned, with what it does together with everything else that is planned.

    `overlapping` is the number of members whom changes of two or more products touch.
    """

    changes: Sequence[StageChange]
    plans: Sequence[ThresholdPlan]
    countries: Sequence[CountryPlan]
    effects: Preview | None
    overlapping: int

    @property
    def repeated(self) -> list[str]:
        """The names of products that change more than once."""
        names = [change.product.name for change in self.changes]
        return sorted({name for name in names if names.count(name) > 1})


def read_planned() -> PlannedChanges:
    """The first MAX_CHANGES. A fixed number of queries."""
    changes = open_changes(MAX_CHANGES)
    planned = [change for change in changes if change.state == ChangeState.PLANNED]
    effects = preview(planned) if planned else None
    return PlannedChanges(
        changes, open_threshold_plans(), open_country_plans(), effects, _members_touched_twice(changes)
    )


def _members_touched_twice(changes: Sequence[StageChange]) -> int:
    products = {change.product_id for change in changes}
    if len(products) < 2:
        return 0
    rows = Registration.objects.filter(product__in=products, state=RegistrationState.VALIDATED).order_by()
    return rows.values("member").annotate(n=Count("product", distinct=True)).filter(n__gt=1).count()


def open_proposals(limit: int) -> list[CatalogueProposal]:
    """The newest first."""
    rows = CatalogueProposal.objects.filter(state=ProposalState.OPEN).select_related("product")
    return list(rows.order_by("-proposed_at", "-pk")[:limit])


# --- Countries and terms -------------------------------------------------------------------------


@dataclass(frozen=True)
class CountryLine:
    """The programme of a country: what is in force, what was before, and what comes."""

    country: Country
    now: CountryProgramme | None
    before: CountryProgramme | None
    coming: Sequence[CountryProgramme]
    members: int = 0
    new: int = 0
    accepted: int = 0


@dataclass(frozen=True)
class TermsLine:
    """A version of the terms, and how many open accounts have accepted it."""

    terms: TermsVersion
    accepted: int
    in_force: bool
    coming: bool


def read_countries(today: date) -> list[CountryLine]:
    """All countries that have an entry, by name. One query."""
    entries: dict[str, list[CountryProgramme]] = {}
    for entry in CountryProgramme.objects.order_by("country", "valid_from"):
        entries.setdefault(entry.country.code, []).append(entry)
    lines = []
    for rows in entries.values():
        past = [row for row in rows if row.valid_from <= today]
        coming = [row for row in rows if row.valid_from > today]
        now, before = (past[-1] if past else None), (past[-2] if len(past) > 1 else None)
        lines.append(CountryLine(rows[0].country, now, before, coming))
    return sorted(lines, key=lambda line: line.country.name)


def read_terms(at: datetime) -> list[TermsLine]:
    """The newest first. One query."""
    accepted = (
        TermsAcceptance.objects.filter(terms=OuterRef("pk"), member__closed_at=None)
        .order_by()
        .values("terms")
        .annotate(n=Count("pk"))
        .values("n")
    )
    versions = TermsVersion.objects.annotate(n=Coalesce(Subquery(accepted, output_field=BigIntegerField()), 0))
    rows = list(versions.order_by("-valid_from"))
    newest: dict[str, TermsVersion] = {}  # of each country, "" for all without their own
    for row in rows:
        if row.valid_from <= at:
            newest.setdefault(row.country.code or "", row)
    return [TermsLine(row, row.n, row in newest.values(), row.valid_from > at) for row in rows]


def members_by_country(in_force: Sequence[TermsVersion], at: datetime) -> dict[str, tuple[int, int, int]]:
    """By country: open accounts, those of the last week, and those that have accepted what is in force there.

    One query for the general terms, and one for each country with terms of its own.
    """
    counts: dict[str, tuple[int, int, int]] = {}
    general = next((terms for terms in in_force if not terms.country), None)
    counts |= _members_by_country(Member.objects.open(), general, at)
    for terms in in_force:
        if code := terms.country.code:
            counts |= _members_by_country(Member.objects.open().filter(country=code), terms, at)
    return counts


def _members_by_country(
    members: MemberQuerySet, terms: TermsVersion | None, at: datetime
) -> dict[str, tuple[int, int, int]]:
    of_version = FilteredRelation("terms_accepted", condition=Q(terms_accepted__terms=terms))
    rows = (
        members.order_by()
        .alias(of_version=of_version)
        .values_list("country")
        .annotate(n=Count("pk"), new=Count("pk", filter=Q(joined_at__gte=at - NEW_FOR)), accepted=Count("of_version"))
    )
    return {country: (n, new, accepted) for country, n, new, accepted in rows}


# --- Offers --------------------------------------------------------------------------------------


def offers_in_view(at: datetime, limit: int | None = None) -> list[Offer]:
    """Drafts, published ones, and those that ended less than 90 days ago; the one that ends first comes first.

    With `held`, `in_line` and, for the Welcome Pack, `packs` asked for. One query.
    """
    ended_after = at - CHANGED_FOR
    return list(_in_view(ended_after)) if limit is None else FIRST_IN_VIEW.all(ended_after=ended_after, limit=limit)


def _in_view(ended_after: datetime) -> QuerySet[Offer]:
    places = {
        "held": Count("sign_ups", filter=Q(sign_ups__state=PlaceState.HELD)),
        "in_line": Count("sign_ups", filter=Q(sign_ups__state=PlaceState.WAITING)),
    }
    packs = WelcomePack.objects.order_by().values(one=Value(1)).annotate(n=Count("pk")).values("n")
    rows = Offer.objects.exclude(state=OfferState.WITHDRAWN).filter(Q(until=None) | Q(until__gt=ended_after))
    counted = rows.annotate(**places, packs=Coalesce(Subquery(packs, output_field=BigIntegerField()), 0))
    return counted.order_by(F("until").asc(nulls_last=True), "pk")


FIRST_IN_VIEW: CompiledModels[Offer] = CompiledModels(
    lambda ended_after, limit: _in_view(ended_after)[:limit], annotations=["held", "in_line", "packs"]
)


def is_pack(offer: Offer) -> bool:
    return offer.kind == OfferKind.WELCOME_PACK
