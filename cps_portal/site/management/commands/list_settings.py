"""Prints every environment variable that the portal reads, and keeps the documents in step."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cps_portal.settings.kinds import Variable
from cps_portal.settings.variables import COMPOSE, FOR_TESTS, GROUPS

COMPOSE_TITLE = "Only for docker-compose.yml"
HEAD = "| variable | kind | default | meaning |\n|---|---|---|---|"
BEGIN, END = "<!-- begin: manage.py list_settings -->", "<!-- end -->"
ENV_HEAD = (
    "# Copy this file to .env and fill in what is not commented out: docker-compose.yml reads it.\n"
    "# Made by `manage.py list_settings --update` from cps_portal/settings/variables.py."
)


class Command(BaseCommand):
    help = "Prints all environment variables: kind, default, meaning."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--update", action="store_true", help="write docs/configuration.md, README.md and .env.example instead"
        )

    def handle(self, *_args: Any, update: bool, **_options: Any) -> None:
        if not update:
            self.stdout.write(describe_all())
            return
        for path, text in documents(Path(settings.BASE_DIR)).items():
            path.write_text(text)


def describe_all() -> str:
    """All variables as Markdown, a table for each group."""
    groups = {**GROUPS, COMPOSE_TITLE: COMPOSE}
    return "\n".join(f"## {title}\n\n{describe(variables)}" for title, variables in groups.items())


def describe(variables: Iterable[Variable]) -> str:
    lines = [
        f"| `{variable.name}` | {variable.kind.name} | {_default(variable)} | {variable.meaning} |"
        for variable in variables
    ]
    return "\n".join([HEAD, *lines]) + "\n"


def documents(root: Path) -> dict[Path, str]:
    """The documents that list variables, as they should be."""
    tables = {root / "docs/configuration.md": describe_all(), root / "README.md": describe(_required())}
    return {path: _replace(path.read_text(), table) for path, table in tables.items()} | {
        root / ".env.example": describe_for_compose()
    }


def describe_for_compose() -> str:
    """What docker-compose.yml reads: required variables to fill in, the others commented out."""
    lines = [ENV_HEAD]
    for title, variables in {COMPOSE_TITLE: COMPOSE, **GROUPS}.items():
        shown = [variable for variable in variables if not variable.is_set_by_compose]
        if shown and title != FOR_TESTS:
            lines += [f"\n# {title}", *(_env_lines(variable) for variable in shown)]
    return "\n".join(lines) + "\n"


def _required() -> list[Variable]:
    return [variable for group in GROUPS.values() for variable in group if variable.default is None]


def _env_lines(variable: Variable) -> str:
    comment = f"# {variable.meaning} ({variable.kind.name})".replace("`", "")
    if variable.default is None or variable.example:
        return f"{comment}\n{variable.name}={variable.example}"
    return f"{comment}\n#{variable.name}={variable.default}"


def _default(variable: Variable) -> str:
    if variable.falls_back_to:
        return f"as `{variable.falls_back_to}`"
    if variable.default is None:
        return "**required**"
    return f"`{variable.default}`" if variable.default else "none"


def _replace(text: str, table: str) -> str:
    """The text with a new table between the two marks. Raises ValueError if there are none."""
    before, rest = text.split(BEGIN)
    after = rest.split(END, maxsplit=1)[1]
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"
