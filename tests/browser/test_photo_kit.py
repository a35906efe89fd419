"""On a phone: photos, the products that took them, and one press (R16, R25, R71)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kitbag.models import Registration
from tests.browser.looks import faults
from tests.browser.network import Held
from tests.factories import ProductFactory
from tests.files import samples
from tests.world import World

SERIALS = ("012345678901", "4021007718")
MEGABYTES_20 = 20_000_000


@pytest.mark.parametrize("dark", [False, True])
def test_photos_become_drafts_with_their_serial_numbers(
    committed_world: World, visit: Callable[..., Page], tmp_path: Path, dark: bool
) -> None:
    body = ProductFactory(name="EOS R5 Mark II", category="camera-mirrorless", points_current=335)
    lens = ProductFactory(name="RF 24-70mm F2.8L IS USM", category="lens-rf", points_current=120)
    kit = ("Canon EOS R5m2", SERIALS[0], "RF24-70mm F2.8 L IS USM", SERIALS[1])
    files = {
        "1.CR3": samples.raw(*kit, picture_bytes=MEGABYTES_20),
        "2.JPG": samples.lens_jpeg(*kit) + bytes(1_000_000),
        "3.HIF": samples.far_heic(samples.lens_tiff("Canon EOS R5m2", SERIALS[0], "35mm F1.4 Art", "")),
        "4.JPG": samples.lens_jpeg("", ""),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    colours = "dark" if dark else "light"
    page = visit(committed_world.ana.user, viewport={"width": 390, "height": 844}, color_scheme=colours)
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    page.goto("/kitbag/add/")
    page.get_by_role("link", name="Find my kit in my photos").click()
    page.set_input_files("input[type=file]", [tmp_path / name for name in files])
    expect(page.get_by_text("Photos that say what took them: 3 of 4")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    expect(page.get_by_text("3 photos")).to_be_visible()
    expect(page.get_by_text("35mm F1.4 Art")).to_be_visible()
    assert max(sent) < 3_000_000, "only the pieces that hold metadata are sent"
    assert faults(page) == []
    page.get_by_role("button", name="Add the chosen products").click()
    expect(page.get_by_text("2 products added.")).to_be_visible()
    rows = Registration.objects.filter(member=committed_world.ana, product__in=[body, lens])
    assert {row.serial for row in rows} == set(SERIALS)


def test_photos_chosen_before_the_script_has_come_are_read_too(
    committed_world: World, visit: Callable[..., Page], tmp_path: Path
) -> None:
    ProductFactory(name="EOS R5 Mark II", category="camera-mirrorless", points_current=335)
    (tmp_path / "1.JPG").write_bytes(samples.lens_jpeg("Canon EOS R5m2", SERIALS[0], "", ""))
    page = visit(committed_world.ana.user, viewport={"width": 390, "height": 844})
    script = Held(page, "**/photos*.js", "GET")
    page.goto("/kitbag/photos/", wait_until="commit")
    page.set_input_files("input[type=file]", tmp_path / "1.JPG")
    script.wait_for(1)
    script.release()
    expect(page.get_by_text("Photos that say what took them: 1 of 1")).to_be_visible()
