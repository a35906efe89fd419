"""On a phone: the list of sessions ends one at once, and the link in the old mailbox brings the address back."""

from collections.abc import Callable

from allauth.account.models import EmailAddress
from django.utils import timezone
from playwright.sync_api import Page, expect

from members import actions
from members.emails import undo_path
from members.models import User
from tests.browser.looks import faults
from tests.world import World

PHONE = {"width": 390, "height": 844}
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"
NEW = "purple tractor lamp"


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard/")


def test_a_session_is_ended_from_the_list(committed_world: World, visit: Callable[..., Page]) -> None:
    email = committed_world.ana.user.email
    phone = visit(viewport=PHONE, user_agent=IPHONE)
    sign_in(phone, email, "a short sentence works well")
    here = visit(viewport=PHONE, color_scheme="dark")
    sign_in(here, email, "a short sentence works well")
    here.goto("/profile/security/")
    assert faults(here) == []
    here.get_by_role("button", name="Sign out: Safari iPhone").click()
    expect(here.get_by_text("That device is signed out.")).to_be_visible()
    expect(here.get_by_text("Safari on iPhone")).to_have_count(0)
    phone.reload()
    assert "/accounts/login/" in phone.url


def test_the_link_in_the_old_mailbox_brings_the_address_back(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    user = committed_world.ana.user
    old, now = user.email, timezone.now()
    EmailAddress.objects.filter(user=user).update(email="new@example.org", verified=True)
    User.objects.filter(pk=user.pk).update(email="new@example.org")
    change = actions.record_email_change(user=user, old_email=old, new_email="new@example.org", at=now)
    page = visit(viewport=PHONE, network_fails=True)  # a refused password is answered with 422
    page.goto(undo_path(change))
    assert faults(page) == []
    page.get_by_label("New password", exact=True).fill("password1234")
    page.get_by_label("New password again").fill("password1234")
    page.get_by_role("button", name="Save and bring it back").click()
    expect(page.locator("#id_password1_error")).to_contain_text("Put a few words together")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.get_by_role("button", name="Save and bring it back").click()
    expect(page.get_by_text("Your old address is back.")).to_be_visible()
    sign_in(page, old, NEW)
    page.goto(undo_path(change))
    expect(page.get_by_role("heading", name="This link doesn’t work any more")).to_be_visible()
