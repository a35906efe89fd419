"""Read the bar codes in a photo, such as of the label on a box (R25)."""

from dataclasses import dataclass
from typing import IO

import zxingcpp

from cps_portal.core.files.images import FORMATS, UnusableFile, grey_picture
from cps_portal.core.files.inspecting import HEAD_BYTES, find_kind

RETAIL = {zxingcpp.BarcodeFormat.EAN13, zxingcpp.BarcodeFormat.EAN8, zxingcpp.BarcodeFormat.UPCA}
READ = zxingcpp.BarcodeFormats(
    [
        *RETAIL,
        zxingcpp.BarcodeFormat.Code128,
        zxingcpp.BarcodeFormat.Code39,
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.DataMatrix,
    ]
)
MAX_CODES = 30
MAX_TEXT_LENGTH = 500


@dataclass(frozen=True)
class BarCode:
    """`is_retail`: it names the product (EAN, UPC), and so is no serial number."""

    text: str
    is_retail: bool


def read_bar_codes(photo: IO[bytes]) -> list[BarCode]:
    """Those that can be read, each once, whatever way round the photo is. Raises UnusableFile, also "photo"."""
    photo.seek(0)
    kind = find_kind(photo.read(HEAD_BYTES))
    if kind not in FORMATS:
        raise UnusableFile("photo")
    try:
        found = zxingcpp.read_barcodes(grey_picture(photo, kind), formats=READ)
        codes = [BarCode(code.text, code.format in RETAIL) for code in found if code.text.isprintable()]
    except (UnusableFile, MemoryError):
        raise
    except Exception as error:  # a reader given garbage may raise anything
        raise UnusableFile("broken") from error
    return [code for code in dict.fromkeys(codes) if 0 < len(code.text) <= MAX_TEXT_LENGTH][:MAX_CODES]
