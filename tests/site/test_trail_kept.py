"""Nobody changes or deletes the trail: the database refuses, in every table that the catalogue has (R14, R54)."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import InternalError, connection, models, transaction
from django.utils import timezone

from cps_portal.core.lib.history import TRIGGER, erasing_trail, expiring_trail, protect_trail, trail_tables
from cps_portal.site.actions import ways_to
from cps_portal.site.retention import history_models
from members import actions
from members.enums import AccessKind, Door
from members.models import Member, MemberView, StaffAccess
from tests.accounts.everything import MARK, START, add_everything, traces
from tests.accounts.test_erasing import close, erase
from tests.world import World


def has_history_of_a_member(model: type[models.Model]) -> bool:
    return bool(list(ways_to(Member, model)))


def attempt(statement: str, *, opened_by: Any = None) -> str:
    """What the database answers; "" if it does as it is told. Nothing of it stays."""
    try:
        with transaction.atomic():
            if opened_by:
                with opened_by(), connection.cursor() as cursor:
                    cursor.execute(statement)
            else:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            transaction.set_rollback(True)
    except InternalError as error:
        return str(error)
    return ""


def test_every_history_of_the_catalogue_is_in_the_trail_and_has_the_triggers(db: None) -> None:
    histories = {model._meta.db_table for model in history_models()}
    tables = trail_tables()
    assert histories < set(tables)
    assert {"django_admin_log", "pghistory_context", "members_staffaccess", "members_memberview"} <= set(tables)
    with connection.cursor() as cursor:
        cursor.execute("select tgrelid::regclass::text from pg_trigger where tgname = %s", [TRIGGER])
        assert {table for (table,) in cursor.fetchall()} == set(tables)


ATTEMPTS_SQL = """
create temporary table wrong (what text) on commit drop;
do $$ declare target record; filled boolean; begin
    for target in select t.name, c.column_name from unnest(%s) as t(name)
        join information_schema.columns c on c.table_name = t.name loop
        execute format('select exists (select from %%I)', target.name) into filled;
        continue when not filled;
        begin
            execute format('update %%1$I set %%2$I = %%2$I', target.name, target.column_name);
            insert into wrong values (target.name || '.' || target.column_name);
        exception when raise_exception then null;
        end;
        begin
            execute format('delete from %%I', target.name);
            insert into wrong values (target.name);
        exception when raise_exception then null;
        end;
    end loop;
end $$;
select what from wrong
"""


def test_the_database_refuses_every_change_of_the_trail(world: World) -> None:
    """R54: each column of each table, and deleting."""
    add_everything(world)
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS_SQL, [sorted(trail_tables())])
        assert cursor.fetchall() == []


def test_no_history_of_a_member_is_empty_in_that_test(world: World) -> None:
    add_everything(world)
    empty = {model._meta.label for model in history_models() if not model._default_manager.exists()}
    assert {label for label in empty if has_history_of_a_member(apps.get_model(label))} == set()


def test_a_table_without_the_triggers_gets_them_with_the_next_migration(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"drop trigger {TRIGGER} on members_memberevent")
    assert not attempt("delete from members_memberevent")
    protect_trail()
    assert attempt("delete from members_memberevent")
    assert "never emptied" in attempt("truncate members_memberevent cascade")


def test_erasing_may_blank_values_and_never_who_did_what_when(world: World) -> None:
    """R14: the facts of a row do not change in the path of erasure either, and nothing is deleted in it."""
    add_everything(world)
    wrong = []
    for table, protection in trail_tables().items():
        with connection.cursor() as cursor:
            cursor.execute(f'select count(*) from "{table}"')  # noqa: S608
            if not cursor.fetchone()[0]:
                continue
        if not attempt(f'delete from "{table}"', opened_by=erasing_trail):  # noqa: S608
            wrong.append(table)
        for fact in protection.facts:
            with connection.cursor() as cursor:
                cursor.execute(f'select count("{fact}") from "{table}"')  # noqa: S608
                has_values = cursor.fetchone()[0]
            statement = f'update "{table}" set "{fact}" = null where "{fact}" is not null'  # noqa: S608
            if has_values and "is a trail" not in attempt(statement, opened_by=erasing_trail):
                wrong.append(f"{table}.{fact}")
    assert wrong == []


def test_erasing_a_person_keeps_every_row_of_every_history_without_their_values(world: World) -> None:
    """R14: who did what and when remains, values are blanked."""
    member = add_everything(world)
    kept = [model for model in history_models() if has_history_of_a_member(model)]
    facts = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id")
    before = {model: set(model._default_manager.values_list(*facts)) for model in kept}
    looked = list(MemberView.objects.values_list("by", "member", "at", "until"))
    opened = list(StaffAccess.objects.values())
    logged = set(LogEntry.objects.values_list("pk", "action_time", "user", "object_id", "action_flag"))
    close(member)
    erase()
    lost = {model._meta.label: rows - set(model._default_manager.values_list(*facts)) for model, rows in before.items()}
    assert {label: rows for label, rows in lost.items() if rows} == {}
    assert traces(MARK) == {}
    assert list(MemberView.objects.values_list("by", "member", "at", "until")) == looked
    assert list(StaffAccess.objects.values()) == opened
    assert logged <= set(LogEntry.objects.values_list("pk", "action_time", "user", "object_id", "action_flag"))
    assert set(MemberView.objects.values_list("reason", flat=True)) == {""}


def test_a_view_is_ended_once(world: World) -> None:
    """R68"""
    view = actions.start_view(member=world.ana, reason="Asked", by=world.staff, at=START)
    ended = START + timedelta(minutes=3)
    assert actions.end_view(member=world.ana, by=world.staff, at=ended) == 1
    assert actions.end_view(member=world.ana, by=world.staff, at=ended + timedelta(minutes=1)) == 0
    assert "is a trail" in attempt(f"update members_memberview set ended_at = null where id = {view.pk}")  # noqa: S608
    assert "is a trail" in attempt("update members_memberview set ended_at = until, reason = 'x'")


def test_what_opens_the_trail_closes_it_again(world: World) -> None:
    rows = StaffAccess.objects
    actions.record_access(by=world.staff, at=timezone.now(), kind=AccessKind.PAGE, door=Door.DESK, page="x")
    with transaction.atomic():
        with erasing_trail(), expiring_trail():
            pass
        assert attempt("delete from members_staffaccess")
    with expiring_trail():
        rows.all().delete()
    assert not rows.exists()


def test_a_failure_in_the_path_of_erasure_leaves_the_trail_closed(world: World) -> None:
    with pytest.raises(ZeroDivisionError), erasing_trail():
        raise ZeroDivisionError
    assert attempt("update members_memberevent set first_name = ''")
