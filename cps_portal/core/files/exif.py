"""Read a camera body's serial number from an original photo (R25)."""

import logging
from dataclasses import dataclass
from typing import BinaryIO

import exifread

from cps_portal.core.files.inspecting import find_kind

SERIAL_TAGS = ("EXIF BodySerialNumber", "MakerNote SerialNumber", "MakerNote InternalSerialNumber")
MAX_TAG_LENGTH = 40
logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it warns about every irregularity in a photo


@dataclass(frozen=True)
class BodySerial:
    """What the metadata of a photo say about the camera; make and model may be empty."""

    serial: str
    make: str
    model: str


def read_body_serial(photo: BinaryIO) -> BodySerial | None:
    """The serial number in an original JPEG of a camera. None if there is none, or if it is not a JPEG.

    Only of bodies: the serial number of a lens in the metadata often differs from the engraved one.
    """
    photo.seek(0)
    if find_kind(photo.read(32)) != "jpeg":
        return None
    photo.seek(0)
    try:
        tags = exifread.process_file(photo, details=True, extract_thumbnail=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # a parser given garbage may raise anything, and there being no serial is no error
        return None
    serial = next((text for name in SERIAL_TAGS[:2] if (text := _text(tags.get(name)))), "")
    if not serial:
        return None
    return BodySerial(serial, _text(tags.get("Image Make")), _text(tags.get("Image Model")))


def _text(tag: object) -> str:
    text = str(tag).strip("\x00 ") if tag is not None else ""
    return text if text.isprintable() and len(text) <= MAX_TAG_LENGTH else ""
