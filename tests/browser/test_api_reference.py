"""The reference of the partner API renders under the strict Content-Security-Policy, on a phone too (R55)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("width", [390, 1440])
def test_an_operation_is_found_and_opened(transactional_db: None, visit: Callable[..., Page], width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    page.goto("/api/v1/docs")
    page.get_by_text("Record ticket event", exact=True).click()
    expect(page.get_by_text("Record an event.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
