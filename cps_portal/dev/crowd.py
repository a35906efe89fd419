"""A generated world of any size over the real catalogue, to test and measure the portal at scale.

It bypasses the actions on purpose (a million registrations through them would take a day), but keeps their invariants:
entries sum to the points, levels follow, level changes explain them. History tables, which nothing is computed from,
stay empty. The same seed makes the same world.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

import pgtrigger
from allauth.account.models import EmailAddress
from django.db import connection, models, transaction

from cps_portal.core.lib.folding import name_words
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, ReviewReason, Stage
from kitbag.models import PointsEntry, Product, Registration
from members import rules
from members.enums import Level, PointsCause, Programme
from members.models import (
    CountryProgramme,
    LevelChange,
    LevelThreshold,
    Member,
    TermsAcceptance,
    TermsVersion,
    User,
)

CHUNK = 5_000  # members written at once
FIRST_DAY = datetime(2021, 1, 1, 9, 0, tzinfo=UTC)
DAYS = [(FIRST_DAY + timedelta(days=n)).isoformat(sep=" ") for n in range(1500)]
FIRST_NAMES = ["Amina", "Bora", "Chidi", "Dalia", "Emre", "Farah", "Goran", "Hana", "Ivo", "Jelena", "Kofi", "Lea"]
LAST_NAMES = ["Abara", "Bello", "Costa", "Demir", "Eriksen", "Farouk", "Georgiou", "Haddad", "Ilves", "Jovic", "Kamau"]
POPULAR = {1: 0, 10: 3, 100: 7}  # one product is held by every member, one by every tenth, one by every hundredth
STATES = {
    RegistrationState.VALIDATED: 88.9,
    RegistrationState.DRAFT: 5,
    RegistrationState.REMOVED: 4,
    RegistrationState.SUBMITTED: 0.1,  # what a person checks within two working days
    RegistrationState.REJECTED: 2,
}
MAX_COPIES_OF_ONE_PRODUCT = 300


class Table:
    """Rows for one COPY: the varying columns are given, all others get the model's defaults."""

    def __init__(self, model: type[models.Model], *varying: str) -> None:
        blank = model()
        fields = {field.attname: field for field in model._meta.concrete_fields}
        same = [
            field for name, field in fields.items() if name not in varying and not isinstance(field, models.AutoField)
        ]
        columns = [fields[name].column for name in varying] + [field.column for field in same]
        quoted = ", ".join(connection.ops.quote_name(str(column)) for column in columns)
        self.statement = f"copy {model._meta.db_table} ({quoted}) from stdin"
        self.line = "\t".join(["%s"] * len(varying) + [_text(field, blank).replace("%", "%%") for field in same]) + "\n"
        self.lines: list[str] = []

    def add(self, *values: object) -> None:
        self.lines.append(self.line % values)

    def write(self) -> None:
        with connection.cursor() as cursor:
            cursor.copy_expert(self.statement, io.StringIO("".join(self.lines)))
        self.lines.clear()


def _text(field: "models.Field[Any, Any]", blank: models.Model) -> str:
    value = field.get_db_prep_save(getattr(blank, field.attname), connection)
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return {True: "t", False: "f"}[value] if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Held:
    """How many the crowd's three most popular products are held by, largest first."""

    holders: int
    product: Product


def popular() -> list[Product]:
    """The products that everybody, every tenth and every hundredth member of a crowd holds, of moderate points."""
    falling = Product.objects.registrable().filter(
        stage=Stage.CURRENT, points_current__range=(100, 300), points_superseded__lt=models.F("points_current")
    )
    return list(falling.order_by("-fast_track_model", "-points_current", "slug")[: len(POPULAR)])


@transaction.atomic
def make(*, members: int, registrations: int, seed: int = 1) -> list[Held]:
    """Write the crowd. There must be a catalogue and a programme."""
    crowd = _Crowd(members, registrations, Random(seed))  # noqa: S311  # the same world again is the point
    with pgtrigger.ignore(), connection.cursor() as cursor:
        # Else millions of checks wait for the commit in memory.
        cursor.execute("set constraints all immediate")
        crowd.write()
        cursor.execute("set constraints all deferred")
        cursor.execute("analyze")
    return crowd.held


