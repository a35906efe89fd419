"""Push messages: chosen on the page, shown by the service worker, and a press leads to the page it is about (R56)."""

import json
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect
from pytest_django import Settings

from cps_portal.core.lib import web_push
from members.models import PushSubscription
from tests.browser.looks import PATIENCE_MS, comes_true, faults
from tests.factories import PASSWORD
from tests.push import Browser
from tests.world import World

PHONE = {"width": 390, "height": 844}
ADDRESS = "https://push.example/1"
# Chromium's shell has no push service: what it would answer. Everything else is the portal's own.
WITH_A_PUSH_SERVICE = """
PushManager.prototype.subscribe = async options => {
  window.asked = [...new Uint8Array(options.applicationServerKey)];
  return { toJSON: () => ({ endpoint: '%s', expirationTime: null, keys: { p256dh: '%s', auth: '%s' } }) };
};
"""
WITHOUT_PERMISSION = """
PushManager.prototype.subscribe = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
"""
# What the worker asks the browser to show and to open: the shell has neither notifications nor other windows.
LISTEN = """() => {
  self.shown = [];
  self.registration.showNotification = async (title, options) => {
    self.shown.push([title, options.body, options.tag, options.data]);
  };
  self.clients.openWindow = async path => { self.opened = path };
}"""


@pytest.fixture
def phone(committed_world: World, visit: Callable[..., Page], settings: Settings) -> Page:
    """Ana's, signed in by the form: so it is a device."""
    settings.PUSH_PRIVATE_KEY = web_push.make_key()
    page = visit(viewport=PHONE, service_workers="allow", permissions=["notifications"])
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(committed_world.ana.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").first.click()
    expect(page.get_by_role("heading", name="Your turn")).to_be_visible()
    return page


def test_a_device_is_told_what_was_chosen_on_it(phone: Page) -> None:
    browser = Browser()
    phone.add_init_script(WITH_A_PUSH_SERVICE % (ADDRESS, browser.p256dh, browser.auth))
    phone.goto("/profile/")
    phone.get_by_role("link", name="Notifications").click()
    expect(phone.get_by_role("heading", name="On this device")).to_be_visible()
    assert faults(phone) == []
    phone.get_by_role("checkbox", name="A repair is ready").check()
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_text("Saved for this browser.")).to_be_visible()
    expect(phone.get_by_role("checkbox", name="A repair is ready")).to_be_checked()
    row = PushSubscription.objects.get()
    assert (row.endpoint, row.p256dh, row.auth, row.kinds) == (ADDRESS, browser.p256dh, browser.auth, ["ready"])


def test_a_browser_that_gives_no_address_says_what_to_do(phone: Page) -> None:
    phone.add_init_script(
        "PushManager.prototype.subscribe = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    phone.goto("/profile/notifications/")
    phone.get_by_role("checkbox", name="A repair is ready").check()
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_text("Your browser didn’t allow it.")).to_be_visible()
    assert not PushSubscription.objects.exists()


def test_a_message_is_shown_by_the_service_worker(phone: Page) -> None:
    phone.goto("/kitbag/")
    expect(phone.locator("html[data-works-offline]")).to_be_attached()
    devtools: CDPSession = phone.context.new_cdp_session(phone)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(each["registrationId"] for each in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    assert comes_true(phone, "async () => (await navigator.serviceWorker.ready).active?.state === 'activated'")
    (worker,) = phone.context.service_workers
    worker.evaluate(LISTEN)
    told = {"title": "CPS", "text": "Your repair is ready.", "path": "/service/", "tag": "ready"}
    origin = phone.evaluate("location.origin")
    data = {"origin": origin, "registrationId": registrations[0], "data": json.dumps(told)}
    devtools.send("ServiceWorker.deliverPushMessage", data)
    end = time.monotonic() + PATIENCE_MS / 1000
    while not (shown := worker.evaluate("() => self.shown")) and time.monotonic() < end:
        phone.wait_for_timeout(50)
    assert shown == [["CPS", "Your repair is ready.", "ready", "/service/"]]
    assert worker.evaluate("async () => { await show('/service/'); return self.opened }") == "/service/"
