"""A compiled query returns what the QuerySet returns."""

from collections import Counter
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Length
from django.db.transaction import TransactionManagementError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery, joined_keys
from kitbag.actions import transitions
from kitbag.enums import Stage
from kitbag.models import OwnerDetails, Product, Registration, own_details
from kitbag.queries.kit_list import AT_CENTRE, OLDER, ORDERS, counting, listed, others, sums_of, whole_kitbag
from members.models import CountryProgramme, Member, Session
from members.sessions import SessionStore
from servicing.actions.events import EVENTS, SYSTEM
from servicing.actions.service_requests import RequestedItem
from servicing.actions.visitors import Visitor, open_for_visitor
from servicing.enums import ServiceKind
from servicing.models import Ticket, TicketEvent
from servicing.models.tickets import LOCKED_WITH
from servicing.queries.entitlement import Item
from tests.factories import moved, validated
from tests.fullbag import fill
from tests.rows import each_row
from tests.servicing.jobs import MONDAY, a_centre, a_request
from tests.test_conventions import SOURCES
from tests.world import World


def test_it_returns_models_with_their_related_rows_in_one_query(world: World) -> None:
    compiled: CompiledModels[Member] = CompiledModels(
        lambda number: Member.objects.select_related("user").filter(number=number), related=["user"]
    )
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
    compiled: CompiledModels[Product] = CompiledModels(
        lambda slug: Product.objects.select_for_update().filter(slug=slug), locks=True
    )
    with transaction.atomic():
        assert compiled.all(slug="nothing") == []


@pytest.mark.django_db(transaction=True)
def test_a_locking_query_raises_outside_a_transaction() -> None:
    compiled: CompiledModels[Product] = CompiledModels(
        lambda slug: Product.objects.select_for_update().filter(slug=slug), locks=True
    )
    with pytest.raises(TransactionManagementError):
        compiled.all(slug="nothing")


@each_row("value", [None, True, [1], 1.5])
def test_values_that_change_the_sql_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="change the SQL|cannot be"):
        CompiledQuery(lambda key: Product.objects.filter(pk=key)).all(key=value)


def test_a_value_that_is_not_a_parameter_of_the_sql_is_an_error(db: None) -> None:
    with pytest.raises(ValueError, match="slug"):
        CompiledQuery(lambda slug: Product.objects.all()).all(slug="a")


def test_models_have_everything_that_the_queryset_gives_them(world: World) -> None:
    """Related models two steps away, one that is missing, annotations, arrays, JSON, dates."""

    def make(centre: int) -> Any:
        rows = Ticket.objects.filter(centre=centre).order_by("pk")
        return rows.select_related(*LOCKED_WITH).annotate(fault_size=Length("fault"), twice=F("pk") * 2)

    ticket = a_request(world, a_centre())
    visitor = open_for_visitor(
        visitor=Visitor("asia", "AS 1", date(2030, 1, 1), "Kei"),
        centre=ticket.centre,
        item=RequestedItem(Item(world.body, "46000000001"), ServiceKind.MAINTENANCE),
        actor=SYSTEM,
        at=MONDAY,
    )
    compiled: CompiledModels[Ticket] = CompiledModels(make, related=LOCKED_WITH, annotations=["fault_size", "twice"])
    with CaptureQueriesContext(connection) as queries:
        rows = compiled.all(centre=ticket.centre_id)
        seen = [facts(row) for row in rows]
    assert len(queries) == 1
    assert seen == [facts(row) for row in make(ticket.centre_id)]
    assert [row.pk for row in rows] == [ticket.pk, visitor.pk]
    assert (rows[0].visitor, rows[1].member, rows[1].registration) == (None, None, None)
    assert not rows[0].get_deferred_fields() and not rows[0]._state.adding
    events = list(TicketEvent.objects.filter(ticket=ticket).order_by("pk"))
    assert [(event, event.data) for event in EVENTS.all(ticket=ticket.pk)] == [(event, event.data) for event in events]


def facts(row: Ticket) -> list[Any]:
    """All columns of a ticket and of its related models, and its annotations."""
    related = [getattr(row, path.partition("__")[0]) for path in LOCKED_WITH]
    related += [row.member and row.member.user, row.centre.partner]
    columns = [
        model and [getattr(model, field.attname) for field in model._meta.concrete_fields] for model in [row, *related]
    ]
    return [*columns, row.fault_size, row.twice]  # type: ignore[attr-defined]


def test_other_columns_than_expected_are_an_error(world: World) -> None:
    for make, names in [
        (lambda number: Member.objects.only("number").filter(number=number), {}),
        (lambda number: Member.objects.filter(number=number), {"related": ["user"]}),
        (lambda number: Member.objects.select_related("user").filter(number=number), {}),
        (lambda number: Member.objects.filter(number=number), {"annotations": ["size"]}),
    ]:
        compiled: CompiledModels[Member] = CompiledModels(make, **names)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="has the columns"):
            compiled.all(number=world.ana.number)