class _Crowd:
    def __init__(self, members: int, registrations: int, rng: Random) -> None:
        self.rng = rng
        self.members = members
        products = popular()
        holders = [len(range(first, members, every)) for every, first in POPULAR.items()]
        self.held = [Held(count, product) for count, product in zip(holders, products, strict=True)]
        self.more = self._shares(max(0, registrations - sum(holders)))
        self.registrations = sum(self.more) + sum(holders)
        others = Product.objects.registrable().exclude(pk__in=[product.pk for product in products])
        # Those of today first, the dearer the sooner; then a long tail.
        self.products = sorted(others, key=lambda each: (each.stage != Stage.CURRENT, -each.points, each.slug))
        self.weights = list(accumulate(1 / (rank + 20) for rank in range(len(self.products))))
        free = CountryProgramme.objects.in_force().filter(kind=Programme.FREE)
        self.countries = sorted(free.values_list("country", flat=True), key=lambda code: (code not in "ZATREGKE", code))
        self.country_weights = list(accumulate(1 / (rank + 2) for rank in range(len(self.countries))))
        self.thresholds = sorted(LevelThreshold.objects.in_force().items(), key=lambda each: each[1])
        terms = TermsVersion.objects.latest()

        self.users = Table(User, "id", "email", "password", "date_joined")
        self.people = Table(
            Member,
            "id",
            "user_id",
            "number",
            "first_name",
            "last_name",
            "name_words",
            "country",
            "points",
            "level",
            "joined_at",
        )
        self.addresses = Table(EmailAddress, "user_id", "email", "verified", "primary")
        self.terms = Table(TermsAcceptance, "member_id", "terms_id", "at")
        self.terms_key = terms.pk
        self.rows = Table(
            Registration,
            "id",
            "member_id",
            "product_id",
            "state",
            "serial",
            "serial_key",
            "country",
            "purchased_on",
            "store",
            "added_at",
            "submitted_at",
            "decided_at",
            "review_reason",
            "refusal_reason",
            "removal_reason",
            "ended_at",
        )
        self.entries = Table(PointsEntry, "member_id", "registration_id", "amount", "cause", "stage", "at")
        self.moves = Table(LevelChange, "member_id", "from_level", "to_level", "points", "cause", "about", "at")

    def _shares(self, total: int) -> list[int]:
        """How many more registrations each member has: most a few, some very many."""
        mean = total / self.members
        counts = [
            min(MAX_COPIES_OF_ONE_PRODUCT, int(self.rng.expovariate(1 / mean))) if mean else 0
            for _ in range(self.members)
        ]
        missing = total - sum(counts)
        while missing:
            n = self.rng.randrange(self.members)
            if missing > 0 or counts[n]:
                counts[n] += 1 if missing > 0 else -1
                missing += -1 if missing > 0 else 1
        return counts

    def write(self) -> None:
        user, member = _reserve(User, self.members), _reserve(Member, self.members)
        self.next_row = _reserve(Registration, self.registrations)
        for begun in range(0, self.members, CHUNK):
            for n in range(begun, min(begun + CHUNK, self.members)):
                self._member(n, user + n, member + n)
            for table in (self.users, self.people, self.addresses, self.terms, self.rows, self.entries, self.moves):
                table.write()

    def _member(self, n: int, user: int, member: int) -> None:
        rng = self.rng
        joined = rng.randrange(1000)
        (country,) = rng.choices(self.countries, cum_weights=self.country_weights)
        ledger = list(self._kit(n, member, country, joined))
        ledger.sort(key=lambda each: each[1])
        points, level = 0, str(Level.RED)
        for product, day, amount, cause, row in ledger:
            points += amount
            self.entries.add(member, row, amount, cause, product.stage, DAYS[day])
            reached = [name for name, start in self.thresholds if start <= points][-1]
            if reached != level:
                self.moves.add(member, level, reached, points, cause, product.name, DAYS[day])
                level = reached
        email = f"crowd{member}@example.net"
        self.users.add(user, email, "!", DAYS[joined])
        self.addresses.add(user, email, "t", "t")
        self.terms.add(member, self.terms_key, DAYS[joined])
        number = rules.member_number(member)
        name, surname = FIRST_NAMES[n % len(FIRST_NAMES)], LAST_NAMES[n // 7 % len(LAST_NAMES)]
        words = "{" + ",".join(name_words(f"{name} {surname}")) + "}"
        self.people.add(member, user, number, name, surname, words, country, points, level, DAYS[joined])

    def _kit(
        self, n: int, member: int, country: str, joined: int
    ) -> Iterator[tuple[Product, int, int, PointsCause, int]]:
        """Write one member's registrations; what they come to in the ledger, with the day."""
        rng = self.rng
        popular = zip(POPULAR.items(), self.held, strict=True)
        sure = [each.product for (every, first), each in popular if n % every == first]
        more = self.more[n]
        chosen = rng.choices(self.products, cum_weights=self.weights, k=more)
        states = [RegistrationState.VALIDATED] * len(sure) + rng.choices(list(STATES), [*STATES.values()], k=more)
        last = len(DAYS) - 1
        for product, state in zip([*sure, *chosen], states, strict=True):
            row, self.next_row = self.next_row, self.next_row + 1
            day = joined + 1 + rng.randrange(last - joined - 1)
            self._registration(row, member, product, state, country, day)
            if product.points and state in (RegistrationState.VALIDATED, RegistrationState.REMOVED):
                yield product, day, product.points, PointsCause.VALIDATED, row
                if state == RegistrationState.REMOVED:
                    yield product, last, -product.points, PointsCause.REMOVED, row

    def _registration(  # noqa: PLR0917
        self, row: int, member: int, product: Product, state: RegistrationState, country: str, day: int
    ) -> None:
        at, none = DAYS[day], r"\N"
        serial = f"9{row:011}"
        if state == RegistrationState.DRAFT:
            details: Sequence[object] = ("", none, "", none, "", at, none, none, "", "", "", none)
        else:
            bought = date.fromisoformat(at[:10]) - timedelta(days=3)
            decided = none if state == RegistrationState.SUBMITTED else at
            details = (
                serial,
                serial,
                country,
                bought,
                "Market Street Cameras",
                at,
                at,
                decided,
                ReviewReason.SAMPLE if state == RegistrationState.SUBMITTED else "",
                RefusalReason.DETAILS_WRONG if state == RegistrationState.REJECTED else "",
                *((RemovalReason.SOLD, DAYS[-1]) if state == RegistrationState.REMOVED else ("", none)),
            )
        self.rows.add(row, member, product.pk, state, *details)


def _reserve(model: type[models.Model], count: int) -> int:
    """The first of `count` keys that nobody else gets."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        (sequence,) = cursor.fetchone()
        cursor.execute("select setval(%s, nextval(%s) + %s) - %s", [sequence, sequence, count, count])
        (first,) = cursor.fetchone()
    return int(first)


def totals(held: Iterable[Held]) -> str:
    return ", ".join(f"{each.product.slug} {each.holders:,}" for each in held)
