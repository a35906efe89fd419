"""Back shows a member's page as it was, at once: the browser keeps it in its back/forward cache."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.admin.conftest import signed_in
from tests.browser.test_offline import OF_THE_SHELL, with_back_forward_cache
from tests.world import World

__all__ = ["with_back_forward_cache"]  # the fixture

KIT = ("/kitbag/", "/kitbag/add/", "/kitbag/points/")
PAGES = ("/dashboard/", *KIT, "/service/", "/offers/", "/notices/", "/profile/")


def go_and_come_back(page: Page, url: str) -> set[str]:
    """Follow a link and press Back; why the page had to be loaded again, as Chromium says."""
    page.goto(url)
    page.evaluate("() => addEventListener('pageshow', event => { window.wasKept = event.persisted })")
    heading = page.locator("h1").first.inner_text()
    page.get_by_role("link", name="Help").first.click()
    expect(page.get_by_role("heading", name="How can we help?")).to_be_visible()
    reasons: set[str] = set()
    devtools = page.context.new_cdp_session(page)
    devtools.on(
        "Page.backForwardCacheNotUsed",
        lambda event: reasons.update(each["reason"] for each in event["notRestoredExplanations"]),
    )
    devtools.send("Page.enable")
    page.go_back(wait_until="commit")
    expect(page.locator("h1").first).to_have_text(heading)
    return reasons if reasons or not page.evaluate("() => window.wasKept") else {"kept"}


@pytest.mark.parametrize("with_script", [False, True])
def test_no_page_of_members_keeps_itself_out_of_the_back_forward_cache(
    committed_world: World, live_server: LiveServer, with_back_forward_cache: Browser, with_script: bool
) -> None:
    """Neither by a handler nor by a cookie: `no-store` alone does not (docs/security.md).

    The shell names what it lacks itself; the second round, with a handler of `unload`, shows that it would name us.
    """
    context = with_back_forward_cache.new_context(base_url=live_server.url)
    session = signed_in(committed_world.ana.user).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    if with_script:
        context.add_init_script("addEventListener('unload', () => {})")
    context.new_page().goto("/dashboard/")  # the first page of a session sets its cookies
    reasons: dict[str, set[str]] = {}
    for url in PAGES:
        page = context.new_page()
        reasons[url] = go_and_come_back(page, url)
        page.close()
    found = {url: why - OF_THE_SHELL - {"kept"} for url, why in reasons.items()}
    assert all(reasons.values())
    assert all(found.values()) if with_script else not any(found.values()), found
