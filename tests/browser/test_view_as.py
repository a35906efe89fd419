"""Staff look at the portal as a member, by keyboard, and come back to the desk (R68)."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from members.models import Member, MemberView, User
from tests.browser.looks import WCAG, faults


def test_looking_as_a_member_and_back_by_keyboard(demo: None, visit: Callable[..., Page]) -> None:
    """R68: a reason first, then the member's pages under a yellow line, and Escape for the way back."""
    member = Member.objects.get(user__email="ana@example.org")
    page = visit(User.objects.get(email="support@example.org"))
    page.goto(f"/admin/members/member/{member.pk}/view-as/")
    assert faults(page, WCAG) == []
    page.get_by_label("Why do you look?").fill("Asked by phone")
    page.keyboard.press("Enter")
    banner = page.get_by_label("View as a member")
    expect(banner).to_contain_text("You see this as")
    expect(banner.get_by_role("timer")).to_contain_text("14:")
    assert faults(page, WCAG) == []
    expect(page.get_by_role("link", name="Membership card")).to_have_count(0)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Kitbag").press("Enter")
    expect(page).to_have_url(f"{page.url.partition('/admin/')[0]}/admin/members/member/{member.pk}/view-as/kitbag/")
    expect(banner).to_contain_text("Asked by phone")
    assert faults(page, WCAG) == []
    enabled = page.locator("main form:has(:enabled:not([type=search])) button:enabled").count()
    forms = page.locator("main form[method=post]").count()
    assert (forms, enabled >= 0) == (0, True)
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{page.url.partition('/admin/')[0]}/admin/members/member/{member.pk}/change/")
    assert MemberView.objects.get(reason="Asked by phone").ended_at


def test_the_trail_has_no_violation_on_a_phone(demo: None, visit: Callable[..., Page]) -> None:
    member = Member.objects.get(user__email="ana@example.org")
    page = visit(User.objects.get(email="support@example.org"), viewport={"width": 390, "height": 844})
    page.goto(f"/admin/members/member/{member.pk}/trail/")
    expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()
    assert faults(page, WCAG) == []
    page.get_by_label("About").select_option("kit")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page).to_have_url(f"{page.url.partition('?')[0]}?subject=kit&who=")
