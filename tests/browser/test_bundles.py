"""The joined and shortened style sheets mean to the browser what their sources mean."""

import re

from playwright.sync_api import Browser, Page

from cps_portal.core.lib.bundles import INDEXES, bundle, join_imports

RULES = """css => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return Array.from(sheet.cssRules, rule => rule.cssText);
}"""
FOREIGN = re.compile(r"@import url\([^)]*\) layer\(\w+\);")  # sheets of Django's, which stay imports
COMMA = re.compile(r"\s*,\s*")


def rules(page: Page, css: str) -> list[str]:
    """As the browser writes them; it keeps the white space of values with variables as it stands."""
    found = page.evaluate(RULES, FOREIGN.sub("", css))
    return [" ".join(COMMA.sub(",", rule).split()) for rule in found]


def test_shortened_sheets_have_the_rules_of_their_sources(chromium: Browser) -> None:
    page = chromium.new_page()
    for name, index in INDEXES.items():
        source = rules(page, join_imports(index))
        assert len(source) > 40
        assert rules(page, bundle(name)) == source
