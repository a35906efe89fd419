"""`each_row`: every row is tried, every failure named, and no row sees what another one has done."""

import pytest
from django.core.cache import cache
from django.db import IntegrityError

from members.models import Member
from tests.rows import each_row
from tests.world import World


def test_all_failing_rows_are_named_together() -> None:
    tried = []

    @each_row("number", range(4), ids=["zero", "one", "two", "three"])
    @each_row("letter", "ab")
    def check(number: int, letter: str) -> None:
        tried.append((number, letter))
        assert number < 2
        if letter == "b":
            pytest.fail("a failure that is no Exception")

    with pytest.raises(BaseExceptionGroup, match="4 of 4 rows of number") as caught:
        check()
    assert len(tried) == 8
    notes = [failure.__notes__ for failure in caught.value.exceptions]
    assert notes[0] == ["Row: zero number=0"]
    assert [len(failure.exceptions) for failure in caught.value.exceptions] == [1, 1, 2, 2]  # type: ignore[attr-defined]


def test_a_row_cannot_be_skipped() -> None:
    @each_row("number", [1])
    def check(number: int) -> None:
        pytest.skip(f"{number}")

    with pytest.raises(BaseExceptionGroup):
        check()


def test_a_test_has_rows() -> None:
    with pytest.raises(AssertionError, match="no rows for number"):
        each_row("number", [])


@each_row("level", ["gold", "platinum", "broken"])
def test_each_row_begins_with_the_same_database_cache_and_members(world: World, level: str) -> None:
    assert (world.ana.level, cache.get("seen"), Member.objects.count()) == ("gold", None, 3)
    world.ana.level = level
    cache.set("seen", level)
    Member.objects.exclude(pk=world.ana.pk).update(first_name=level)
    assert not Member.objects.filter(first_name="Ben").exists()
    if level == "broken":
        with pytest.raises(IntegrityError):
            Member.objects.update(user=world.ana.user)
