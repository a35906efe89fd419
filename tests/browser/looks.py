"""Checks of a rendered page: accessibility and width."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

VIOLATIONS_ONLY = {"resultTypes": ["violations"], "preload": False}  # without the passes: three times as fast
LIBRARIES = {"exclude": [[".select2-container"]]}  # autocomplete fields of Django's admin
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Page, only: Sequence[str] = ()) -> list[str]:
    """Violations that axe finds (by all rules, or those tagged `only`), and a page wider than the screen."""
    options = VIOLATIONS_ONLY | ({"runOnly": list(only)} if only else {})
    violations = Axe().run(page, context=LIBRARIES, options=options).response["violations"]
    problems = [f"{v['id']} {[node['html'][:160] for node in v['nodes'][:3]]}" for v in violations]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        problems.append("wider than the screen")
    return problems
