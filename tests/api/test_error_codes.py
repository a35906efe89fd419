"""The guide names every code that the API can answer with, and no other (R55)."""

import ast
import re
from pathlib import Path

from django.conf import settings
from rest_framework import exceptions

from kitbag.presenters.texts import SERIAL_SENTENCES
from tests.api.refusals import reachable, refusals

GUIDE = Path(settings.BASE_DIR, "docs", "api", "errors.md").read_text(encoding="utf-8")
FILES = ("kitbag/api/*.py", "servicing/api/*.py", "members/api.py", "members/offers/api.py", "*/core/rest/webhooks.py")
HANDLERS = sorted(
    ".".join(file.relative_to(settings.BASE_DIR).with_suffix("").parts)
    for pattern in FILES
    for file in Path(settings.BASE_DIR).glob(pattern)
    if file.name != "__init__.py"
)
COMPUTED = {  # codes that the source computes, with what they can be
    "code": set(),  # of a file: 400, 413, 503 or 507, see UploadView
    "refusal.code": set(),  # one that was raised before, with another field
    "f'serial_{finding.code}": {
        f"serial_{code}"
        for code in SERIAL_SENTENCES
        if code not in ("shape", "shape_example", "own_duplicate", "own_other")  # not refused, or never found here
    },
}
ELSEWHERE = {"stolen"}  # `Stopped` of the intake gives its code itself
FRAMEWORK = (
    exceptions.ValidationError,
    exceptions.ParseError,
    exceptions.NotAuthenticated,
    exceptions.AuthenticationFailed,
    exceptions.PermissionDenied,
    exceptions.NotFound,
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
    exceptions.Throttled,
)


def codes_of_the_guide(section: str) -> set[str]:
    text = GUIDE.partition(f"## {section}")[2].partition("\n## ")[0]
    first_columns = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {code for column in first_columns for code in re.findall(r"`(\w+)`", column)}


def refused_with() -> set[str]:
    found = refusals(reachable(iter(HANDLERS)))
    codes = {code for code in found if code.isidentifier() and code not in COMPUTED}
    computed = {code for code in found if code not in codes}
    assert computed == set(COMPUTED), "say in COMPUTED what it can be"
    return codes.union(ELSEWHERE, *COMPUTED.values())


def raised_by_the_framework() -> set[str]:
    """Ours are read from the source: `default_code`, and `code=` of those that have several."""
    ours = set()
    for file in Path(settings.BASE_DIR, "cps_portal", "core", "rest").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "default_code":
                ours.add(ast.literal_eval(node.value))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("TokenFailed", "problem"):
                ours |= {each.value.value for each in node.keywords if each.arg == "code"}  # type: ignore[attr-defined]
                if node.func.id == "problem" and isinstance(node.args[1], ast.Constant):  # type: ignore[attr-defined]
                    ours.add(node.args[1].value)
    return ours | {str(each.default_code) for each in FRAMEWORK}


def test_the_source_is_read_as_it_is_run() -> None:
    found = refusals(reachable(iter(HANDLERS)))
    assert "kitbag.actions.sales._find_earlier" in found["standing"]
    assert "servicing.actions.follow_ups.decide_other_fault" in found["no_follow_up"]  # through a table of functions
    assert "offered" not in found  # only members reserve loans


def test_the_guide_names_what_is_refused_by_a_rule() -> None:
    guide = codes_of_the_guide("Refused by a rule") | codes_of_the_guide("Serial numbers")
    assert guide == refused_with()


def test_the_guide_names_what_any_operation_can_answer() -> None:
    assert codes_of_the_guide("Any operation") == raised_by_the_framework() - {"error"}
