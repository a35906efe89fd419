"""The card on a phone: scanned from its picture (R41)."""

import io
from collections.abc import Callable

import zxingcpp
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.enums import CardEnd
from tests.world import World

PHONE = {"width": 390, "height": 844}


def scanned(page: Page) -> str:
    """What a scanner reads from the screen."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    (code,) = zxingcpp.read_barcodes(picture)
    return str(code.text)


def test_the_code_on_the_screen_leads_a_visitor_to_valid_and_then_not_valid(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world = committed_world
    member = visit(world.ana.user, viewport=PHONE, color_scheme="dark")
    member.goto("/card/")
    address = scanned(member)

    desk = visit(viewport=PHONE, java_script_enabled=False)
    desk.goto(address)
    expect(desk.get_by_role("heading", name="Valid", exact=True)).to_be_visible()
    expect(desk.get_by_text("Gold")).to_be_visible()
    expect(desk.get_by_text(world.ana.last_name)).to_have_count(0)

    card = get_or_issue_card(member=world.ana, at=timezone.now())
    replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=timezone.now())
    desk.reload()
    expect(desk.get_by_role("heading", name="Not valid")).to_be_visible()
    member.reload()
    assert scanned(member) != address
