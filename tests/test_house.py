"""Rules of the house that no linter knows."""

import ast
import re
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, models

ROOT = Path(settings.BASE_DIR)
OWN = [
    "cps_portal.core.outbox",
    "cps_portal.core.partners",
    "members.offers",
    "members.support",
    "members",
    "kitbag",
    "servicing",
]
SOURCES = [
    path
    for room in ("cps_portal", "members", "kitbag", "servicing")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts
]


def own_models() -> list[type[models.Model]]:
    return [model for app in apps.get_app_configs() if app.name in OWN for model in app.get_models()]


def test_the_database_driver_is_psycopg2() -> None:
    assert "psycopg2" in str(type(connection.Database)) or connection.Database.__name__ == "psycopg2"


def test_every_background_name_used_is_a_registered_task() -> None:
    current_app.loader.import_default_modules()
    used = set()
    for path in SOURCES:
        used |= set(re.findall(r"(?:after_commit|publish)\(\s*\"([a-z_.]+)\"", path.read_text()))
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert used, "nothing queues anything"
    assert used | scheduled <= set(current_app.tasks)


def test_every_model_has_its_admin() -> None:
    missing = [model.__name__ for model in own_models() if model not in admin.site._registry and not is_event(model)]
    assert missing == []


def is_event(model: type[models.Model]) -> bool:
    return model.__name__.endswith("Event") and hasattr(model, "pgh_tracked_model")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_inside_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = [
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_actions_take_keywords_only() -> None:
    for path in SOURCES:
        if "actions" not in path.stem and "actions" not in path.parts:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and writes(node):
                assert not node.args.args, f"{path.name}: {node.name} takes positional arguments"


def writes(node: ast.FunctionDef) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_no_page_has_inline_style_or_script() -> None:
    """The Content-Security-Policy would block them; mails are the one exception."""
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text()
        if "email" in path.parts or "emails" in path.parts:
            continue
        if re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_every_file_goes_through_the_room_for_files() -> None:
    """What is uploaded is checked and made anew in one place (R25): no other form takes files."""
    room = ROOT / "cps_portal" / "core" / "files"
    tables = {  # that staff load: read, never kept
        ROOT / "kitbag" / "admin" / "plan_forms.py",
        ROOT / "members" / "offers" / "forms" / "desk.py",
    }
    wrong = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if room not in path.parents
        and path not in tables
        and re.search(r"(forms|models)\.(File|Image)(Field|Input)", path.read_text())
    ]
    pages = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "files"]
    wrong += [str(path.relative_to(ROOT)) for path in pages if re.search(r"type=[\"']?file", path.read_text())]
    assert wrong == []


def test_no_room_is_too_full() -> None:
    full = [f"{path.name} ({n})" for path in SOURCES if (n := len(path.read_text().splitlines())) > 450]
    assert full == []


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_migrated_database_refuses_to_empty_a_log(db: None) -> None:
    """The tests' own database has these triggers dropped, so they are put back from the models and tried."""
    for table in ("kitbag_pointsentry", "members_levelchange", "members_termsacceptance"):
        model = next(model for model in own_models() if model._meta.db_table == table)
        trigger = next(trigger for trigger in model._meta.triggers if trigger.name == "no_truncate")
        trigger.install(model)
        with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
            cursor.execute(f"savepoint here; truncate {table} cascade")
        with connection.cursor() as cursor:
            cursor.execute("rollback to savepoint here")
