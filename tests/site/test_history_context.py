"""Statements carry who is behind them where that leaves history, and nowhere else (R54)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pghistory.models import Context

from cps_portal.core.lib.history_context import attributed_to, can_leave_history, history_context, ordered_uuid
from kitbag.actions import registrations
from kitbag.models import Registration
from members.models import Notice
from tests.factories import details
from tests.world import World

pytestmark = pytest.mark.django_db
SENDS = "set_config('pghistory."
# Functions of triggers that leave no history themselves must not write to a table that has one.
WRITERS_SQL = """
select proname, prosrc from pg_proc
where prorettype = 'trigger'::regtype and pronamespace = current_schema()::regnamespace
and prosrc not like '%_pgh_attach_context%'
"""


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement as it is sent to the database."""
    seen: list[str] = []

    def note(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(statement)
        return execute(statement, params, many, context)

    with connection.execute_wrapper(note):  # inside of the wrapper that sends the context
        yield seen


def test_only_statements_that_write_to_a_tracked_table_carry_it(world: World) -> None:
    row = registrations.add_product(member=world.ben, product=world.lens, at=timezone.now())
    with attributed_to(world.ben.user, url="/kitbag/"), statements() as seen:
        registrations.submit_registration(
            registration=row, details=details("0000111122"), insisted=True, at=timezone.now()
        )
        Notice.objects.filter(member=world.ben).update(read_at=timezone.now())
    carrying = [statement for statement in seen if SENDS in statement]
    assert len(seen) > 5
    assert len(carrying) == 1
    assert 'UPDATE "kitbag_registration"' in carrying[0]


def test_the_portal_itself_leaves_no_row_about_who_it_was(world: World) -> None:
    before = Context.objects.count()
    with attributed_to(None):
        row = registrations.add_product(member=world.ben, product=world.lens, at=timezone.now())
    assert row.events.get().pgh_context is None  # type: ignore[attr-defined]
    assert Context.objects.count() == before


def test_facts_of_nested_contexts_are_added_to_one_row(world: World) -> None:
    with history_context(url="/kitbag/"):
        with attributed_to(world.staff):
            first = registrations.add_product(member=world.ben, product=world.lens, at=timezone.now())
        second = registrations.add_product(member=world.ben, product=world.lens, at=timezone.now())
    with attributed_to(None):  # in the same transaction
        third = registrations.add_product(member=world.ben, product=world.lens, at=timezone.now())
    contexts = [row.events.get().pgh_context for row in (first, second, third)]  # type: ignore[attr-defined]
    assert contexts[0] == contexts[1]
    assert contexts[0].metadata == {"user": world.staff.pk, "url": "/kitbag/"}
    assert contexts[2] is None


@pytest.mark.parametrize("by_name", [True, False])
def test_hand_written_statements_carry_it_with_either_kind_of_parameters(world: World, *, by_name: bool) -> None:
    place, params = ("%(n)s", {"n": "Anne"}) if by_name else ("%s", ["Anne"])
    with attributed_to(world.staff), connection.cursor() as cursor:
        cursor.execute(f"update members_member set first_name = {place} where id = {world.ana.pk}", params)  # noqa: S608
    assert world.ana.events.latest("pgh_id").pgh_context.metadata == {"user": world.staff.pk}


def test_each_of_many_statements_carries_it(world: World) -> None:
    with attributed_to(world.staff), connection.cursor() as cursor:
        statement = "update members_member set first_name = %s where id = %s"
        cursor.executemany(statement, [("Anne", world.ana.pk), ("Benny", world.ben.pk)])
    for member in (world.ana, world.ben):
        assert member.events.latest("pgh_id").pgh_context.metadata == {"user": world.staff.pk}


def test_a_row_that_was_written_after_a_rollback_names_the_person_too(world: World) -> None:
    """A rollback to a savepoint takes settings of the transaction back."""
    with attributed_to(world.staff), connection.cursor() as cursor:
        cursor.execute("savepoint a")
        cursor.execute("update members_member set first_name = 'Anne' where id = %s", [world.ana.pk])
        cursor.execute("rollback to savepoint a")
        cursor.execute("update members_member set first_name = 'Anna' where id = %s", [world.ana.pk])
    event = world.ana.events.latest("pgh_id")
    assert (event.first_name, event.pgh_context.metadata) == ("Anna", {"user": world.staff.pk})


def test_a_page_names_its_reader_and_its_path(client: Client, world: World) -> None:
    client.force_login(world.ben.user)
    page = reverse("kitbag:pick")
    client.post(page, {"pick": f"{world.lens.pk}.0"})
    row = Registration.objects.filter(member=world.ben).latest("pk")
    metadata = row.events.latest("pgh_id").pgh_context.metadata  # type: ignore[attr-defined]
    assert (metadata["user"], metadata["url"]) == (world.ben.user_id, page)


def test_triggers_write_to_no_table_that_has_a_history(db: None) -> None:
    """Otherwise a statement that names no tracked table could leave history without the person behind it."""
    with connection.cursor() as cursor:
        cursor.execute(WRITERS_SQL)
        functions = cursor.fetchall()
    assert functions
    writers = [name for name, source in functions for line in source.split(";") if can_leave_history(line)]
    assert writers == []


def test_which_statements_can_leave_history() -> None:
    assert can_leave_history('INSERT INTO "kitbag_registration" ("member_id") VALUES (%s)')
    assert can_leave_history("select 1;\nwith a as (update members_member set points = 1 returning id) select 1")
    assert not can_leave_history('SELECT 1 FROM "members_member" FOR NO KEY UPDATE')
    assert not can_leave_history('UPDATE "kitbag_registrationevent" SET "store" = %s')
    assert not can_leave_history('SAVEPOINT "s1_x1"')


def test_keys_of_contexts_are_in_the_order_of_time() -> None:
    keys = [ordered_uuid() for _ in range(3)]
    assert {key.version for key in keys} == {7}
    assert all(key.variant == "specified in RFC 4122" for key in keys)
    assert sorted(keys, key=lambda key: key.int >> 80) == keys
