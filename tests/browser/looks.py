"""Checks of a rendered page: accessibility and width."""

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

VIOLATIONS_ONLY = {"resultTypes": ["violations"], "preload": False}  # without the passes: three times as fast
LIBRARIES = {"exclude": [[".select2-container"]]}  # autocomplete fields of Django's admin
PATIENCE_MS = 20_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Page, only: Sequence[str] = ()) -> list[str]:
    """Violations that axe finds (by all rules, or those tagged `only`), and a page wider than the screen."""
    options = VIOLATIONS_ONLY | ({"runOnly": list(only)} if only else {})
    try:
        violations = _violations(page, options)
    except Error as error:  # a form sent before was still on its way, and its answer replaced the page
        if "Execution context was destroyed" not in str(error):
            raise
        page.wait_for_load_state()
        violations = _violations(page, options)
    problems = [f"{v['id']} {[node['html'][:160] for node in v['nodes'][:3]]}" for v in violations]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        problems.append("wider than the screen")
    return problems


def _violations(page: Page, options: dict[str, Any]) -> list[dict[str, Any]]:
    return Axe().run(page, context=LIBRARIES, options=options).response["violations"]


def comes_true(page: Page, script: str) -> bool:
    """Whether an async function comes to answer true. `wait_for_function` takes its promise for an answer."""
    polling = f"""async () => {{
      const end = Date.now() + {PATIENCE_MS};
      while (!(await ({script})())) {{
        if (Date.now() > end) return false;
        await new Promise(done => setTimeout(done, 50));
      }}
      return true;
    }}"""
    return bool(page.evaluate(polling))
