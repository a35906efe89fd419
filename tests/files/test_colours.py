"""Colours and orientation of pictures from phones, scanners and programs: what is kept looks like what came (R25)."""

import io
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from cps_portal.core.files.images import MAX_SIDE_PIXELS
from cps_portal.core.files.inspecting import make_clean
from tests.files import samples
from tests.rows import each_row

pillow_heif.register_heif_opener()
CORNERS = ["#d02020", "#20a040", "#2040c0", "#e0c030"]  # red, green, blue, yellow: any turn or swap is seen
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BLUE_FOR_RED = samples.swapped_profile()
STORED = {  # by EXIF orientation: how a camera that was turned has stored the picture
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photo() -> Image.Image:
    image = Image.new("RGB", (96, 64), "white")
    for number, colour in enumerate(CORNERS):
        image.paste(colour, (number % 2 * 48, number // 2 * 32, number % 2 * 48 + 40, number // 2 * 32 + 28))
    return image


def saved(image: Image.Image, kind: str, **save: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


def swapped(image: Image.Image) -> Image.Image:
    """As it is stored for a profile that swaps red and blue."""
    return Image.merge("RGB", image.split()[::-1])


def turned(orientation: int, image: Image.Image, kind: str, **save: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED[orientation]
    return saved(image.transpose(turn) if turn is not None else image, kind, exif=exif, **save)


def on_key_colour(image: Image.Image, key: str) -> Image.Image:
    """The white parts are a colour that the file calls transparent (tRNS)."""
    white = image.convert("L").point(lambda level: 255 if level == 255 else 0)
    on_key = image.copy()
    on_key.paste(key, mask=white)
    return on_key


FILES = {
    "JPEG": saved(photo(), "JPEG", quality=95),
    "JPEG, strongly compressed": saved(photo(), "JPEG", quality=70),
    "JPEG, progressive": saved(photo(), "JPEG", quality=95, progressive=True),
    "JPEG, full colours": saved(photo(), "JPEG", quality=95, subsampling=0),
    "JPEG, print colours": saved(photo().convert("CMYK"), "JPEG", quality=95),
    "JPEG of two pictures": saved(photo(), "MPO", quality=95, save_all=True, append_images=[swapped(photo())]),
    "JPEG, sRGB profile": saved(photo(), "JPEG", quality=95, icc_profile=SRGB),
    "JPEG, own profile": saved(swapped(photo()), "JPEG", quality=95, icc_profile=BLUE_FOR_RED),
    "JPEG, damaged profile": saved(photo(), "JPEG", quality=95, icc_profile=b"no profile" * 40),
    "JPEG, profile of another kind": saved(photo().convert("CMYK"), "JPEG", quality=95, icc_profile=BLUE_FOR_RED),
    "PNG": saved(photo(), "PNG"),
    "PNG, palette": saved(photo().quantize(16), "PNG"),
    "PNG, palette with transparency": saved(photo().convert("RGBA").quantize(16), "PNG"),
    "PNG, opaque alpha": saved(photo().convert("RGBA"), "PNG"),
    "PNG, own profile": saved(swapped(photo()), "PNG", icc_profile=BLUE_FOR_RED),
    "PNG, alpha and own profile": saved(swapped(photo()).convert("RGBA"), "PNG", icc_profile=BLUE_FOR_RED),
    "PNG, animated": saved(photo(), "PNG", save_all=True, append_images=[swapped(photo())]),
    "PNG, eight colours": saved(photo().quantize(8), "PNG", bits=4),
    "HEIC": saved(photo(), "HEIF", quality=95),
    "HEIC, own profile": saved(swapped(photo()), "HEIF", quality=95, icc_profile=BLUE_FOR_RED),
    "HEIC, alpha": saved(photo().convert("RGBA"), "HEIF", quality=95),
    "PNG, transparent colour": saved(on_key_colour(photo(), "#ff00ff"), "PNG", transparency=(255, 0, 255)),
    "PNG, transparent colour and own profile": saved(
        on_key_colour(swapped(photo()), "#00ffff"), "PNG", transparency=(0, 255, 255), icc_profile=BLUE_FOR_RED
    ),
    **{f"JPEG, orientation {turn}": turned(turn, photo(), "JPEG", quality=95) for turn in STORED},
    **{
        f"{kind}, orientation {turn} and own profile": turned(
            turn, swapped(photo()), kind, quality=95, icc_profile=BLUE_FOR_RED
        )
        for turn in STORED
        for kind in ("JPEG", "PNG")
    },
    **{
        f"PNG, orientation {turn}, transparent colour and own profile": turned(
            turn,
            on_key_colour(swapped(photo()), "#00ffff"),
            "PNG",
            transparency=(0, 255, 255),
            icc_profile=BLUE_FOR_RED,
        )
        for turn in STORED
    },
}


@each_row("what", FILES)
def test_the_copy_has_the_colours_and_the_orientation_of_the_picture(what: str) -> None:
    copy = Image.open(io.BytesIO(make_clean(io.BytesIO(FILES[what])).content))
    assert copy.size == photo().size
    assert copy.info.get("icc_profile") is None
    difference = ImageStat.Stat(ImageChops.difference(copy.convert("RGB"), photo())).mean
    assert max(difference) < 8, difference


@each_row(("mode", "key"), [("L", 90), ("L", 0), ("L", 255), ("1", 0), ("1", 1)])
@each_row("side", [64, MAX_SIDE_PIXELS + 100])  # as it is, and made smaller
def test_a_grey_level_that_stands_for_transparent_is_transparent(mode: str, key: int, side: int) -> None:
    image = Image.new(mode, (side, 32), key)
    other = 1 - key if mode == "1" else 160
    image.paste(other, (0, 0, side // 2, 32))
    shown = other * 255 if mode == "1" else other
    data = saved(image, "PNG", transparency=key)
    copy = Image.open(io.BytesIO(make_clean(io.BytesIO(data)).content)).convert("L").resize((4, 2))
    background = 0x33 if shown > 128 else 255  # as for all light drawings
    assert [copy.getpixel((0, 0)), copy.getpixel((3, 0))] == pytest.approx([shown, background], abs=3)


@pytest.mark.parametrize("mode", ["L", "LA", "L with a transparent level"])
def test_grey_levels_have_the_brightness_of_their_profile(mode: str) -> None:
    image = Image.new("L", (64, 64), 55)
    save = {"transparency": 200} if "level" in mode else {}
    image.paste(200 if save else 255, (32, 0, 64, 64))
    data = saved(image.convert(mode[:2].strip()), "PNG", icc_profile=samples.linear_grey_profile(), **save)
    copy = Image.open(io.BytesIO(make_clean(io.BytesIO(data)).content)).convert("L")
    assert [copy.getpixel((4, 4)), copy.getpixel((60, 4))] == pytest.approx([128, 255], abs=3)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (9000, 3)])
def test_pictures_of_odd_shapes_are_kept(size: tuple[int, int]) -> None:
    copy = Image.open(io.BytesIO(make_clean(io.BytesIO(saved(Image.new("RGB", size, "#d02020"), "PNG"))).content))
    assert copy.resize((1, 1)).getpixel((0, 0))[0] > 180  # type: ignore[index]
