"""A prepared query finds what the query itself finds."""

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.models import Product
from members.models import CountryProgramme, Member
from tests.world import World


def test_rows_models_and_related_rows_are_those_of_the_query(world: World) -> None:
    prepared = CompiledQuery(lambda number: Member.objects.select_related("user").filter(number=number))
    for member in (world.ana, world.ben):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            (found,) = prepared.all(number=member.number)
            assert (found, found.user.pk) == (member, member.user_id)
        assert len(asked) == 1
    assert prepared.all(number="000000000000") == []
    assert prepared.first(number="000000000000") is None


def test_values_are_converted_and_dates_left_open(world: World) -> None:
    def make(since: date) -> Any:
        rows = CountryProgramme.objects.filter(valid_from__gte=since).order_by("country")
        return rows.values_list("country", "valid_from")[:3]

    prepared = CompiledQuery(make)
    wanted = list(CountryProgramme.objects.order_by("country").values_list("country", "valid_from"))
    assert prepared.all(since=date(2000, 1, 1)) == wanted[:3]
    assert prepared.all(since=date(2100, 1, 1)) == []


def test_what_locks_needs_a_transaction(db: None) -> None:
    prepared = CompiledQuery(lambda slug: Product.objects.select_for_update().filter(slug=slug))
    with transaction.atomic():
        assert prepared.all(slug="nothing") == []


@pytest.mark.django_db(transaction=True)
def test_what_locks_says_no_outside_of_one() -> None:
    prepared = CompiledQuery(lambda slug: Product.objects.select_for_update().filter(slug=slug))
    with pytest.raises(TransactionManagementError):
        prepared.all(slug="nothing")


@pytest.mark.parametrize("value", [None, True, [1], 1.5])
def test_what_is_no_value_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="open|itself"):
        CompiledQuery(lambda found: Product.objects.filter(pk=found)).all(found=value)


def test_a_value_that_is_not_asked_for_is_an_error(db: None) -> None:
    with pytest.raises(ValueError, match="slug"):
        CompiledQuery(lambda slug: Product.objects.all()).all(slug="a")