def test_values_are_converted_by_their_place(world: World) -> None:
    compiled: CompiledQuery[Any] = CompiledQuery(
        lambda number: Member.objects.filter(number=number).values_list("number", "level"), convert={1: str.upper}
    )
    assert compiled.all(number=world.ana.number) == [(world.ana.number, world.ana.level.upper())]


def test_sql_is_taken_from_a_query_in_one_place_only() -> None:
    """`sql_with_params` is not documented, so nothing else may depend on it."""
    users = [path.name for path in SOURCES if "sql_with_params(" in path.read_text()]
    assert users == ["compiled_queries.py"]


def test_a_whole_kitbag_is_what_its_querysets_are(world: World) -> None:
    """One-to-one relations backwards, there and missing, what centres have, and a limit, in every order."""
    products = list(Product.objects.registrable()[:3])
    moved(products[0], Stage.SUPERSEDED)
    fill(world.ana, products, validated=6, drafts=2)
    keys = list(world.ana.registrations.order_by("pk").values_list("pk", flat=True))
    for key in keys[:2]:
        OwnerDetails.objects.create(registration_id=key, price=key, currency="EUR")
    for order in ORDERS:
        for in_service, shown in ((keys[1:3], 2), ([], 100)):
            rows = listed(world.ana.pk, joined_keys(in_service))
            expected = [list(others(rows, order)), list(counting(rows, order, shown))]
            with CaptureQueriesContext(connection) as queries:
                found = whole_kitbag(world.ana.pk, joined_keys(in_service), order, shown)
                seen = [[kit_facts(row) for row in rows] for rows in found]
            assert len(queries) == 2
            assert seen == [[kit_facts(row) for row in rows] for rows in expected]
            assert {row.pk for row in found[0] if row.group == AT_CENTRE} == set(in_service)  # type: ignore[attr-defined]
            assert len(found[1]) <= shown
            older = [row for row in found[0] if row.group == OLDER]  # type: ignore[attr-defined]
            closed = whole_kitbag(world.ana.pk, joined_keys(in_service), order, shown, with_older=False)
            assert closed == ([row for row in found[0] if row not in older], found[1])
            sums = sums_of(world.ana.pk, joined_keys(in_service))
            assert (sums.older, sums.older_points) == (len(older), sum(row.product.points for row in older))
            assert sums.by_shelf == Counter(row.product.shelf for row in rows)
    assert any(own_details(row) for rows in found for row in rows)
    assert whole_kitbag(world.chloe.pk, "", "", 5) == ([], [])


def test_locked_registrations_and_who_holds_a_number_are_what_their_querysets_are(world: World) -> None:
    rows = list(Registration.objects.order_by("-pk")[:2])
    keys = joined_keys(row.pk for row in rows)
    with CaptureQueriesContext(connection) as queries:
        found = transitions.LOCKED_ROWS.all(keys=keys)
        assert all(row.product.name and row.member.user.email for row in found)
    assert len(queries) == 1 and "FOR NO KEY UPDATE OF" in queries[0]["sql"]
    assert found == list(transitions.locked_rows(keys)) == rows[::-1]
    with CaptureQueriesContext(connection) as queries:
        assert transitions.lock_registration(rows[0]) == rows[0]
    assert [query["sql"].rpartition("FOR ")[2].split()[:3] for query in queries] == [["NO", "KEY", "UPDATE"]] * 2
    assert f'"members_member"."id" = {rows[0].member_id}' in queries[0]["sql"]
    counting = validated(world.ana, world.body, "100000000777")
    for key in (counting.pk, counting.pk + 1):
        asked = {"product": world.body.pk, "serial_key": counting.serial_key, "key": key}
        assert transitions.HOLDER.first(**asked) == transitions.other_holders(**asked).first()
    assert transitions.HOLDER.first(**asked) == counting


def test_a_session_is_what_its_row_says_until_it_ends(as_ana: Client) -> None:
    row = Session.objects.get()
    kept = SessionStore(row.session_key)
    assert kept.load() == row.get_decoded() != {}
    Session.objects.update(expire_date=timezone.now())
    for key in (row.session_key, "x" * 32, None):
        store = SessionStore(key)
        assert (store.load(), store.session_key) == ({}, None)


def kit_facts(row: Registration) -> list[Any]:
    own = own_details(row)
    models = [row, row.product, own] + ([own.registration] if own else [])
    columns = [model and [getattr(model, field.attname) for field in model._meta.concrete_fields] for model in models]
    return [*columns, row.worth, row.group, getattr(row, "in_all", None)]  # type: ignore[attr-defined]
