"""How the history of tracked rows (R54) is kept from being changed. Who is behind a change: history_context.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, transaction

SETTING = "portal.history"  # of a transaction; what may be done to the trail in it: nothing, ERASE or EXPIRE
ERASE, EXPIRE = "erase", "expire"
TRIGGER = "keep_trail"
# Tables of other libraries that belong to the trail, with the columns that never change, not even for R14.
FACTS_ELSEWHERE = {
    "pghistory_context": ("id", "created_at", "metadata"),
    "django_admin_log": ("id", "action_time", "user_id", "content_type_id", "object_id", "action_flag"),
}
HISTORY_FACTS = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id")
HISTORY_TABLES_SQL = (
    "select relname from pg_class join pg_attribute on attrelid = pg_class.oid where attname = 'pgh_id'"
    " and relkind = 'r' and relnamespace = current_schema()::regnamespace"
)
# pghistory writes a context again when a later change of the same request adds to it; only its own trigger may.
FUNCTION_SQL = f"""
create or replace function {TRIGGER}() returns trigger language plpgsql as $$
declare
    purpose text := coalesce(current_setting('{SETTING}', true), '');
    fact text;
begin
    if tg_op = 'TRUNCATE' then
        raise exception '% is a trail: it is never emptied', tg_table_name;
    elsif tg_op = 'DELETE' then
        if purpose = '{EXPIRE}' then
            return old;
        end if;
    elsif tg_table_name = 'pghistory_context' then
        if pg_trigger_depth() > 1 then
            return new;
        end if;
    elsif purpose = '{ERASE}' then
        foreach fact in array string_to_array(tg_argv[0], ',') loop
            if to_jsonb(new) -> fact is distinct from to_jsonb(old) -> fact then
                raise exception '% is a trail: % never changes', tg_table_name, fact;
            end if;
        end loop;
        return new;
    elsif tg_argv[1] <> '' and (to_jsonb(old) -> tg_argv[1]) = 'null' and (to_jsonb(new) -> tg_argv[1]) <> 'null'
        and to_jsonb(new) - tg_argv[1] = to_jsonb(old) - tg_argv[1] then
        return new;
    end if;
    raise exception '% is a trail: it is never changed', tg_table_name;
end $$
"""


def erasing_trail() -> Any:
    """Context manager: inside, values of the trail may be blanked (R14). Who did what and when stays as it is."""
    return _trail_open_for(ERASE)


def expiring_trail() -> Any:
    """Context manager: inside, rows of the trail may be deleted, because their time is over."""
    return _trail_open_for(EXPIRE)


@contextmanager
def _trail_open_for(purpose: str) -> Iterator[None]:
    with transaction.atomic():
        before = _set(purpose)
        yield
        _set(before)


def _set(purpose: str) -> str:
    """Set it until the transaction ends; returns what it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(current_setting(%s, true), ''), set_config(%s, %s, true)", [SETTING, SETTING, purpose]
        )
        return str(cursor.fetchone()[0])


@dataclass(frozen=True)
class Protection:
    """What stays of a row of the trail: `facts` never change, `set_once` may be filled in once."""

    facts: tuple[str, ...]
    set_once: str = ""


def trail_tables() -> dict[str, Protection]:
    """Every table of the trail. The histories come from the catalogue of the database: no new one can be forgotten.

    A model of ours joins it with `trail = Protection(...)`.
    """
    with connection.cursor() as cursor:
        cursor.execute(HISTORY_TABLES_SQL)
        tables = {table: Protection(HISTORY_FACTS) for (table,) in cursor.fetchall()}
    tables |= {table: Protection(facts) for table, facts in FACTS_ELSEWHERE.items()}
    return tables | {model._meta.db_table: model.trail for model in apps.get_models() if hasattr(model, "trail")}


def protect_trail(**_signal: Any) -> None:
    """Add the triggers to every table of the trail that has none. Connected to `post_migrate` of the last app."""
    tables = trail_tables()
    with connection.cursor() as cursor:
        cursor.execute("select tgrelid::regclass::text from pg_trigger where tgname = %s", [TRIGGER])
        protected = {table.strip('"') for (table,) in cursor.fetchall()}
        existing = set(connection.introspection.table_names(cursor))
        cursor.execute(FUNCTION_SQL)
        for table in (set(tables) & existing) - protected:
            facts, set_once = ",".join(tables[table].facts), tables[table].set_once
            cursor.execute(
                f'create trigger {TRIGGER} before update or delete on "{table}"'
                f" for each row execute function {TRIGGER}('{facts}', '{set_once}');"
                f' create trigger {TRIGGER}_no_truncate before truncate on "{table}"'
                f" for each statement execute function {TRIGGER}()"
            )
