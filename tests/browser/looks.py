"""What must hold of a page as it stands in the browser."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

ONLY_WHAT_IS_WRONG = {"resultTypes": ["violations"], "preload": False}  # all that is right would be three times as slow
LIBRARIES = {"exclude": [[".select2-container"]]}  # the boxes that complete what is typed are Django's
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Page, only: Sequence[str] = ()) -> list[str]:
    """What axe finds, by all its rules or only those with these tags; and whether it is wider than the screen."""
    options = ONLY_WHAT_IS_WRONG | ({"runOnly": list(only)} if only else {})
    violations = Axe().run(page, context=LIBRARIES, options=options).response["violations"]
    found = [f"{one['id']} {[node['html'][:160] for node in one['nodes'][:3]]}" for one in violations]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the screen")
    return found
