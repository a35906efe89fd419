"""Without a connection: the page that says so, and dashboard and card where the member keeps them (R41)."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from members.offers.actions.cards import get_or_issue_card
from tests.admin.conftest import signed_in
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.looks import comes_true, faults
from tests.browser.test_card import scanned
from tests.world import World

PHONE = {"width": 390, "height": 844}
Visit = Callable[..., Page]
KEPT = """async () => {
  if (!(await caches.has('kept'))) return {};
  const cache = await caches.open('kept'), texts = {};
  for (const request of await cache.keys())
    texts[new URL(request.url).pathname] = await (await cache.match(request)).text();
  return texts;
}"""
AGE = """async path => {
  const cache = await caches.open('kept'), copy = await cache.match(path, { ignoreVary: true });
  const headers = new Headers(copy.headers);
  headers.set('X-Kept-Until', String(Date.now() - 1000));
  await cache.put(path, new Response(await copy.text(), { headers }));
}"""
TODAY = "() => new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })"
PAGES_KEPT = ["/card/", "/dashboard/"]


def kept(page: Page) -> dict[str, str]:
    """The pages of a member on this device."""
    texts: dict[str, str] = page.evaluate(KEPT)
    return {path: text for path, text in texts.items() if path != "/offline/choice"}


@pytest.fixture
def phone(committed_world: World, visit: Visit) -> Page:
    """Ana's, whose service worker runs."""
    page = visit(committed_world.ana.user, viewport=PHONE, service_workers="allow", network_fails=True)
    page.goto("/card/")
    expect(page.locator("html[data-works-offline]")).to_be_attached()
    return page


def choose(page: Page) -> None:
    page.get_by_role("checkbox", name="Keep my dashboard and card on this device").check()
    expect(page.get_by_text("Kept on this device.", exact=True)).to_be_visible()


def test_without_a_choice_nothing_of_the_member_is_kept_and_the_page_says_offline(phone: Page) -> None:
    phone.goto("/kitbag/")
    assert phone.evaluate("async () => (await caches.keys()).length") == 1
    assert kept(phone) == {}
    phone.context.set_offline(True)
    for path in ("/card/", "/dashboard/", "/kitbag/"):
        phone.goto(path)
        expect(phone.get_by_role("heading", name="You’re offline")).to_be_visible()
        expect(phone.get_by_role("link", name="Show my card")).to_be_hidden()
    expect(phone.locator(".strip")).to_have_css("border-radius", "12px")
    assert faults(phone) == []


def test_it_comes_back_by_itself_and_as_the_same_page(phone: Page) -> None:
    phone.context.set_offline(True)
    phone.goto("/kitbag/")
    expect(phone.get_by_role("heading", name="You’re offline")).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.get_by_role("heading", name="Kitbag")).to_be_visible()
    expect(phone).to_have_url("/kitbag/")


def test_the_chosen_pages_open_with_the_date_and_the_code_still_scans(phone: Page) -> None:
    address = scanned(phone)
    choose(phone)
    assert sorted(kept(phone)) == PAGES_KEPT
    phone.context.set_offline(True)
    phone.goto("/dashboard/")
    expect(phone.locator(".strip")).to_contain_text("No connection. As of")
    expect(phone.locator("time[data-as-of]")).to_have_text(re.compile(rf"^{phone.evaluate(TODAY)}, \d\d:\d\d$"))
    expect(phone.get_by_role("heading", name="Your level")).to_be_visible()
    assert faults(phone) == []
    phone.get_by_role("link", name="Show my card").click()
    expect(phone.get_by_text("Whether the card is valid today is checked online")).to_be_visible()
    assert scanned(phone) == address
    assert faults(phone) == []
    phone.goto("/kitbag/")
    expect(phone.get_by_role("link", name="Show my card")).to_be_visible()


def test_a_kept_page_holds_no_token_and_no_form(committed_world: World, phone: Page) -> None:
    choose(phone)
    card = get_or_issue_card(member=committed_world.ana, at=timezone.now())
    for text in kept(phone).values():
        for hidden in ("csrf", "<form", "hx-headers", card.token, "sessionid"):
            assert hidden not in text.lower()


