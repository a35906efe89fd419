"""On a phone: seven products from photos to Gold, in the fewest touches (R8, R16, R17, R25).

Photos → drafts → finished together → the level. A tap, a field that is typed and a chosen photo count as one each.
"""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from members.models import Member
from tests.browser.looks import faults
from tests.browser.test_first_hour import PHONE, join
from tests.files import samples

MAX_SECONDS = 90
MAX_INTERACTIONS = 40
PHOTOS = [
    ("Canon EOS R5m2", "012345678901", "RF24-70mm F2.8 L IS USM", "4021007718"),
    ("Canon EOS R5m2", "012345678901", "RF70-200mm F2.8 L IS USM", "5110002231"),
    ("Canon EOS R5", "052031000077", "RF15-35mm F2.8 L IS USM", "3920001145"),
    ("Canon EOS R5", "052031000077", "RF100-500mm F4.5-7.1 L IS USM", ""),  # lenses of others write no number either
    ("Canon EOS R5", "052031000077", "RF50mm F1.2 L USM", ""),
]
TYPED = {"RF 50mm F1.2L USM": "2930004417", "RF 100-500mm F4.5-7.1L IS USM": "6240003318"}  # engraved on the lens


class Hand:
    """What a person does with one page, counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.interactions = page, 0

    def tap(self, target: Locator) -> None:
        self.interactions += 1
        target.tap()

    def type_into(self, field: Locator, text: str) -> None:
        self.interactions += 2  # the tap into the field, and the text
        field.tap()
        field.fill(text)  # single keys are lost now and then where Chromium plays a touch screen
        expect(field).to_have_value(text)

    def choose(self, field: Locator, option: str) -> None:
        self.interactions += 2  # opens the list, and taps the option
        field.select_option(option)

    def choose_photos(self, field: Locator, files: list[Path]) -> None:
        """Opens the gallery, taps each photo, and "Done"."""
        self.interactions += 2 + len(files)
        with self.page.expect_file_chooser() as chooser:
            field.tap()
        chooser.value.set_files(files)


def test_seven_products_from_photos_to_gold(
    catalogue: None, worker: None, visit: Callable[..., Page], tmp_path: Path
) -> None:
    files = [tmp_path / f"{number}.JPG" for number in range(len(PHOTOS))]
    for file, kit in zip(files, PHOTOS, strict=True):
        file.write_bytes(samples.lens_jpeg(*kit) + bytes(4_000_000))
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    join(page)
    hand, began = Hand(page), time.monotonic()
    hand.tap(page.get_by_role("navigation").get_by_role("link", name="Add").last)
    hand.tap(page.get_by_role("link", name="Find my kit in my photos"))
    hand.choose_photos(page.locator("input[type=file]"), files)
    expect(page.get_by_text("Photos that say what took them: 5 of 5")).to_be_visible()
    hand.tap(page.get_by_role("button", name="Add the chosen products"))
    expect(page.get_by_role("heading", name="Finish 7 products together")).to_be_visible()
    expect(page.get_by_text("7 products added.")).to_be_visible()
    assert faults(page) == []
    hand.type_into(page.get_by_label("Store", exact=True), "Rosebank Camera Co.")
    hand.choose(page.get_by_label("Country of purchase"), "South Africa")
    for part, value in (("Day", "12"), ("Month", "9"), ("Year", "2025")):
        hand.type_into(page.get_by_label(part, exact=True), value)
    for name, serial in TYPED.items():
        hand.type_into(page.locator(".sheet__row", has_text=name).locator("[name$=-serial]"), serial)
    hand.tap(page.get_by_role("button", name="Save all 7"))
    expect(page.get_by_text("7 products are being checked.")).to_be_visible()
    hand.tap(page.get_by_role("link", name="Home").last)
    expect(page.locator(".level-card")).to_have_attribute("data-level", "gold", timeout=60_000)  # without reloading
    seconds = time.monotonic() - began
    member = Member.objects.get(user__email="thandi@example.org")
    assert (member.level, member.registrations.count()) == ("gold", 7)
    assert hand.interactions <= MAX_INTERACTIONS
    assert seconds <= MAX_SECONDS
