"""Checks of a rendered page: accessibility and width."""

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

VIOLATIONS_ONLY = {"resultTypes": ["violations"], "preload": False}  # without the passes: three times as fast
LIBRARIES = {"exclude": [[".select2-container"]]}  # autocomplete fields of Django's admin
PATIENCE_MS = 20_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Contrast takes most of the time of axe, and the rows of a list repeat themselves: of texts that have the same colours,
# sizes and names of classes, all the way up to the page, it looks at the first two. Texts that it may leave out by
# itself (hidden ones, labels and fields, what is disabled) stand in for no others.
REPEATED = "data-looks-the-same"
LOOK_ONCE = f"""
document.querySelectorAll("[{REPEATED}]").forEach((element) => element.removeAttribute("{REPEATED}"));
(() => {{
  const ids = new Map(), shown = new Map();
  const always = "label, label *, input, select, textarea, option, :disabled, :disabled *, [aria-disabled=true] *";
  const look = (element, above) => {{
    const style = getComputedStyle(element);
    const colours = [style.color, style.backgroundColor, style.backgroundImage, style.opacity, style.textShadow];
    const letters = [style.fontSize, style.fontWeight, style.position, style.filter, style.mixBlendMode];
    const key = [above, element.localName, element.getAttribute("class"), ...colours, ...letters].join("|");
    if (!ids.has(key)) ids.set(key, ids.size);
    const id = ids.get(key), place = element.getBoundingClientRect();
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const isSeen = place.width > 1 && place.height > 1 && place.left >= 0 && place.right <= innerWidth
      && element.checkVisibility({{ opacityProperty: true, visibilityProperty: true }});
    if (hasText && isSeen && !element.matches(always)) {{
      const before = shown.get(id) || 0;
      shown.set(id, before + 1);
      if (before > 1) element.setAttribute("{REPEATED}", "");
    }}
    for (const child of element.children) look(child, id);
  }};
  look(document.documentElement, "");
}})();
axe.configure({{ rules: [{{ id: "color-contrast", selector: "*:not([{REPEATED}])" }}] }});
"""
AXE = Axe(f"{AXE_SCRIPT};{LOOK_ONCE}")


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
    return AXE.run(page, context=LIBRARIES, options=options).response["violations"]


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
