"""The page of a member at the desk: by keyboard, on a phone, light and dark, without a finding of axe (R54)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions.stolen_reports import report_own
from kitbag.models import Adjustment, Registration, Sighting, StolenReport
from members.actions import write_note
from members.models import Member, MemberNote, User
from members.offers.actions.cards import get_or_issue_card
from members.support.actions import open_case
from members.support.enums import CaseKind
from tests.browser.looks import WCAG, faults
from tests.factories import UserFactory, draft, submitted
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

SIZES = [(1440, "light"), (1440, "dark"), (1024, "light"), (390, "light"), (390, "dark")]


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory(email="lindiwe@example.org", is_staff=True, is_superuser=True)


@pytest.fixture
def member(committed_world: World, agent: User) -> Member:
    """Ana with something in every part of the page."""
    world, now = committed_world, timezone.now()
    draft(world.ana, world.body)
    submitted(world.ana, world.body, "052021007718")
    owned = Registration.objects.filter(member=world.ana, state="validated").first()
    assert owned is not None
    report_own(registration=owned, police_reference="SAPS 1", stolen_on=None, note="", by=world.ana.user, at=now)
    Sighting.objects.create(report=StolenReport.objects.get(), at=now)
    get_or_issue_card(member=world.ana, at=now)
    a_request(world, a_centre(), at=now, member=world.ana)
    write_note(member=world.ana, text="Answers best by phone after 16:00.", pinned=True, by=agent, at=now)
    open_case(kind=CaseKind.KIT, subject="Lens", text="Which number?", asks=True, member=world.ana, by=agent, at=now)
    return world.ana


def page_of(member: Member) -> str:
    return reverse("admin:members_member_change", args=[member.pk])


def test_no_page_of_a_member_has_a_violation_at_any_width(
    member: Member, agent: User, visit: Callable[..., Page]
) -> None:
    card = member.cards.get()
    note, mail = MemberNote.objects.get(), member.user.email
    addresses = [
        page_of(member),
        reverse("admin:open_case_for", args=[member.pk]),
        reverse("admin:cases_case_open"),
        reverse("admin:replace_card", args=[card.pk]),
        reverse("admin:members_member_close", args=[member.pk]),
        reverse("admin:kitbag_adjustment_give", args=[member.pk]),
        reverse("admin:members_member_edit_note", args=[member.pk, note.pk]),
    ]
    found = {}
    for width, scheme in SIZES:
        page = visit(agent, viewport={"width": width, "height": 900}, color_scheme=scheme)
        for address in addresses:
            page.goto(address)
            found[width, scheme, address] = faults(page, WCAG)
        page.goto(page_of(member))
        page.locator("#mails a[data-row]").first.click()
        expect(page.get_by_text(mail).first).to_be_visible()
        found[width, scheme, "mail"] = faults(page, WCAG)
    assert {where: what for where, what in found.items() if what} == {}


def test_points_are_adjusted_by_keyboard_and_the_effect_shows_before_a_press(
    member: Member, agent: User, visit: Callable[..., Page]
) -> None:
    member.refresh_from_db()
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(page_of(member))
    page.wait_for_timeout(100)
    page.keyboard.press("p")
    points = page.get_by_label("Points to add")
    expect(points).to_be_visible()
    points.focus()
    page.keyboard.type("700")
    page.keyboard.press("Tab")
    page.get_by_label("Reason, which the member reads").focus()
    with page.expect_response(lambda answer: "the%20delay" in (answer.request.post_data or "")):
        page.keyboard.type("Sorry for the delay")
        page.keyboard.press("Tab")
    expect(page.locator("#effect")).to_contain_text(f"{member.points + 700:,}")
    expect(page.locator("#effect")).to_contain_text("becomes Platinum")
    expect(page.locator("form.htmx-request")).to_have_count(0)
    assert not Adjustment.objects.exists()
    press = page.get_by_role("button", name="Add 700, tell the member")
    press.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{page_of(member)}")
    assert Adjustment.objects.get().points == 700
    expect(page.locator("#points")).to_contain_text("+700")


def test_a_note_is_kept_from_the_page(member: Member, agent: User, visit: Callable[..., Page]) -> None:
    page = visit(agent, viewport={"width": 390, "height": 844})
    page.goto(page_of(member))
    page.get_by_label("New note").fill("Moved to another studio.")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator("#staff-notes")).to_contain_text("Moved to another studio.")
    assert MemberNote.objects.filter(at__gt=timezone.now() - timedelta(minutes=1)).count() == 2
