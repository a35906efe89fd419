"""What must hold of a page as it stands in the browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

ONLY_WHAT_IS_WRONG = {"resultTypes": ["violations"]}  # all that is right would be three times as slow


def faults(page: Page) -> list[str]:
    """What axe finds, and whether it is wider than the screen."""
    violations = Axe().run(page, options=ONLY_WHAT_IS_WRONG).response["violations"]
    found = [f"{one['id']} {[node['html'][:160] for node in one['nodes'][:3]]}" for one in violations]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("wider than the screen")
    return found
