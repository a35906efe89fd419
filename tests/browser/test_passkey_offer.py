"""The dashboard offers a passkey once after each signing in, until there is one or it is declined."""

from collections.abc import Callable

from django.test import Client
from playwright.sync_api import Page, expect

from members.models import User
from tests.browser.looks import faults
from tests.factories import PASSWORD
from tests.world import World

OFFER = "Sign in faster next time"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


def test_a_passkey_is_set_up_from_the_offer_and_not_offered_again(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    page = visit(committed_world.ana.user, viewport={"width": 390, "height": 844})
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto("/dashboard/")
    expect(page.get_by_role("heading", name=OFFER)).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Set up a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/dashboard/")
    expect(page.get_by_role("heading", name="Your turn")).to_be_visible()
    expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)


def test_it_is_offered_once_after_each_signing_in(committed_world: World, visit: Callable[..., Page]) -> None:
    for _sign_in in range(2):
        page = visit(committed_world.ana.user)
        page.goto("/dashboard/")
        expect(page.get_by_role("heading", name=OFFER)).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Your turn")).to_be_visible()
        expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)


def test_who_declines_is_not_asked_again(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ana.user)
    page.goto("/dashboard/")
    page.get_by_role("button", name="No, thanks").click()
    expect(page.get_by_role("heading", name=OFFER)).to_have_count(0)
    assert not User.objects.get(pk=committed_world.ana.user_id).passkey_offer
    assert User.objects.get(pk=committed_world.ben.user_id).passkey_offer


def test_a_browser_without_passkeys_is_offered_none(committed_world: World, visit: Callable[..., Page]) -> None:
    page = visit(committed_world.ana.user)
    page.add_init_script("delete window.PublicKeyCredential")
    page.goto("/dashboard/")
    expect(page.get_by_role("heading", name="Your turn")).to_be_visible()
    expect(page.get_by_role("heading", name=OFFER)).to_be_hidden()


def test_the_offer_waits_for_a_confirmed_address(committed_world: World, visit: Callable[..., Page]) -> None:
    committed_world.ana.user.emailaddress_set.update(verified=False)
    client = Client()
    client.force_login(committed_world.ana.user)
    assert OFFER not in client.get("/dashboard/").text
