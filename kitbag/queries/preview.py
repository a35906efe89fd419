"""Preview what planned changes would do to members, before staff decide (R22).

Set-based: four statements, whatever the number of changes and holders. Everything else that is planned until then is
included: other changes, adjustments that end, other thresholds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django_countries.fields import Country

from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.lib.written_names import full_name
from kitbag.enums import RegistrationState
from kitbag.models import Registration, StageChange
from members.enums import Level
from members.models import threshold_rows
from members.rules import thresholds_on

MAX_SHOWN_MEMBERS = 100

# Each slot is a day of the preview. Its even turn holds what happens until then anyway, its odd turn what is previewed.
# Levels are passed as their bounds, lowest first: width_bucket finds the position of a number of points among them.
PREVIEW_SQL = """
with slot as materialized (
    select k - 1 as k, day, before::int[] as before, after::int[] as after
    from unnest(%(days)s::date[], %(before)s::text[], %(after)s::text[]) with ordinality as s (day, before, after, k)
), event as materialized (
    select * from unnest(%(turns)s::int[], %(products)s::bigint[], %(steps)s::int[]) as e (turn, product_id, step)
), own as materialized (
    select r.member_id, e.turn, sum(e.step) as step, count(*) as kit,
        sum(least(e.step, 0)) as lost, sum(greatest(e.step, 0)) as gained
    from event e join kitbag_registration r on r.product_id = e.product_id and r.state = 'validated'
    where e.turn %% 2 = 1 group by 1, 2
    union all
    select id, 1, 0, 0, 0, 0 from members_member where %(everybody)s and closed_at is null
), moves as (
    select * from own
    union all
    select r.member_id, e.turn, sum(e.step), 0, 0, 0
    from event e join kitbag_registration r on r.product_id = e.product_id and r.state = 'validated'
    where e.turn %% 2 = 0 and r.member_id in (select member_id from own) group by 1, 2
    union all
    select a.member_id, 2 * s.k, -sum(a.points), 0, 0, 0
    from kitbag_adjustment a join lateral (select min(k) as k from slot where day >= a.expires_on) s on s.k is not null
    where a.ended_at is null and a.member_id in (select member_id from own) group by 1, 2
), added as (
    select *, sum(step) over (partition by member_id order by turn) as so_far from moves
), stand as materialized (
    select s.k, a.member_id, m.country, a.kit, a.lost, a.gained, a.step,
        m.points + a.so_far as points, m.points + a.so_far - a.step as points_before,
        width_bucket(greatest(m.points + a.so_far - a.step, 0)::int, s.before) as level_before,
        width_bucket(greatest(m.points + a.so_far, 0)::int, s.after) as level
    from added a join slot s on a.turn = 2 * s.k + 1 join members_member m on m.id = a.member_id
), summed as materialized (
    select k, country, level_before, level, count(*) as n, sum(kit) as kit, sum(lost) as lost, sum(gained) as gained
    from stand group by 1, 2, 3, 4
), people as materialized (
    select country, count(*) as n from ({everybody_once}) each group by country
)
select
    (select coalesce(sum(n), 0)::bigint from people),
    (select json_agg(x) from (
        select k, sum(n) as n, sum(kit) as kit, sum(lost) as lost, sum(gained) as gained from summed group by k
    ) x),
    (select json_agg(x) from (
        select k, level_before, level, sum(n) as n from summed where level_before <> level
        group by 1, 2, 3 order by 1, 2, 3
    ) x),
    (select json_agg(x) from (
        select country, p.n, sum(lost) as lost, sum(gained) as gained,
            coalesce(sum(s.n) filter (where level < level_before), 0) as falls,
            coalesce(sum(s.n) filter (where level > level_before), 0) as rises
        from summed s join people p using (country) group by country, p.n order by p.n desc, country
    ) x),
    (select json_agg(x) from (
        select s.*, m.number, m.first_name, m.last_name from (
            select * from stand where step <> 0 or level_before <> level
            order by level_before - level desc, step, k, member_id limit %(shown)s
        ) s join members_member m on m.id = s.member_id order by s.level_before - s.level desc, s.step, s.k, s.member_id
    ) x)
