"""Pictures as phones, scanners and programs write them: what is kept looks like what came (R25)."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cps_portal.core.files import images
from cps_portal.core.files.actions import refusal
from cps_portal.core.files.images import UnusableFile, clean_image
from cps_portal.core.files.inspecting import find_kind, make_clean
from tests.files import samples
from tests.rows import each_row

GRADIENTS = {
    "1 bit, PNG": samples.scan("1"),
    "grey, PNG": samples.scan("L"),
    "grey of 16 bits, PNG": samples.scan("I;16"),
    "grey with transparency, PNG": samples.scan("LA"),
    "palette, PNG": samples.scan("P"),
    "colour, PNG": samples.scan("RGB"),
    "colour of 16 bits, PNG": samples.deep_rgb_png(),
    "colour with transparency, PNG": samples.scan("RGBA"),
    "colour with a transparent colour, PNG": samples.scan("RGB", transparency=(1, 2, 3)),
    "grey of 16 bits with a transparent level, PNG": samples.scan("I;16", transparency=300),
    "grey, JPEG": samples.scan("L", "JPEG"),
    "colour, JPEG": samples.scan("RGB", "JPEG"),
    "progressive, JPEG": samples.scan("RGB", "JPEG", progressive=True),
    "print colours, JPEG": samples.scan("CMYK", "JPEG"),
    "luminance and colour, JPEG": samples.scan("YCbCr", "JPEG"),
    "two pictures in one, JPEG": samples.scan("RGB", "MPO"),
    "colour, HEIC": samples.heic(),
}


def kept(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(make_clean(io.BytesIO(content)).content)).convert("L")


@each_row("what", GRADIENTS)
def test_a_picture_of_any_mode_keeps_its_greys(what: str) -> None:
    copy = kept(GRADIENTS[what]).resize((1, 8), Image.Resampling.BOX)
    for level, expected in zip(copy.get_flattened_data(), range(16, 256, 32), strict=True):
        assert abs(level - expected) < 20, what  # type: ignore[operator]


@each_row(("mode", "white"), [("I;16", 65535), ("I;16B", 65535), ("I", 65535), ("F", 1), ("F", 255)])
def test_deep_greys_are_scaled_to_eight_bits(mode: str, white: int) -> None:
    deep = samples.picture().convert("F").point(lambda level: level * (white / 255) + 0.0)
    deep = deep.convert("I").convert(mode) if mode.startswith("I") else deep
    assert images._to_eight_bits(deep).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) in range(124, 132)


@each_row("mode", ["RGBA", "P", "LA"])
@each_row("ink", ["white", "black", "#eeeeee"])
def test_ink_on_a_transparent_ground_can_be_seen(ink: str, mode: str) -> None:
    copy = kept(samples.drawing(ink, mode))
    assert abs(copy.getpixel((32, 32)) - copy.getpixel((32, 4))) > 150  # type: ignore[operator]


def test_thin_lines_of_a_large_black_and_white_scan_are_kept() -> None:
    page = Image.new("1", (9000, 300), 1)
    for x in range(0, 9000, 9):
        page.paste(0, (x, 0, x + 1, 300))
    out = io.BytesIO()
    page.save(out, "PNG")
    assert kept(out.getvalue()).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) in range(220, 235)


@pytest.mark.parametrize("mode", ["I;16", "RGB", "LA"])
def test_a_copy_that_does_not_look_like_the_original_is_refused(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(images, "_flatten", lambda image, background: Image.new("RGB", image.size, background))
    with pytest.raises(UnusableFile) as refused:
        make_clean(io.BytesIO(samples.scan(mode)))
    assert "ordinary JPEG" in str(refusal(refused.value.code, "scan.png", **refused.value.values))


# --- Size ------------------------------------------------------------------------------------------------

READ = """
import sys
from pathlib import Path
from cps_portal.core.files.inspecting import make_clean

def peak():  # not ru_maxrss: a new process inherits that of its parent
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

before = peak()
with open(sys.argv[1], "rb") as file, open(sys.argv[2], "wb") as copy:
    copy.write(make_clean(file).content)
print(peak() - before)
"""


@pytest.mark.parametrize("size", [(8_000, 8_000), (12_000, 9_000), (16_320, 12_240)], ids=["64 MP", "108 MP", "200 MP"])
def test_a_large_photo_is_read_small_in_bounded_memory(tmp_path: Path, size: tuple[int, int]) -> None:
    photo, copy = tmp_path / "photo.jpg", tmp_path / "copy.jpg"
    samples.picture(mode="L").resize(size, Image.Resampling.NEAREST).save(photo, "JPEG")
    ran = subprocess.run([sys.executable, "-c", READ, photo, copy], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 190_000, "kB; 200 megapixels of grey at full size take 260,000"
    with Image.open(copy) as image:
        assert 2_000 < max(image.size) <= images.MAX_SIDE_PIXELS


TOO_LARGE = {
    "PNG": (
        samples.png_bomb(10_000, 8_000),
        "80 megapixels. We can read 64, and 250 of a JPEG. Export it as JPEG",
    ),
    "JPEG": (samples.jpeg_header(20_000, 15_000), "20000 × 15000 pixels, which is 300 megapixels. We can read 250."),
    "progressive JPEG": (samples.jpeg_header(12_000, 9_000, 0xC2), "108 megapixels. We can read 64."),
    "JPEG of several scans": (samples.jpeg_header(12_000, 9_000, scanned=1), "108 megapixels. We can read 64."),
}


@each_row("what", TOO_LARGE)
def test_a_picture_that_is_too_large_is_named_with_its_size(what: str) -> None:
    content, why = TOO_LARGE[what]
    with pytest.raises(UnusableFile) as refused:
        clean_image(io.BytesIO(content), find_kind(content))
    assert why in str(refusal(refused.value.code, **refused.value.values))
