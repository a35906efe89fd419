"""Conventions of this project that no linter checks."""

import ast
import functools
import re
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, models

from members.models import Session

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
    for package in ("cps_portal", "members", "kitbag", "servicing")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
IMPORT_ELSEWHERE = re.compile(r"^(?!import |from ).*\bimport\b", re.MULTILINE)  # not at the beginning of a line
ACTIONS = [path for path in SOURCES if path.stem == "actions" or "actions" in path.parts]


def own_models() -> list[type[models.Model]]:
    return [model for app in apps.get_app_configs() if app.name in OWN for model in app.get_models()]


def test_the_database_driver_is_psycopg2() -> None:
    assert "psycopg2" in str(type(connection.Database)) or connection.Database.__name__ == "psycopg2"


def test_every_queued_or_scheduled_name_is_a_registered_task() -> None:
    current_app.loader.import_default_modules()
    used = set()
    for path in SOURCES:
        used |= set(re.findall(r"(?:after_commit|publish)\(\s*\"([a-z_.]+)\"", path.read_text()))
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert used, "nothing is queued"
    assert used | scheduled <= set(current_app.tasks)


NOT_FOR_STAFF = {Session}  # whoever reads its key is signed in as that person


def test_every_model_is_in_the_admin() -> None:
    shown = [model for model in own_models() if not is_event(model) and model not in NOT_FOR_STAFF]
    missing = [model.__name__ for model in shown if model not in admin.site._registry]
    assert missing == []


def is_event(model: type[models.Model]) -> bool:
    return model.__name__.endswith("Event") and hasattr(model, "pgh_tracked_model")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_nothing_is_imported_inside_a_function() -> None:
    inner = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if IMPORT_ELSEWHERE.search(path.read_text())  # most files need not be parsed
        for function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_actions_take_keywords_only() -> None:
    for path in ACTIONS:
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and writes(node):
                assert not node.args.args, f"{path.name}: {node.name} takes positional arguments"


def writes(node: ast.FunctionDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any("atomic" in decorator or "locks_ticket" in decorator for decorator in decorators)


def test_every_parameter_of_an_action_is_used() -> None:
    """Who and when are kept by the row or its history, or they are not asked for. Handlers in a table are private."""
    unused = []
    for path in ACTIONS:
        for function in [node for node in functions_of(path) if not node.name.startswith("_")]:
            names = {
                node.id for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)
            }
            parameters = [argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]]
            unused += [
                f"{path.relative_to(ROOT)}: {function.name}({parameter})"
                for parameter in parameters
                if parameter not in {*names, "self", "cls"}
            ]
    assert unused == []


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r"\b(MOST|LONGEST|FEWEST)(_[A-Z_]+)?\b", "MAX_, MIN_ or DEFAULT_, with the unit"),
        (r"#\s*fmt:\s*(skip|off)", "the formatter decides"),
    ],
)
def test_no_source_has(pattern: str, instead: str) -> None:
    tests = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__)]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*SOURCES, *tests]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == [], instead


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


def test_only_the_files_app_takes_uploads() -> None:
    """Uploads are checked and rewritten in one place (R25): no other form has a file field."""
    files_app = ROOT / "cps_portal" / "core" / "files"
    imports = {  # CSV files that staff load: read, never stored
        ROOT / "cps_portal" / "core" / "lib" / "sheet_forms.py",
        ROOT / "kitbag" / "admin" / "plan_forms.py",
    }
    wrong = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if files_app not in path.parents
        and path not in imports
        and re.search(r"(forms|models)\.(File|Image)(Field|Input)", path.read_text())
    ]
    pages = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "files"]
    wrong += [str(path.relative_to(ROOT)) for path in pages if re.search(r"type=[\"']?file", path.read_text())]
    assert wrong == []


def test_no_module_is_too_long() -> None:
    full = [f"{path.name} ({n})" for path in SOURCES if (n := len(path.read_text().splitlines())) > 450]
    assert full == []


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_an_append_only_table_refuses_truncate(db: None) -> None:
    """Test databases lack these triggers (conftest.py), so they are installed from the models and tried."""
    for table in ("kitbag_pointsentry", "members_levelchange", "members_termsacceptance"):
        model = next(model for model in own_models() if model._meta.db_table == table)
        trigger = next(trigger for trigger in model._meta.triggers if trigger.name == "no_truncate")
        trigger.install(model)
        with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
            cursor.execute(f"savepoint here; truncate {table} cascade")
        with connection.cursor() as cursor:
            cursor.execute("rollback to savepoint here")
