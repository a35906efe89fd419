"""A member's points history: all changes in brief in one query, and in another the entries that a page shows (R21)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from kitbag.models import PointsEntry
from members.models import Member

RELATIONS = ("registration__product", "adjustment", "stage_change__successor")


class Change(NamedTuple):
    """An entry of the ledger in brief."""

    key: int
    at: datetime
    amount: int
    total: int  # the member's points from then on
    counts: int  # the points of its product from then on; 0 for points that staff added


ROWS: CompiledQuery[tuple[int, datetime, int, int | None]] = CompiledQuery(
    lambda **accounts: (
        PointsEntry.objects.filter(member__in=[*accounts.values()])
        .order_by("pk")
        .values_list("pk", "at", "amount", "registration")
    )
)
ENTRIES: CompiledModels[PointsEntry] = CompiledModels(
    lambda **keys: PointsEntry.objects.filter(pk__in=[*keys.values()]).select_related(*RELATIONS).order_by("-pk"),
    related=RELATIONS,
)


def changes_of(member: Member) -> list[Change]:
    """Every change, oldest first, with those of accounts that became one with the member's (R69).

    Keys are in the order of writing, because writers lock the member.
    """
    changes, total, counts = [], 0, dict[int, int]()
    for key, at, amount, registration in ROWS.all(**_named(member.accounts)):
        total += amount
        counted = 0
        if registration:
            counted = counts[registration] = counts.get(registration, 0) + amount
        changes.append(Change(key, at, amount, total, counted))
    return changes


def entries_of(changes: Sequence[Change], most: int) -> dict[int, PointsEntry]:
    """The whole entries of some changes, by key. `most`: how many there can be; the SQL has as many placeholders."""
    keys = [change.key for change in changes]
    if not keys:
        return {}
    return {entry.pk: entry for entry in ENTRIES.all(**_named(keys + keys[-1:] * (most - len(keys))))}


def _named(keys: Sequence[int]) -> dict[str, int]:
    return {f"key_{n}": key for n, key in enumerate(keys)}
