"""On a phone: a photo uploads with progress, can be removed, and fills in the serial number (R25)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories import draft
from tests.files import samples
from tests.world import build_world

PHONE = {"width": 390, "height": 844}


@pytest.mark.django_db(transaction=True)
def test_a_photo_uploads_can_be_removed_and_fills_in_the_serial_number(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    world = build_world()
    row = draft(world.ben, world.body)
    receipt, photo = tmp_path / "receipt.pdf", tmp_path / "photo.jpg"
    receipt.write_bytes(samples.pdf())
    photo.write_bytes(samples.jpeg(serial="052031000077", model=world.body.name))
    page = visit(world.ben.user, viewport=PHONE)
    page.goto(f"/kitbag/{row.pk}/finish/")
    page.locator("[name=store]").fill("Nairobi Cameras")
    files = page.locator(".upload__file")
    page.locator("[name=evidence]").set_input_files([receipt, photo])
    expect(files.locator("[name=evidence_keys]")).to_have_count(2)
    files.filter(has_text="photo.jpg").get_by_role("button", name="Remove").click()
    expect(files).to_have_count(1)

    page.get_by_text("Read it from a photo").click()
    page.locator("[name=photo]").set_input_files(photo)
    page.get_by_role("button", name="Read the serial number").click()
    expect(page.locator("#photo-said")).to_contain_text("052031000077")
    expect(page.locator("[name=serial]")).to_have_value("052031000077")
    expect(page.locator("[name=store]")).to_have_value("Nairobi Cameras")
    attached = page.locator(".files-list li")
    expect(attached).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert row.evidence.get().file.original_name == "receipt.pdf"
    attached.get_by_role("button", name="Remove").click()
    expect(attached).to_have_count(0)
    assert not row.evidence.kept().exists()
