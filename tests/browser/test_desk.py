"""The desk by keyboard alone, and without JavaScript (R19, R54)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions import registrations, review
from kitbag.models import Claim, HeldDecision, Registration
from members.models import User
from tests.factories import UserFactory, submitted, validated
from tests.held import apply_held
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"
SERIAL = "[data-decide] [data-serial]"
LATENCY_MS = 1_500
LOOK_MS = 1_000  # how long somebody looks, at least
# When a key was pressed, and when another registration stood in the page after it.
MEASURE = """
window.shownAfter = [];
let pressedAt = 0;
addEventListener("keydown", (event) => { pressedAt = event.timeStamp; }, true);
addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-decide]");
  if (!place) return;
  let shown = place.querySelector("[data-item]").dataset.item;
  new MutationObserver(() => {
    const item = place.querySelector("[data-item]").dataset.item;
    if (item === shown) return;
    shown = item;
    requestAnimationFrame(() => shownAfter.push(performance.now() - pressedAt));
  }).observe(place, { childList: true });
});
"""


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def waiting(world: World, count: int) -> list[Registration]:
    made = [submitted(world.ben, world.body, f"582{n:02}", insisted=True) for n in range(count)]
    return [registrations.check_registration(registration=row, at=timezone.now()) for row in made]


def reasons_of(rows: list[Registration]) -> list[tuple[str, str]]:
    keys = [row.pk for row in rows]
    return list(Registration.objects.filter(pk__in=keys).order_by("pk").values_list("state", "refusal_reason"))


def test_ten_decisions_at_two_keys_each_with_the_next_one_there_at_once(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    """The next registration stands there before any request could have been answered."""
    rows = waiting(committed_world, 11)
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.add_init_script(MEASURE)
    page.goto(QUEUE)
    page.keyboard.press("n")
    page.wait_for_url("**/desk/")
    page.wait_for_load_state()
    network = page.context.new_cdp_session(page)
    late = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", late)
    keys = ["a", "r4", "m5", "a", "r5", "a", "r6", "m4", "a", "r7"]
    for row, pressed in zip(rows, keys, strict=False):
        expect(page.locator(SERIAL)).to_have_text(row.serial)
        for key in pressed:
            page.keyboard.press(key)
            page.wait_for_timeout(60)  # a hand
        page.wait_for_timeout(LOOK_MS)
    expect(page.locator(SERIAL)).to_have_text(rows[10].serial)
    times = page.evaluate("shownAfter")
    assert len(times) == 10, times
    assert max(times) < LATENCY_MS, times
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-toast]")).to_contain_text("Refused")
    assert HeldDecision.objects.filter(state="held").count() == 10
    assert {state for state, _reason in reasons_of(rows)} == {"submitted"}, "nothing has left yet"
    apply_held()
    decided = [state for state, _reason in reasons_of(rows)]
    assert decided == ["validated", *["rejected"] * 2, "validated", "rejected", "validated"] + ["rejected"] * 2 + [
        "validated",
        "rejected",
        "submitted",
    ]


def test_undo_by_key_brings_it_back_and_a_problem_brings_it_back_with_a_reason(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    rows = waiting(committed_world, 4)
    page = visit(agent, network_fails=True, viewport={"width": 1440, "height": 900})
    page.goto(f"{QUEUE}{rows[0].pk}/desk/")
    page.keyboard.press("a")
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    expect(page.locator("[data-toast]")).to_be_visible()
    page.wait_for_timeout(60)
    page.keyboard.press("u")
    expect(page.locator(SERIAL)).to_have_text(rows[0].serial)
    assert HeldDecision.objects.get().state == "undone"
    registrations.reopen_registration(registration=rows[0], at=timezone.now())
    page.keyboard.press("a")
    expect(page.locator("[data-decide] .d-verdict")).to_contain_text("has changed since you opened it")
    expect(page.locator(SERIAL)).to_have_text(rows[0].serial)
    page.keyboard.press("n")
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    page.route("**/desk/", lambda route: route.abort())
    page.keyboard.press("a")
    expect(page.locator("[role=alert]")).to_contain_text("was not saved")
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    assert HeldDecision.objects.filter(state="held").count() == 0


def test_one_that_a_colleague_has_taken_meanwhile_is_passed_over(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    rows = waiting(committed_world, 4)
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(f"{QUEUE}{rows[0].pk}/desk/")
    review.take_registration(registration=rows[1], by=UserFactory(is_staff=True), at=timezone.now())
    page.keyboard.press("a")
    expect(page.locator("[role=alert]")).to_contain_text("A colleague was quicker")
    expect(page.locator(SERIAL)).to_have_text(rows[2].serial)


def test_own_words_are_asked_with_control_and_enter(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    rows = waiting(committed_world, 2)
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(f"{QUEUE}{rows[0].pk}/desk/")
    for _time in range(2):
        page.keyboard.press("m")
        page.wait_for_timeout(60)
    page.keyboard.type("A photo of the mount, please.")  # letters are no keys inside a field
    page.keyboard.press("Control+Enter")
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    expect(page.locator("[data-toast]")).to_contain_text("A photo of the mount, please.")
    apply_held()
    rows[0].refresh_from_db()
    assert rows[0].asked_for == "A photo of the mount, please."


def test_the_same_by_buttons_without_javascript(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    rows = waiting(committed_world, 3)
    page = visit(agent, java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto(QUEUE)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(SERIAL)).to_have_text(rows[0].serial)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(SERIAL)).to_have_text(rows[1].serial)
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".errorlist").first).to_contain_text("Choose the reason")
    page.get_by_text("Number not confirmed").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(SERIAL)).to_have_text(rows[2].serial)
    apply_held()
    assert reasons_of(rows[:2]) == [("validated", ""), ("rejected", "serial_unreadable")]


def test_the_next_claim_is_there_at_once(committed_world: World, agent: User, visit: Callable[..., Page]) -> None:
    """R32: the next claim is loaded, and what was typed comes back with the reason if a decision is refused."""
    validated(committed_world.ben, committed_world.pro_body, "100000000001")
    validated(committed_world.ben, committed_world.lens, "1000003")
    Claim.objects.update(respond_by=timezone.localdate() - timedelta(days=1))
    first, second = Claim.objects.order_by("pk")
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(f"/admin/kitbag/claim/{first.pk}/change/")
    network = page.context.new_cdp_session(page)
    late = {"offline": False, "latency": 6 * LATENCY_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", late)
    for key in ("4", "w"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    page.keyboard.type("Nothing else was shown.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(SERIAL).first).to_have_text("1000003", timeout=4 * LATENCY_MS)
    expect(page.locator("[data-toast]")).to_contain_text("Whoever held it keeps it")
    assert page.url.endswith(f"/claim/{second.pk}/change/")
    apply_held()
    first.refresh_from_db()
    assert first.outcome == "holder"


def test_a_claim_is_decided_and_taken_back_by_keyboard(
    committed_world: World, agent: User, visit: Callable[..., Page]
) -> None:
    """R32: the same keys and the same undo as for registrations."""
    validated(committed_world.ben, committed_world.pro_body, "100000000001")
    claim = Claim.objects.get()
    Claim.objects.update(respond_by=timezone.localdate() - timedelta(days=1))
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto("/admin/kitbag/claim/")
    page.goto(f"/admin/kitbag/claim/{claim.pk}/change/")
    for key in ("4", "w"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    page.keyboard.type("Nothing else was shown.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-toast]")).to_contain_text("Whoever held it keeps it")
    page.wait_for_timeout(300)  # what was typed before is no part of the next key
    page.keyboard.press("u")
    page.wait_for_url(f"**/{claim.pk}/change/")
    expect(page.locator("textarea[name=why]")).to_be_visible()
    apply_held()
    claim.refresh_from_db()
    assert claim.outcome == ""
    assert HeldDecision.objects.get().state == "undone"
