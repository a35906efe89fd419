"""The board of a centre on a tablet: it refreshes by itself and stays where it was scrolled to (R54)."""

from collections.abc import Callable

from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions.conversation import mark_read
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from tests.browser.looks import faults
from tests.servicing.jobs import a_centre, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

BOARD = "/admin/servicing/ticket/board/"
TABLET = {"width": 768, "height": 1024}
PHONE = {"width": 390, "height": 844}
REFRESH = "htmx.trigger('#lanes', 'every-minute')"


def test_the_board_shows_what_happened_and_keeps_scroll_and_focus(
    committed_world: World, groups: dict[str, Group], visit: Callable[..., Page]
) -> None:
    world, centre = committed_world, a_centre()
    ticket = at_the_centre(world, centre, at=timezone.now())
    page = visit(works_at(centre, groups), viewport=TABLET)
    page.goto(BOARD)
    card = page.locator(f"#job-{ticket.pk}")
    card.focus()
    expect(page.locator("#assess .sc-wrote")).to_have_count(0)
    write_message(ticket=ticket, text="When?", actor=Actor(user=world.ana.user), at=timezone.now())
    page.evaluate(REFRESH)
    expect(page.locator("#assess .sc-wrote")).to_have_count(1)
    expect(page.get_by_text("1 customer waits for an answer.")).to_be_visible()
    expect(card).to_be_focused()
    card.blur()
    board = page.locator(".sc-board")
    board.evaluate("board => { board.scrollLeft = board.scrollWidth }")
    mark_read(ticket=ticket, until=ticket.messages.get().pk, at=timezone.now())
    page.evaluate(REFRESH)
    expect(page.locator("#assess .sc-wrote")).to_have_count(0)
    assert board.evaluate("board => board.scrollLeft") > 0
    assert faults(page) == []

    write_message(ticket=ticket, text="And?", actor=Actor(user=world.ana.user), at=timezone.now())
    phone = visit(works_at(centre, groups), viewport=PHONE, java_script_enabled=False)
    phone.goto(BOARD)
    phone.get_by_role("navigation", name="Queues").get_by_role("link", name="To assess").click()
    assert phone.url.endswith("#assess")
    phone.get_by_role("link", name="Customer wrote").click()
    phone.get_by_role("link", name="List").click()
    phone.get_by_role("link", name=ticket.product.name).click()
    expect(phone.get_by_text("not answered")).to_be_visible()
