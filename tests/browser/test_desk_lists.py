"""Every list of the desk at the widths of a desk, a tablet and a phone: nothing is cut off, axe finds nothing (R54)."""

from collections.abc import Callable

from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from members.models import User
from tests.browser.looks import faults

WIDTHS = (1440, 1024, 390)
# What is outside of the window and of every box that scrolls sideways: nobody can read it.
CUT_OFF = """() => {
  const reachable = (element) => {
    for (let box = element.parentElement; box; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (/auto|scroll/.test(style.overflowX)) return box.getBoundingClientRect().right <= innerWidth + 1;
      if (style.clipPath !== "none") return true;
    }
    return false;
  };
  return [...document.querySelectorAll("main *")].filter((element) => {
    const place = element.getBoundingClientRect();
    if (!element.checkVisibility()) return false; // in a menu that is closed
    const is_out = place.width && (place.right > innerWidth + 1 || place.left < -1);
    return is_out && getComputedStyle(element).clipPath === "none" && !reachable(element);
  }).map((element) => element.outerHTML.slice(0, 120));
}"""


def lists() -> list[str]:
    """Addresses of Django's own lists; those that are pages of ours have tests of their own."""
    return sorted(
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
        if model._meta.label not in {"cases.Case", "system.Tick"}
    )


def test_no_list_is_cut_off_at_any_width_and_axe_finds_nothing(demo: None, visit: Callable[..., Page]) -> None:
    page = visit(User.objects.get(email="admin@example.org"), color_scheme="dark")
    found: dict[tuple[str, int], list[str]] = {}
    for address in lists():
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.locator("#changelist").count() == 1, address
            found[address, width] = page.evaluate(CUT_OFF)
        found[address, width] += faults(page)
    assert len(found) > 200
    assert {place: what for place, what in found.items() if what} == {}


def test_a_row_is_a_card_on_a_phone(demo: None, visit: Callable[..., Page]) -> None:
    page = visit(User.objects.get(email="admin@example.org"), viewport={"width": 390, "height": 844})
    page.goto(reverse("admin:members_member_changelist"))
    cell = page.locator("#result_list tbody td.field-level").first
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Level"'
    assert page.locator("#result_list").evaluate("list => list.scrollWidth <= list.parentElement.clientWidth")
    page.locator("#result_list thead").get_by_role("link", name="Level").click()
    page.wait_for_url("**o=*")


def test_a_filter_is_a_chip_that_names_the_value_in_force(demo: None, visit: Callable[..., Page]) -> None:
    page = visit(User.objects.get(email="admin@example.org"), viewport={"width": 390, "height": 844})
    page.goto(reverse("admin:members_member_changelist"))
    chip = page.locator("#changelist-filter summary", has_text="Level")
    assert chip.inner_text().strip() == "Level"
    chip.click()
    page.get_by_role("link", name="Gold").click()
    page.wait_for_url("**level__exact=gold*")
    assert page.locator("#changelist-filter summary", has_text="Level").inner_text().strip() == "Level: Gold"
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url(lambda url: "level" not in url)
