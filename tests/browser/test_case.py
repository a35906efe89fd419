"""A case by keyboard: the draft is kept, colleagues see each other, and a note is chosen by its key (R54, R71)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from members.models import User
from members.support import actions
from members.support.enums import CaseKind
from members.support.models import Case, CaseReader
from tests.browser.looks import WCAG, faults
from tests.factories import UserFactory
from tests.world import World

SCAN_MS = 300  # a faster Enter would end a scan


@pytest.fixture
def case(committed_world: World) -> Case:
    ana = committed_world.ana
    return actions.open_case(
        kind=CaseKind.KIT, subject="Grip", text="Where is it?", member=ana, by=ana.user, at=timezone.now()
    )


def agent(groups: dict[str, Group], email: str) -> User:
    user = UserFactory(email=email, is_staff=True)
    user.groups.add(groups["Support"])
    return user


def test_a_case_is_answered_by_keyboard_and_what_was_typed_survives_a_reload(
    case: Case, groups: dict[str, Group], visit: Callable[..., Page]
) -> None:
    page = visit(agent(groups, "thabo.ncube@example.org"))
    page.goto("/admin/cases/case/")
    page.locator("body").press("j")
    expect(page.locator("a[data-row]").first).to_be_focused()
    for is_picked in (True, False):
        page.wait_for_timeout(SCAN_MS)
        page.keyboard.press("x")
        expect(page.locator(".d-inbox input")).to_be_checked(checked=is_picked)
    page.wait_for_timeout(SCAN_MS)
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    page.locator("body").press("i")
    expect(page.locator("[name=to][value=note]")).to_be_checked()
    page.locator("[name=text]").fill("She called twice.")
    with page.expect_response("**/presence/"):
        pass
    page.reload()
    expect(page.locator("[name=text]")).to_have_value("She called twice.")
    expect(page.locator("[name=to][value=note]")).to_be_checked()
    page.locator("[name=text]").press("Control+Enter")
    expect(page.locator(".d-msg--note")).to_contain_text("She called twice.")
    expect(page.locator("[name=text]")).to_have_value("")
    page.locator("h1").click()
    page.locator("body").press("z")
    page.get_by_role("button", name="Tomorrow").click()
    expect(page.locator(".d-case__head")).to_contain_text("Snoozed")
    assert case.messages.public().count() == 1


def test_colleagues_see_that_somebody_types_and_that_a_message_came(
    case: Case, groups: dict[str, Group], visit: Callable[..., Page], committed_world: World
) -> None:
    url = f"/admin/cases/case/{case.pk}/change/"
    first = visit(agent(groups, "thabo.ncube@example.org"))
    first.goto(url)
    with first.expect_response("**/presence/"):
        first.locator("[name=text]").press_sequentially("Dear Ana")
    assert CaseReader.objects.get().draft == "Dear Ana"
    second = visit(agent(groups, "amina.haddad@example.org"))
    second.goto(url)
    expect(second.locator(".d-reply")).to_contain_text("Thabo Ncube is typing in this case now")
    actions.write_message(case=case, text="Found it", by=committed_world.ana.user, at=timezone.now())
    second.locator("[name=text]").fill("It is lost.")
    news = second.get_by_role("link", name="There is a new message")
    expect(news).to_be_visible()
    news.click()
    expect(second.locator(".d-talk")).to_contain_text("Found it")
    expect(second.locator("[name=text]")).to_have_value("It is lost.")


def test_no_page_of_a_case_has_a_violation_or_is_too_wide(
    case: Case, groups: dict[str, Group], visit: Callable[..., Page]
) -> None:
    problems = {}
    user = agent(groups, "thabo.ncube@example.org")
    for width in (390, 1024, 1440):
        page = visit(user, viewport={"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            for url in ("/admin/cases/case/", f"/admin/cases/case/{case.pk}/change/"):
                page.goto(url)
                problems[width, theme, url] = faults(page, WCAG)
    assert {where: what for where, what in problems.items() if what} == {}
