"""Without SANDBOX=true there is no sandbox, and with it there are no real people (R55)."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core import checks
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from pytest_django import Settings

import cps_portal.sandbox
from cps_portal.sandbox.apps import SandboxConfig
from cps_portal.sandbox.checks import no_real_people
from tests.api.machines import Machine, machine
from tests.sandbox.conftest import listen
from tests.test_production import ENVIRONMENT
from tests.world import World

ROOT = Path(settings.BASE_DIR)
PATHS = ("data", "age", "events")
LOOK = """
import json, django
django.setup()
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve
views = [resolve(f"/api/v1/sandbox/{path}").func for path in ("data", "age", "events")]
print(json.dumps({
    "views": [getattr(view, "view_class", view).__name__ for view in views],
    "apps": [name for name in settings.INSTALLED_APPS if "sandbox" in name],
    "middleware": [name for name in settings.MIDDLEWARE if "sandbox" in name],
    "command": "sandbox" in get_commands(),
}))
"""
PRINT_CONTRACT = ("manage.py", "spectacular", "--validate", "--fail-on-warn")


def run(*arguments: str, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment | ENVIRONMENT | more,
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.wide
def test_production_has_none_of_it() -> None:
    assert json.loads(run("-c", LOOK)) == {
        "views": ["no_such_path"] * 3,
        "apps": [],
        "middleware": [],
        "command": False,
    }
    assert json.loads(run("-c", LOOK, SANDBOX="true")) == {
        "views": ["DataView", "AgeView", "EventsView"],
        "apps": ["cps_portal.sandbox"],
        "middleware": ["cps_portal.sandbox.middleware.FailuresMiddleware"],
        "command": True,
    }


@pytest.mark.wide
def test_the_contract_of_a_sandbox_is_that_of_production_and_more() -> None:
    """What a client was made from in the sandbox is valid in production."""
    committed: dict[str, Any] = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))
    assert not [path for path in committed["paths"] if "sandbox" in path]
    sandbox = yaml.safe_load(run(*PRINT_CONTRACT, SANDBOX="true"))
    own = {path for path in sandbox["paths"] if path not in committed["paths"]}
    assert own == {f"/api/v1/sandbox/{path}" for path in PATHS}
    for path in own:
        for operation in sandbox["paths"].pop(path).values():
            assert operation["description"]
            assert "example" in operation["responses"]["200"]["content"]["application/json"]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {"example": ""})
            assert "example" in body
    assert sandbox["tags"].pop()["name"] == "Sandbox"
    for item in sandbox["paths"].values():
        for operation in item.values():
            if operation.get("parameters", [{}])[-1].get("name") == "Sandbox-Fail":
                operation["parameters"].pop()
                if not operation["parameters"]:
                    del operation["parameters"]
    assert sandbox["paths"] == committed["paths"]


@pytest.mark.django_db
def test_the_addresses_answer_404_like_any_other(client: Client, world: World) -> None:
    workshop: Machine = listen(machine())
    for path in PATHS:
        for answer in (workshop.post(f"sandbox/{path}"), workshop.get(f"sandbox/{path}")):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert workshop.get("levels", **{"Sandbox-Fail": "500"}).status_code == 200


def test_a_sandbox_with_real_people_does_not_start(world: World, settings: Settings) -> None:
    settings.CROWDS_ALLOWED = False
    assert no_real_people(None, databases=["default"]) == []
    world.staff.email = "support@portal.company.com"
    world.staff.save()
    assert no_real_people(None, databases=["default"]) == [], "staff are real"
    world.ana.user.email = "ana@photographers.co.za"
    world.ana.user.save()
    (found,) = no_real_people(None, databases=["default"])
    assert (found.id, found.level) == ("sandbox.E001", checks.ERROR), "an error stops `migrate`"
    assert no_real_people(None, databases=None) == [], "other commands need no database"
    settings.CROWDS_ALLOWED = True
    (found,) = no_real_people(None, databases=["default"])
    assert (found.id, found.level) == ("sandbox.W001", checks.WARNING), "a developer's machine starts"


def test_migrate_stops_where_real_people_are(world: World, settings: Settings) -> None:
    """As `migrate` of a deployment does, before it touches anything."""
    settings.CROWDS_ALLOWED = False
    world.ana.user.email = "ana@photographers.co.za"
    world.ana.user.save()
    SandboxConfig("cps_portal.sandbox", cps_portal.sandbox).ready()
    try:
        with pytest.raises(SystemCheckError, match=r"sandbox\.E001"):
            call_command("migrate", skip_checks=False)
    finally:
        registry.registered_checks.remove(no_real_people)


def test_the_guide_names_its_codes() -> None:
    text = (ROOT / "docs/api/sandbox.md").read_text(encoding="utf-8").partition("## Codes of the sandbox")[2]
    lines = re.findall(r"^\| (`[^|]+)\|", text, re.MULTILINE)
    named = {code for line in lines for code in re.findall(r"`(\w+)`", line)}
    refused = {
        node.args[0].value
        for file in (ROOT / "cps_portal/sandbox").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and node.args
        if isinstance(node.args[0], ast.Constant)
    }
    assert named == refused
