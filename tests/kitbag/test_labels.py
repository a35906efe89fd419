"""The serial number from a photo of a label: which code is it, what is said, and that nothing is kept (R25)."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
import zxingcpp
from django.test import Client
from PIL import Image, ImageDraw
from pytest_django import Settings

from cps_portal.core.files.bar_codes import BarCode, read_bar_codes
from cps_portal.core.files.images import UnusableFile
from cps_portal.core.files.models import StoredFile
from kitbag.models import Registration
from kitbag.rules.labels import serial_candidates
from tests.factories import draft
from tests.files import samples
from tests.rows import each_row
from tests.world import World

Format = zxingcpp.BarcodeFormat
EAN = ("4549292208931", Format.EAN13)


def label(*codes: tuple[str, Format], turned: int = 0, mode: str = "RGB") -> Image.Image:
    """White paper with these bar codes below each other, and something printed between them."""
    picture = Image.new("RGB", (1200, 420 * max(1, len(codes)) + 60), "white")
    for place, (text, kind) in enumerate(codes):
        code = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=5)
        picture.paste(Image.fromarray(code).convert("RGB"), (60, 60 + 420 * place))
    ImageDraw.Draw(picture).text((700, 30), "MADE IN JAPAN", fill="black")
    return picture.rotate(turned, expand=True, fillcolor="white").convert(mode)


def photo(*codes: tuple[str, Format], turned: int = 0, kind: str = "JPEG", mode: str = "RGB", **save: object) -> bytes:
    out = io.BytesIO()
    label(*codes, turned=turned, mode=mode).save(out, kind, **save)
    return out.getvalue()


def scanned(client: Client, row: Registration, content: bytes) -> Any:
    return client.post(f"/kitbag/{row.pk}/finish/", {"do": "photo", "store": "Orms", "photo": samples.upload(content)})


@pytest.fixture
def row(world: World) -> Registration:
    return draft(world.ana, world.body)


# --- Bar codes -----------------------------------------------------------------------------------


@each_row("kind", [Format.Code128, Format.Code39, Format.QRCode, Format.DataMatrix])
@each_row("turned", [0, 90, 180, 7])
def test_each_kind_is_read_whichever_way_round(kind: Format, turned: int) -> None:
    codes = read_bar_codes(io.BytesIO(photo(("032021000123", kind), turned=turned)))
    assert codes == [BarCode("032021000123", is_retail=False)]


def test_the_bar_code_of_the_product_is_told_from_the_others() -> None:
    codes = read_bar_codes(io.BytesIO(photo(EAN, ("032021000123", Format.Code128))))
    assert set(codes) == {BarCode("4549292208931", is_retail=True), BarCode("032021000123", is_retail=False)}


@each_row(
    "content",
    [
        photo(("032021000123", Format.Code128), mode="CMYK"),
        photo(("032021000123", Format.Code128), mode="L", kind="PNG"),
        photo(("032021000123", Format.Code128), mode="P", kind="PNG"),
        photo(("032021000123", Format.Code128), mode="1", kind="PNG"),
        photo(("032021000123", Format.Code128), progressive=True),
    ],
)
def test_it_is_read_in_every_mode_of_a_picture(content: bytes) -> None:
    assert [code.text for code in read_bar_codes(io.BytesIO(content))] == ["032021000123"]


@each_row(
    ("content", "code"),
    [
        (b"MZ", "photo"),
        (samples.pdf(), "photo"),
        (photo(EAN)[:2000], "broken"),
        (samples.png_bomb(), "pixels_as_jpeg"),
    ],
)
def test_what_is_no_picture_is_refused_by_a_code(content: bytes, code: str) -> None:
    with pytest.raises(UnusableFile) as refused:
        read_bar_codes(io.BytesIO(content))
    assert refused.value.code == code


def test_a_picture_without_codes_has_none() -> None:
    for content in (samples.deep_rgb_png(), samples.scan("I;16"), samples.heic(), samples.jpeg()):
        assert read_bar_codes(io.BytesIO(content)) == []


# --- Which of them it is -------------------------------------------------------------------------


@each_row(
    ("texts", "candidates"),
    [
        (["032021000123"], ["032021000123"]),
        (["(01)04549292208931(21)032021000123"], ["032021000123", "04549292208931"]),
        (["SN: 032021000123"], ["032021000123"]),
        (["https://example.org/?sn=032021000123&m=R5"], ["032021000123"]),
        (["HELLO", "----"], []),
        ([], []),
    ],
)
def test_the_likeliest_text_comes_first(texts: Sequence[str], candidates: Sequence[str]) -> None:
    assert serial_candidates(texts)[: len(candidates) or None] == list(candidates)


# --- On the form ---------------------------------------------------------------------------------


def test_a_label_fills_in_the_field_and_nothing_is_sent_or_kept(row: Registration, as_ana: Client) -> None:
    page = scanned(as_ana, row, photo(EAN, ("032021000123", Format.Code128)))
    assert page.context["form"]["serial"].value() == "032021000123"
    assert b"Check it against the number on the product" in page.content
    assert b"Orms" in page.content, "what was typed stays"
    row.refresh_from_db()
    assert (row.state, row.serial) == ("draft", "")
    assert not StoredFile.objects.exists()


def test_a_lens_has_a_label_too(world: World, as_ana: Client) -> None:
    lens = draft(world.ana, world.lens)
    page = scanned(as_ana, lens, photo(("1000004", Format.Code128)))
    assert page.context["form"]["serial"].value() == "1000004"
    page = scanned(as_ana, lens, samples.jpeg())
    assert page.context["form"].errors["photo"], "the number in its data is that of a camera"


def test_the_label_wins_over_the_camera_that_took_the_photo(row: Registration, as_ana: Client) -> None:
    exif = samples.photo_exif("Canon EOS R5", "052021000999")
    page = scanned(as_ana, row, photo(("032021000123", Format.Code128), exif=exif))
    assert page.context["form"]["serial"].value() == "032021000123"
    page = scanned(as_ana, row, photo(EAN, exif=exif))
    assert page.context["form"]["serial"].value() == "052021000999"


@each_row(
    ("content", "words"),
    [
        (photo(EAN), "the same for all of them"),
        (photo(("ABCD12", Format.Code128), ("EFGH34", Format.Code128)), "several numbers"),
        (samples.png(), "We can’t read a number"),
        (photo(("03", Format.Code128)), "We can’t read a number"),
        (samples.pdf(), "Only photos"),
        (b"", "We can’t read a number|Only photos|empty"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    row: Registration, as_ana: Client, content: bytes, words: str
) -> None:
    page = scanned(as_ana, row, content)
    (error,) = page.context["form"].errors["photo"]
    assert any(word in error for word in words.split("|")), error


def test_a_photo_that_is_too_large_is_not_opened(row: Registration, as_ana: Client, settings: Settings) -> None:
    settings.FILES_MAX_MEGABYTES = 0
    page = scanned(as_ana, row, samples.jpeg())
    assert "larger than" in page.context["form"].errors["photo"][0]


# --- On the sheet of several ---------------------------------------------------------------------


def test_on_the_sheet_a_row_reads_its_own_label_and_nothing_is_saved(world: World, as_ana: Client) -> None:
    body, lens = draft(world.ana, world.body), draft(world.ana, world.lens)
    data = {"pick": [body.pk, lens.pk], "store": "Orms", f"r{lens.pk}-serial": "1000004"}
    for button in (f"scan-{body.pk}", "save"):  # without a script any button brings the photo along
        files = {f"r{body.pk}-photo": samples.upload(photo(("032021000123", Format.Code128)))}
        page = as_ana.post("/kitbag/finish/", {**data, "do": button, **files})
        rows = {one.key: one for one in page.context["rows"]}
        assert rows[body.pk].serial == "032021000123" and rows[lens.pk].serial == "1000004"
        assert "Check it against the number" in page.content.decode()
        assert not Registration.objects.filter(pk__in=[body.pk, lens.pk]).exclude(state="draft").exists()
    page = as_ana.post("/kitbag/finish/", {**data, "do": f"scan-{body.pk}"})
    assert {one.key: one for one in page.context["rows"]}[body.pk].form.errors["photo"]
