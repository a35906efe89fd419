"""A compiled query returns what the QuerySet returns."""

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.models import Product
from members.models import CountryProgramme, Member
from tests.rows import each_row
from tests.world import World


def test_it_returns_models_with_their_related_rows_in_one_query(world: World) -> None:
    compiled = CompiledQuery(lambda number: Member.objects.select_related("user").filter(number=number))
    for member in (world.ana, world.ben):
        with CaptureQueriesContext(connection) as queries:
            (row,) = compiled.all(number=member.number)
            assert (row, row.user.pk) == (member, member.user_id)
        assert len(queries) == 1
    assert compiled.all(number="000000000000") == []
    assert compiled.first(number="000000000000") is None


def test_each_call_uses_its_own_values_and_dates_are_converted(world: World) -> None:
    def make(since: date) -> Any:
        rows = CountryProgramme.objects.filter(valid_from__gte=since).order_by("country")
        return rows.values_list("country", "valid_from")[:3]

    compiled = CompiledQuery(make)
    expected = list(CountryProgramme.objects.order_by("country").values_list("country", "valid_from"))
    assert compiled.all(since=date(2000, 1, 1)) == expected[:3]
    assert compiled.all(since=date(2100, 1, 1)) == []


def test_a_locking_query_runs_in_a_transaction(db: None) -> None:
    compiled = CompiledQuery(lambda slug: Product.objects.select_for_update().filter(slug=slug))
    with transaction.atomic():
        assert compiled.all(slug="nothing") == []


@pytest.mark.django_db(transaction=True)
def test_a_locking_query_raises_outside_a_transaction() -> None:
    compiled = CompiledQuery(lambda slug: Product.objects.select_for_update().filter(slug=slug))
    with pytest.raises(TransactionManagementError):
        compiled.all(slug="nothing")


@each_row("value", [None, True, [1], 1.5])
def test_values_that_change_the_sql_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="change the SQL|cannot be"):
        CompiledQuery(lambda key: Product.objects.filter(pk=key)).all(key=value)


def test_a_value_that_is_not_a_parameter_of_the_sql_is_an_error(db: None) -> None:
    with pytest.raises(ValueError, match="slug"):
        CompiledQuery(lambda slug: Product.objects.all()).all(slug="a")