"""


# On a single day each member occurs once, so grouping by member, which is slow, is not needed.
ONE_DAY = "select country from stand"
MANY_DAYS = "select member_id, country from stand group by member_id, country"


@dataclass(frozen=True)
class Day:
    """The effects on one day: points of registrations, and the number of members for each move between levels."""

    on: date
    registrations: int
    members: int
    lost: int
    gained: int
    moves: Mapping[tuple[Level, Level], int]

    @property
    def level_changes(self) -> int:
        return sum(self.moves.values())


@dataclass(frozen=True)
class AffectedMember:
    member: int
    number: str
    name: str
    country: Country
    on: date
    points_before: int
    points_after: int
    level_before: Level
    level_after: Level

    @property
    def number_in_groups(self) -> str:
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


@dataclass(frozen=True)
class CountryEffect:
    country: Country
    members: int
    lost: int
    gained: int
    falls: int
    rises: int


@dataclass(frozen=True)
class Preview:
    """The effects of changes. `lines` is each change with the number of registrations that it affects.

    `affected` are the members who lose most: levels first, then points.
    """

    lines: Sequence[tuple[StageChange, int]]
    members: int
    days: Sequence[Day]
    countries: Sequence[CountryEffect]
    affected: Sequence[AffectedMember]

    @property
    def registrations(self) -> int:
        return sum(day.registrations for day in self.days)

    @property
    def lost(self) -> int:
        return sum(day.lost for day in self.days)

    @property
    def gained(self) -> int:
        return sum(day.gained for day in self.days)

    @property
    def level_changes(self) -> int:
        return sum(day.level_changes for day in self.days)

    @property
    def falls(self) -> int:
        return sum(n for day in self.days for (was, now), n in day.moves.items() if now.rank < was.rank)

    @property
    def matrix(self) -> list[tuple[Level, list[tuple[Level, int]]]]:
        """Moves between levels on all days together: a row for each level before, with a cell for each level after."""
        total: dict[tuple[Level, Level], int] = defaultdict(int)
        for day in self.days:
            for move, n in day.moves.items():
                total[move] += n
        return [(was, [(now, total[was, now]) for now in Level]) for was in Level]


@read_snapshot()
def preview(changes: Sequence[StageChange]) -> Preview:
    """What these changes, planned or drafted, would do together, in addition to everything else that is planned.

    A planned change that one of them `replaces` is left out.
    """
    days = sorted({change.effective_on for change in changes})
    rows = threshold_rows()
    scales = [thresholds_on(rows, day) for day in days]
    counted = Registration.objects.filter(
        state=RegistrationState.VALIDATED, product__in={change.product_id for change in changes}
    )
    kit = dict(counted.order_by().values_list("product").annotate(Count("pk")))
    lines = [(change, kit.get(change.product_id, 0)) for change in changes]
    return _preview(lines, days, scales, scales, _events(changes, days))


@read_snapshot()
def preview_thresholds(thresholds: Mapping[str, int], on: date) -> Preview:
    """What new thresholds from a day on would do to everybody's level (R10)."""
    before = thresholds_on(threshold_rows(), on)
    return _preview([], [on], [before], [thresholds], _events([], [on]), everybody=True)


def _events(changes: Sequence[StageChange], days: Sequence[date]) -> list[tuple[int, int, int]]:
    """Tuples (turn, product, step): the points that a registration of the product gains or loses at each turn."""
    left_out = [key for change in changes for key in (change.pk, change.replaces_id) if key]
    others = StageChange.objects.planned().exclude(pk__in=left_out)
    others = others.filter(effective_on__lte=days[-1]).select_related("product")
    chains: dict[int, list[tuple[int, StageChange]]] = defaultdict(list)
    for change in others:
        chains[change.product_id].append((2 * bisect_left(days, change.effective_on), change))
    for change in changes:
        chains[change.product_id].append((2 * bisect_left(days, change.effective_on) + 1, change))
    events = []
    for product, chain in chains.items():
        points = chain[0][1].product.points
        for turn, change in sorted(chain, key=lambda link: (link[1].effective_on, link[0])):
            events.append((turn, product, change.after - points))
            points = change.after
    return events


def _preview(
    lines: Sequence[tuple[StageChange, int]],
    days: Sequence[date],
    before: Sequence[Mapping[str, int]],
    after: Sequence[Mapping[str, int]],
    events: Iterable[tuple[int, int, int]],
    *,
    everybody: bool = False,
) -> Preview:
    turns, products, steps = list(zip(*events, strict=True)) or [(), (), ()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local work_mem = '64MB'")  # so that 200,000 members are sorted in memory
        cursor.execute(
            PREVIEW_SQL.format(everybody_once=ONE_DAY if len(days) == 1 else MANY_DAYS),
            {
                "days": list(days),
                "before": [_bounds(scale) for scale in before],
                "after": [_bounds(scale) for scale in after],
                "turns": list(turns),
                "products": list(products),
                "steps": list(steps),
                "everybody": everybody,
                "shown": MAX_SHOWN_MEMBERS,
            },
        )
        (members, per_day, moves, countries, affected) = cursor.fetchone()

    def level(scale: Mapping[str, int], place: int) -> Level:
        return Level(sorted(scale, key=lambda name: scale[name])[place - 1])

    def levels(row: dict[str, Any]) -> tuple[Level, Level]:
        return level(before[row["k"]], row["level_before"]), level(after[row["k"]], row["level"])

    moved: dict[int, dict[tuple[Level, Level], int]] = defaultdict(dict)
    for row in moves or []:
        moved[row["k"]][levels(row)] = row["n"]
    numbers = {row["k"]: row for row in per_day or []}
    nothing = {"kit": 0, "n": 0, "lost": 0, "gained": 0}
    return Preview(
        lines=lines,
        members=members,
        days=[
            Day(day, row["kit"], row["n"], -row["lost"], row["gained"], moved[k])
            for k, day in enumerate(days)
            for row in [numbers.get(k, nothing)]
        ],
        countries=[
            CountryEffect(Country(row["country"]), row["n"], -row["lost"], row["gained"], row["falls"], row["rises"])
            for row in countries or []
        ],
        affected=[
            AffectedMember(
                row["member_id"],
                row["number"],
                full_name(row["first_name"], row["last_name"], row["country"]),
                Country(row["country"]),
                days[row["k"]],
                row["points_before"],
                row["points"],
                *levels(row),
            )
            for row in affected or []
        ],
    )


def _bounds(scale: Mapping[str, int]) -> str:
    return "{" + ",".join(str(points) for points in sorted(scale.values())) + "}"
