"""Which texts are only read by staff and partners: desk and API are English, so they are left out of the catalogues.

A text that members read as well stays in, wherever else it is used.
"""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

DESK = (
    "templates/admin/*",
    "templates/emails/_endpoint_answer.html",
    "templates/emails/endpoint_*",
    "templates/mailbox/*",
    "templates/public/_guides_search.html",
    "templates/public/api.html",
    "templates/public/guide.html",
    "templates/public/guides.html",
    "*/admin.py",
    "*/admin/*",
    "*/apps.py",
    "*_admin.py",
    "*/api.py",
    "*/api/*",
    "*/management/*",
    "*/migrations/*",
    "tests/*",
    "cps_portal/dev/*",
    "cps_portal/settings/*",
    "cps_portal/core/lib/admin.py",
    "cps_portal/core/lib/admin_files.py",
    "cps_portal/core/lib/admin_lists.py",
    "cps_portal/core/lib/sheet_forms.py",
    "cps_portal/core/lib/spreadsheets.py",
    "cps_portal/core/lib/translations.py",
    "cps_portal/core/limits/*",
    "cps_portal/core/outbox/*",
    "cps_portal/core/partners/*",
    "cps_portal/core/rest/*",
    "cps_portal/core/submissions/models.py",
    "cps_portal/core/system/*",
    "cps_portal/sandbox/*",
    "cps_portal/site/account_merges.py",
    "cps_portal/site/alerts.py",
    "cps_portal/site/presenters/account_merges.py",
    "cps_portal/site/presenters/cases.py",
    "cps_portal/site/presenters/desk.py",
    "cps_portal/site/presenters/guides.py",
    "cps_portal/site/presenters/list_export.py",
    "cps_portal/site/presenters/member.py",
    "cps_portal/site/presenters/member_actions.py",
    "cps_portal/site/presenters/member_mails.py",
    "cps_portal/site/presenters/member_page.py",
    "cps_portal/site/presenters/programme.py",
    "cps_portal/site/presenters/programme_lists.py",
    "cps_portal/site/presenters/programme_numbers.py",
    "cps_portal/site/presenters/system.py",
    "cps_portal/site/presenters/trail.py",
    "cps_portal/site/presenters/two_people.py",
    "cps_portal/site/presenters/viewed_page.py",
    "cps_portal/site/queries/trail.py",
    "cps_portal/site/views/case_page.py",
    "cps_portal/site/views/cases.py",
    "cps_portal/site/views/desk.py",
    "cps_portal/site/views/guides.py",
    "cps_portal/site/views/list_export.py",
    "cps_portal/site/views/member.py",
    "cps_portal/site/views/open_case.py",
    "cps_portal/site/views/programme.py",
    "cps_portal/site/views/replace_card.py",
    "cps_portal/site/views/trail.py",
    "cps_portal/site/views/view_as.py",
    "kitbag/actions/adjustments.py",
    "kitbag/actions/held_decisions.py",
    "kitbag/actions/merges.py",
    "kitbag/actions/planning.py",
    "kitbag/actions/review.py",
    "kitbag/actions/sale_files.py",
    "kitbag/actions/sales.py",
    "kitbag/actions/transitions.py",
    "kitbag/catalogue/*",
    "kitbag/presenters/decide.py",
    "kitbag/presenters/kit_for_staff.py",
    "members/actions/country_plans.py",
    "members/actions/notes.py",
    "members/actions/plans.py",
    "members/actions/staff.py",
    "members/actions/staff_access.py",
    "members/actions/thresholds.py",
    "members/offers/actions/offers.py",
    "members/offers/actions/pack_files.py",
    "members/offers/forms/offers.py",
    "members/support/actions/merging.py",
    "members/support/actions/attention.py",
    "servicing/actions/arrivals.py",
    "servicing/actions/calendars.py",
    "servicing/actions/dispatch.py",
    "servicing/actions/event_files.py",
    "servicing/actions/merges.py",
    "servicing/actions/packing.py",
    "servicing/actions/parts.py",
    "servicing/actions/technicians.py",
    "servicing/forms/arrivals.py",
    "servicing/forms/calendars.py",
    "servicing/forms/estimates.py",
    "servicing/forms/event_files.py",
    "servicing/forms/loans.py",
    "servicing/forms/packing.py",
    "servicing/forms/reports.py",
    "servicing/forms/ticket_steps.py",
    "servicing/forms/visitors.py",
    "servicing/presenters/arrivals.py",
    "servicing/presenters/board.py",
    "servicing/presenters/job_page.py",
    "servicing/presenters/loan_desk.py",
    "servicing/presenters/numbers.py",
    "servicing/presenters/packing.py",
    "servicing/presenters/visitors.py",
    "servicing/queries/targets.py",
)
MODEL_FILES = ("*/models.py", "*/models/*")
NAMES = {"verbose_name", "verbose_name_plural", "help_text", "description", "short_description"}


def is_read_by_members(path: str, line: int) -> bool:
    """Whether the text at this line of a file of the project is for members, visitors or mails."""
    if any(fnmatch(path, pattern) for pattern in DESK):
        return False
    return not any(fnmatch(path, pattern) for pattern in MODEL_FILES) or line not in _names_of_fields(path)


def class_at(path: str, line: int) -> str:
    """The name of the class that this line of a Python file is in; "" if it is in none, or in a template."""
    return _classes(path).get(line, "") if path.endswith(".py") else ""


@cache
def _names_of_fields(path: str) -> frozenset[int]:
    """The lines of a file of models with names of fields and tables: only the admin and the trail show them."""
    tree = ast.parse(Path(path).read_text())
    return frozenset(line for node in ast.walk(tree) for line in _lines_of_names(node))


@cache
def _classes(path: str) -> dict[int, str]:
    tree = ast.parse(Path(path).read_text())
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {line: node.name for node in classes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _lines_of_names(node: ast.AST) -> Iterator[int]:
    named: list[ast.expr] = []
    if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id in NAMES for to in node.targets):
        named.append(node.value)
    if isinstance(node, ast.Call):
        named += [keyword.value for keyword in node.keywords if keyword.arg in NAMES]
        if isinstance(node.func, ast.Attribute) and node.func.attr.endswith("Field"):
            named += node.args[:1]
    for value in named:
        yield from range(value.lineno, (value.end_lineno or value.lineno) + 1)