def test_a_later_visit_is_what_is_kept(committed_world: World, phone: Page) -> None:
    choose(phone)
    committed_world.ana.first_name = "Anastasia"
    committed_world.ana.save(update_fields=["first_name"])
    with phone.expect_response("**/offline/dashboard/") as answer:
        phone.goto("/dashboard/")
    answer.value.finished()
    assert comes_true(phone, f"async () => (await ({KEPT})())['/dashboard/'].includes('Anastasia')")


def test_taking_the_choice_back_deletes_both(phone: Page) -> None:
    choose(phone)
    phone.reload()
    phone.get_by_role("checkbox", name="Keep my dashboard").uncheck()
    expect(phone.get_by_text("Deleted from this device.")).to_be_visible()
    assert phone.evaluate("() => caches.has('kept')") is False


def test_signing_out_deletes_both(phone: Page) -> None:
    choose(phone)
    phone.goto("/accounts/logout/")
    phone.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(phone.get_by_role("link", name="Sign in").first).to_be_visible()
    assert comes_true(phone, "async () => !(await caches.has('kept'))")


def test_a_session_that_ended_elsewhere_deletes_both(phone: Page) -> None:
    choose(phone)
    phone.context.clear_cookies()
    phone.goto("/card/")
    expect(phone).to_have_url("/accounts/login/?next=/card/")
    assert comes_true(phone, "async () => !(await caches.has('kept'))")


def test_another_account_on_the_device_deletes_both(committed_world: World, phone: Page, visit: Visit) -> None:
    choose(phone)
    other = visit(committed_world.ben.user).context.cookies()
    phone.context.add_cookies([{**cookie} for cookie in other if cookie["name"] == "sessionid"])  # type: ignore[typeddict-item]
    phone.goto("/kitbag/")
    expect(phone.get_by_role("heading", name="Kitbag")).to_be_visible()
    assert comes_true(phone, "async () => !(await caches.has('kept'))")
    phone.context.set_offline(True)
    phone.goto("/card/")
    expect(phone.get_by_role("heading", name="You’re offline")).to_be_visible()


def test_after_its_time_a_page_is_deleted_and_not_shown(phone: Page) -> None:
    choose(phone)
    for path in PAGES_KEPT:
        phone.evaluate(AGE, path)
    phone.context.set_offline(True)
    for path in PAGES_KEPT:
        phone.goto(path)
        expect(phone.get_by_role("heading", name="You’re offline")).to_be_visible()
        expect(phone.get_by_role("link", name="Show my card")).to_be_hidden()
    assert kept(phone) == {}


# What the headless shell lacks; what a page or its service worker does to the cache comes beside them.
OF_THE_SHELL = {"BrowsingInstanceNotSwapped", "BackForwardCacheDisabledForDelegate"}


@pytest.fixture
def with_back_forward_cache(chromium: Browser) -> Iterator[Browser]:
    """Playwright's own arguments switch it off."""
    off = ["--disable-back-forward-cache"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=ARGUMENTS, ignore_default_args=off)
    yield browser
    browser.close()


def test_the_worker_keeps_no_page_out_of_the_back_forward_cache(
    committed_world: World, live_server: LiveServer, with_back_forward_cache: Browser
) -> None:
    context = with_back_forward_cache.new_context(base_url=live_server.url)
    session = signed_in(committed_world.ana.user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto("/kitbag/")
    expect(page.locator("html[data-works-offline]")).to_be_attached()
    page.reload()
    assert page.evaluate("() => Boolean(navigator.serviceWorker.controller)")
    page.evaluate("() => addEventListener('pageshow', event => { window.wasKept = event.persisted })")
    page.get_by_role("link", name="Help").first.click()
    expect(page.get_by_role("heading", name="How can we help?")).to_be_visible()
    reasons: set[str] = set()
    devtools = context.new_cdp_session(page)
    devtools.on(
        "Page.backForwardCacheNotUsed",
        lambda event: reasons.update(each["reason"] for each in event["notRestoredExplanations"]),
    )
    devtools.send("Page.enable")
    page.go_back(wait_until="commit")
    expect(page.get_by_role("heading", name="Kitbag", level=1)).to_be_visible()
    assert reasons <= OF_THE_SHELL
    assert reasons or page.evaluate("() => window.wasKept")
