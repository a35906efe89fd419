"""Enter in any field presses the main button of its form, also the Enter of a scanner (R71)."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from playwright.sync_api import Page, expect

from kitbag.models import Registration
from members.models import Member, User
from members.support.models import Case
from servicing.models import Ticket
from tests.browser.test_accessible import MEMBER, PUBLIC, registrations_of
from tests.factories import draft, validated, with_receipt
from tests.world import World

MIN_FIELDS = 55  # in which the test presses Enter; fewer would mean that it no longer finds them
# Every field in which Enter submits, with the button that Enter pressed and the main button of its form.
WATCH = """() => {
  window.pressed = null;
  document.addEventListener("submit", (event) => {
    window.pressed = event.submitter;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  const types = ["button", "checkbox", "file", "hidden", "image", "radio", "range", "reset", "submit"];
  const fields = Array.from(document.querySelectorAll("form input")).filter(
    (input) => !types.includes(input.type) && input.checkVisibility() && !input.disabled
  ).filter((input) => input.getAttribute("aria-expanded") !== "true");  // there Enter takes the option that is marked
  fields.forEach((field, index) => field.setAttribute("data-field", index));
  return fields.length;
}"""
COMPARE = """(index) => {
  const field = document.querySelector(`[data-field="${index}"]`);
  const shown = Array.from(field.form.elements).filter((each) => each.type === "submit" && each.tabIndex >= 0);
  const marked = ".btn--primary, .btn--danger, .default, .input-go, .form-foot *, .actions *, .submit-row *";
  const find = (selector) => shown.find((each) => each.matches(selector));
  const main = find(".btn--primary, .default") || find(marked);
  const name = (button) => (button ? [button.name, button.value, button.formAction].join(" ") : "no button");
  const expected = name(main || shown[0]);
  const pressed = name(window.pressed);
  window.pressed = null;
  return pressed === expected ? "" : `${field.name}: ${pressed} instead of ${expected}`;
}"""


def wrong_buttons(page: Page, address: str) -> tuple[int, list[str]]:
    """How many fields the page has, and those in which Enter presses another button than the main one."""
    page.goto(address)
    count = page.evaluate(WATCH)
    wrong = []
    for index in range(count):
        page.locator(f'[data-field="{index}"]').press("Enter")
        if problem := page.evaluate(COMPARE, index):
            wrong.append(f"{address} {problem}")
    return count, wrong


def test_enter_presses_the_main_button_of_every_form(demo: None, visit: Callable[..., Page]) -> None:
    ana = Member.objects.get(user__email="ana@example.org")
    admin = User.objects.get(email="admin@example.org")
    more = ["/kitbag/what-if/?q=r5", "/kitbag/redeem/", "/contact/"]
    addresses = {None: PUBLIC, ana.user: [*MEMBER, *registrations_of(ana), *owned(ana), *more], admin: desk_pages()}
    results = []
    for user, pages in addresses.items():
        page = visit(user)
        results += [wrong_buttons(page, address) for address in pages]
    assert [problem for _count, wrong in results for problem in wrong] == []
    assert sum(count for count, _wrong in results) >= MIN_FIELDS


def owned(member: Member) -> list[str]:
    """More pages with forms: handing over, a stolen product, jobs and cases."""
    row = Registration.objects.of(member).filter(state="validated").first()
    assert row
    pages = [reverse(f"kitbag:{name}", args=[row.pk]) for name in ("release", "stolen")]
    jobs = [ticket.get_absolute_url() for ticket in Ticket.objects.of(member)[:3]]
    return pages + jobs + [case.get_absolute_url() for case in Case.objects.filter(member=member)[:2]]


def desk_pages() -> list[str]:
    lists: list[Any] = ["members_member", "kitbag_product", "kitbag_registration", "servicing_ticket", "cases_case"]
    pages = [f"/admin/{name.replace('_', '/')}/" for name in lists]
    for model in (Case, Ticket, Registration):
        options = model._meta
        row = model.objects.order_by("pk").first()  # type: ignore[attr-defined]
        pages.append(reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk]))
    names = [
        "servicing_ticket_intake",
        "servicing_ticket_open",
        "servicing_visitingmember_check",
        "kitbag_stagechange_plan",
        "kitbag_serialshape_try_new",
    ]
    return pages + [reverse(f"admin:{name}") for name in names]


def test_the_enter_of_a_scanner_sends_the_finish_form_in(committed_world: World, visit: Callable[..., Page]) -> None:
    """Although buttons for a suggested number, a photo and carried details come before the main one."""
    world = committed_world
    validated(world.ben, world.lens, "4829103756")
    row = with_receipt(draft(world.ben, world.body))
    page = visit(world.ben.user)
    page.goto(f"/kitbag/{row.pk}/finish/")
    serial = page.locator("[name=serial]")
    serial.press_sequentially("O52O31000077", delay=5)
    expect(page.get_by_role("button", name="Use 052031000077")).to_be_visible()
    page.get_by_text("Read it from a photo").click()
    serial.fill("052031000077")
    serial.press("Enter")
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    row.refresh_from_db()
    assert (row.state, row.serial, row.store) == ("submitted", "052031000077", "Rosebank Camera Co.")
