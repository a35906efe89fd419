"""What the checks of a page find, and what they may leave out."""

import pytest
from playwright.sync_api import Browser

from tests.browser.looks import REPEATED, faults

ROW = '<li class="row"><span class="word">Shipped</span></li>'
PAGE = """<!doctype html><html lang="en"><title>Jobs</title>
<style>.word { color: #222 } .pale .word, .faint, :disabled { color: #ccc } .dark { background: #333 }</style>
<main><h1>Jobs</h1><ul>%s</ul></main>"""


@pytest.mark.parametrize(
    "odd",
    [
        '<li class="row"><span class="word faint">Lost</span></li>',
        '<li class="row pale"><span class="word">Lost</span></li>',
        '<li class="row dark"><span class="word">Lost</span></li>',
        '<li class="row"><span class="word" id="odd">Lost</span></li><style>#odd { color: #ccc }</style>',
        '<li class="row" style="opacity: 0.3"><span class="word">Lost</span></li>',
    ],
)
def test_a_pale_row_is_found_wherever_it_stands_among_others(chromium: Browser, odd: str) -> None:
    page = chromium.new_page()
    page.set_content(PAGE % (ROW * 40))
    assert faults(page) == []
    assert page.locator(f"[{REPEATED}]").count() == 38
    page.set_content(PAGE % (ROW * 20 + odd + ROW * 20))
    assert [fault.split()[0] for fault in faults(page)] == ["color-contrast"]
    page.close()


def test_a_text_that_is_not_judged_stands_in_for_no_other(chromium: Browser) -> None:
    page = chromium.new_page()
    hidden = '<li class="row pale" hidden><span class="word">Lost</span></li>'
    disabled = "<li><button disabled>Send</button></li>"
    page.set_content(PAGE % (hidden * 5 + disabled * 5 + '<li class="row pale"><span class="word">Lost</span></li>'))
    assert [fault.split()[0] for fault in faults(page)] == ["color-contrast"]
    page.close()
