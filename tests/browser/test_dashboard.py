"""The dashboard of the demo world: short on a phone, without holes on a desktop (R18, R56)."""

from collections.abc import Callable

from playwright.sync_api import Page

from members.models import Member

MAX_PHONE_HEIGHT = 3000  # CSS pixels, of the whole page at a width of 390
MAX_GAP = 1  # CSS pixels, by which the two columns may end apart
MAX_HOLE = 100  # between the last line of what happened and the foot below it
BOTTOMS = """names => names.map(name => {
  const all = [...document.querySelectorAll(name)];
  return Math.max(...all.map(each => each.getBoundingClientRect().bottom));
})"""


def test_the_dashboard_is_short_on_a_phone_and_even_on_a_desktop(demo: None, visit: Callable[..., Page]) -> None:
    ana = Member.objects.get(user__email="ana@example.org")
    page = visit(ana.user, viewport={"width": 390, "height": 844})
    page.goto("/dashboard/")
    page.reload()  # without the passkey that is offered after signing in
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= MAX_PHONE_HEIGHT
    assert page.locator(".news__row:visible").count() <= 2
    page.set_viewport_size({"width": 1440, "height": 900})
    left, right = page.evaluate(BOTTOMS, [".dash__news > .panel", ".dash__main > :last-child"])
    assert abs(left - right) <= MAX_GAP
    last, foot = page.locator(".news__row").last.bounding_box(), page.locator(".dash__news .panel__foot").bounding_box()
    assert last and foot and foot["y"] - last["y"] - last["height"] <= MAX_HOLE
