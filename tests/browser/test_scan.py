"""On the sheet of several products: a photo of a label is read as soon as it is chosen (R25)."""

from collections.abc import Callable
from pathlib import Path

import zxingcpp
from playwright.sync_api import Page, expect

from tests.factories import draft
from tests.kitbag.test_labels import photo
from tests.world import build_world

PHONE = {"width": 390, "height": 844}


def test_choosing_a_photo_fills_in_the_number_of_its_row(
    transactional_db: None, visit: Callable[..., Page], tmp_path: Path
) -> None:
    world = build_world()
    body, lens = draft(world.ana, world.body), draft(world.ana, world.lens)
    label = tmp_path / "label.jpg"
    label.write_bytes(photo(("032021000123", zxingcpp.BarcodeFormat.Code128)))
    page = visit(world.ana.user, viewport=PHONE)
    page.goto(f"/kitbag/finish/?pick={body.pk}&pick={lens.pk}")
    row = page.locator(f"#row-{body.pk}")
    expect(row.get_by_text("Scan the label")).to_be_visible()
    expect(row.get_by_role("button", name="Read the serial number")).to_be_hidden()
    page.locator(f"[name=r{lens.pk}-serial]").fill("1000004")
    row.locator("input[type=file]").set_input_files(label)
    expect(row.get_by_text("Check it against the number on the product")).to_be_visible()
    expect(row.locator(f"[name=r{body.pk}-serial]")).to_have_value("032021000123")
    expect(page.locator(f"[name=r{lens.pk}-serial]")).to_have_value("1000004")
