"""A connection that fails is said in place, with "Try again", and nothing typed is lost (R71)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from members.support.models import Case
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from tests.browser.looks import faults
from tests.browser.network import Held, answering
from tests.factories import draft, validated
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}
UNREACHABLE = "We can’t reach the portal just now"
OUTDATED = "This page is out of date"
FAILURES = {  # by status of the answer, 0 for none
    0: UNREACHABLE,
    403: OUTDATED,
    404: OUTDATED,
    413: "too large to send",
    429: "Too many attempts",
    500: "it’s our fault",
    502: UNREACHABLE,
    503: UNREACHABLE,
    504: UNREACHABLE,
    200: UNREACHABLE,  # a page of something in between
}
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


def try_again(page: Page) -> None:
    page.get_by_role("alert").get_by_role("button", name="Try again").click()


def test_each_failure_of_the_search_is_said_and_tried_again(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto("/kitbag/add/")
    box = page.get_by_role("combobox", name="Product name or model")
    for number, (status, text) in enumerate(FAILURES.items()):
        words = "test" + " " * number
        with answering(page, "**/kitbag/add/search/**", status):
            box.fill(words)
            expect(page.get_by_role("alert")).to_contain_text(text)
        assert box.input_value() == words
        try_again(page)
        expect(page.get_by_role("option").first).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
    page.context.set_offline(True)
    box.fill("70-200")
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    assert faults(page) == []
    page.context.set_offline(False)
    box.fill("70-200m")
    expect(page.get_by_role("option", name="RF 70-200mm")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_answer_that_takes_too_long_is_said(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto("/kitbag/add/")
    page.evaluate("htmx.config.timeout = 300")  # ms
    Held(page, "**/kitbag/add/search/**", "GET")
    page.locator("#q").fill("test")
    expect(page.get_by_role("alert")).to_contain_text("taking too long")


def test_a_pick_that_failed_is_tried_again_once(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto("/kitbag/add/?q=70-200")
    with answering(page, "**/kitbag/add/pick/", 502):
        page.get_by_role("option", name="RF 70-200mm").click()
        expect(page.get_by_role("alert")).to_contain_text(UNREACHABLE)
    assert committed_world.ben.registrations.count() == 0
    try_again(page)
    expect(page.locator("#tray")).to_contain_text("RF 70-200mm")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert committed_world.ben.registrations.count() == 1


def test_the_serial_check_and_the_notes_of_a_country_are_tried_again(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto(f"/kitbag/{row.pk}/finish/")
    with answering(page, "**/serial/**", 0):
        page.locator("[name=serial]").press_sequentially("UR0902")
        expect(page.get_by_role("alert")).to_contain_text(UNREACHABLE)
    try_again(page)
    expect(page.locator("#serial-note")).to_contain_text("date code")
    with answering(page, "**/kitbag/add/country/**", 429):
        page.locator("select[name=country]").select_option("JP")
        expect(page.get_by_role("alert")).to_contain_text("Too many attempts")
    try_again(page)
    expect(page.locator("#country-note")).to_contain_text("Bought outside Europe")
    assert page.locator("[name=serial]").input_value() == "UR0902"


def test_trying_a_purchase_is_tried_again(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ana.user, viewport=PHONE, network_fails=True)
    page.goto("/kitbag/what-if/")
    with answering(page, "**/kitbag/what-if/**", 503):
        page.locator("[name=q]").fill("70-200")
        expect(page.get_by_role("alert")).to_contain_text(UNREACHABLE)
    try_again(page)
    expect(page.locator("#what-if-found")).to_contain_text("RF 70-200mm")


@pytest.mark.parametrize("status", [0, 200, 429, 500, 502, 503])
def test_the_page_of_a_job_goes_on_refreshing_after_a_failure(
    committed_world: World, visit: Callable[..., Page], status: int
) -> None:
    world, now = committed_world, timezone.now()
    ticket = at_the_centre(world, a_centre(country="KE"), at=now - timedelta(days=1))
    page = visit(world.ana.user, viewport=PHONE, network_fails=True)
    page.goto(ticket.get_absolute_url())
    with answering(page, "**/live/**", status):
        page.evaluate(LOOK_AGAIN)
        expect(page.get_by_role("alert")).to_contain_text("What you see may be out of date")
    expect(page.locator("#job-live")).to_have_attribute("hx-trigger", "every 30s, visibilitychange from:document")
    write_message(ticket=ticket, text="It comes from Japan.", actor=Actor(user=world.staff), at=now)
    try_again(page)
    expect(page.locator(".talk")).to_contain_text("It comes from Japan.")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_page_that_nobody_looks_at_asks_for_nothing(committed_world: World, visit: Callable[..., Page]) -> None:
    """And asks at once when somebody looks at it again."""
    world, now = committed_world, timezone.now()
    ticket = at_the_centre(world, a_centre(country="KE"), at=now - timedelta(days=1))
    page = visit(world.ana.user, viewport=PHONE)
    page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => window.isHidden})")
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    page.goto(ticket.get_absolute_url())
    page.evaluate(f"window.isHidden = true; {LOOK_AGAIN}")
    page.clock.run_for(95_000)
    assert asked == []
    write_message(ticket=ticket, text="It comes from Japan.", actor=Actor(user=world.staff), at=now)
    page.evaluate(f"window.isHidden = false; {LOOK_AGAIN}")
    expect(page.locator(".talk")).to_contain_text("It comes from Japan.")
    assert len(asked) == 1
    with page.expect_response(lambda answer: "/live/" in answer.url) as answered:
        page.clock.run_for(31_000)
    assert answered.value.status == 304, "nothing has happened since"
    expect(page.locator(".talk")).to_contain_text("It comes from Japan.")
    expect(page.locator("#job-live")).to_have_count(1)


def test_polling_pauses_longer_after_each_failure_and_goes_on(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world = committed_world
    row = validated(world.ben, world.body)
    page = visit(world.ben.user, viewport=PHONE, network_fails=True)
    page.clock.install()
    page.goto("/kitbag/")
    times: list[int] = []
    held = Held(page, "**/status/**", "GET")
    page.evaluate(
        """(url) => {
          const card = document.querySelector("article.kit");
          card.setAttribute("hx-get", url);
          card.setAttribute("hx-trigger", "every 1s");
          htmx.process(card);
        }""",
        f"/kitbag/{row.pk}/status/?as=card",
    )
    for _failure in range(4):
        seconds = 0
        while not held.routes:
            page.clock.run_for(1000)
            page.wait_for_timeout(30)
            seconds += 1
        times.append(seconds)
        held.fail()
        page.wait_for_timeout(50)
    assert times[0] == 1
    assert times == sorted(times) and times[3] >= 8, times
    expect(page.get_by_role("alert")).to_contain_text("We keep trying")


def write_case(page: Page) -> None:
    page.goto("/contact/")
    page.locator("[name=kind]").select_option(index=1)
    page.locator("[name=subject]").fill("A question")
    page.locator("[name=text]").fill("A long text that took an hour")


def arrive(page: Page) -> None:
    expect(page.locator(".talk")).to_contain_text("A long text that took an hour")
    assert Case.objects.count() == 1


@pytest.mark.parametrize("status", [0, 200, 502, 503, 504])
def test_a_form_stays_while_the_portal_cannot_be_reached(
    committed_world: World, visit: Callable[..., Page], status: int
) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    write_case(page)
    with answering(page, "**/health/**", status):
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text(UNREACHABLE)
    expect(page.locator("[name=text]")).to_have_value("A long text that took an hour")
    assert faults(page) == []
    try_again(page)
    arrive(page)


def test_a_form_stays_while_the_device_is_offline(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    write_case(page)
    page.context.set_offline(True)
    page.locator("[name=subject]").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    expect(page.get_by_role("button", name="Send", exact=True)).not_to_have_attribute("aria-busy", "true")
    page.context.set_offline(False)
    page.get_by_role("button", name="Send", exact=True).click()
    arrive(page)


def test_a_visitors_form_stays_too(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE, network_fails=True)
    page.goto("/contact/")
    page.locator("[name=text]").fill("A long text that took an hour")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("You’re offline")
    expect(page.locator("[name=text]")).to_have_value("A long text that took an hour")


def test_a_second_press_does_nothing_and_back_makes_the_button_work_again(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE)
    posts: list[Request] = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    write_case(page)
    checks, held = Held(page, "**/health/**", "GET"), Held(page, "**/contact/")
    send = page.get_by_role("button", name="Send", exact=True)
    send.click()
    checks.wait_for(1)
    expect(send).to_have_attribute("aria-busy", "true")
    send.click()
    page.locator("[name=subject]").press("Enter")
    place = send.bounding_box()
    assert place
    checks.release()
    held.wait_for(1)  # from here on the next page is loading, and only the mouse can be used
    for _press in range(3):
        page.mouse.click(place["x"] + 10, place["y"] + 10)
    held.release()
    arrive(page)
    assert (len(posts), checks.routes, held.routes) == (1, [], [])
    page.go_back()
    expect(send).not_to_have_attribute("aria-busy", "true")


def test_the_search_box_is_empty_after_a_pick(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ben.user, viewport={"width": 1440, "height": 900})
    page.goto("/kitbag/add/")
    box = page.get_by_role("combobox", name="Product name or model")
    box.press_sequentially("70-200")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option").click()
    expect(page.locator("#tray")).to_contain_text("RF 70-200mm")
    expect(box).to_have_value("")
    box.click()
    page.keyboard.type("r1")
    expect(box).to_have_value("r1")
    expect(page.get_by_role("option", name="EOS R1 Test")).to_be_visible()
    expect(page.locator("#found-box")).not_to_have_class(re.compile("htmx"))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#tray")).to_contain_text("EOS R1 Test")
    page.keyboard.type("grip")
    expect(box).to_have_value("grip")
    expect(page.get_by_role("option", name="Battery Grip Test")).to_be_visible()
