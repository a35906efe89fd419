"""Read from an original photo which camera and lens took it, with their serial numbers (R25)."""

import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import exifread

from cps_portal.core.files.inspecting import find_kind
from cps_portal.core.files.pieces import NotHere, PartialFile, Piece

SERIAL_TAGS = ("EXIF BodySerialNumber", "MakerNote SerialNumber")
LENS_TAGS = ("EXIF LensModel", "MakerNote LensModel")
MAX_TAG_LENGTH = 40
MAX_LENS_LENGTH = 80
MAX_BOXES = 200
MAX_ITEM_BYTES = 256 * 1024
TIFF_HEADS = (b"II*\x00", b"MM\x00*")  # raw files of older cameras (CR2)
RAW_BRAND = b"ftypcrx "  # raw files of newer cameras (CR3)
RAW_METADATA = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")  # the box that holds the boxes CMT1 and CMT2
logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it warns about every irregularity in a photo


@dataclass(frozen=True)
class BodySerial:
    """What the metadata of a photo say about the camera; make and model may be empty."""

    serial: str
    make: str
    model: str


@dataclass(frozen=True)
class Equipment:
    """What took a photo, as its metadata say; each may be empty."""

    make: str = ""
    model: str = ""
    serial: str = ""
    lens: str = ""
    lens_serial: str = ""


class Fields:
    """The fields of a box, one after the other. Raises IndexError after the last."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._content):
            raise IndexError
        self._at += size
        return self._content[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))


def read_body_serial(photo: BinaryIO) -> BodySerial | None:
    """The serial number in an original JPEG of a camera. None if there is none, or if it is not a JPEG.

    Only of bodies: the serial number of a lens in the metadata often differs from the engraved one.
    """
    photo.seek(0)
    if find_kind(photo.read(32)) != "jpeg":
        return None
    found = _equipment(_tags(photo))
    return BodySerial(found.serial, found.make, found.model) if found.serial else None


def read_equipment(pieces: list[Piece], size: int) -> Equipment | None:
    """What took the photo: a JPEG, HEIC, CR3 or CR2, of which these pieces of `size` bytes are here.

    None if it is another file or says nothing. Raises NotHere if the metadata lie in a piece that is not here.
    """
    photo = PartialFile(pieces, size)
    head = photo.read(32)
    kind = find_kind(head)
    if head[4:12] == RAW_BRAND:
        tags = _raw_tags(photo)
    elif kind == "heic":
        tags = _heic_tags(photo)
    elif kind == "jpeg" or head.startswith(TIFF_HEADS):
        tags = _tags(photo)
    else:
        return None
    found = _equipment(tags)
    return found if found.model or found.lens else None


def _tags(photo: io.RawIOBase | BinaryIO) -> Mapping[str, Any]:
    photo.seek(0)
    try:
        return exifread.process_file(cast(BinaryIO, photo), details=True, extract_thumbnail=False)
    except (MemoryError, NotHere):
        raise
    except Exception:  # noqa: BLE001  # a parser given garbage may raise anything, and there being no tags is no error
        return {}


def _raw_tags(photo: PartialFile) -> Mapping[str, Any]:
    """The tags of a CR3: camera and exposure are TIFF files of their own, in boxes of the format of films."""
    tags: dict[str, Any] = {}
    for start, end in _boxes_of(photo, b"moov", 0, photo.seek(0, io.SEEK_END)):
        for inner, inner_end in _boxes_of(photo, b"uuid", start, end):
            if _bytes(photo, inner, 16) != RAW_METADATA:
                continue
            for kind, place in ((b"CMT1", "Image"), (b"CMT2", "EXIF")):
                for part, part_end in _boxes_of(photo, kind, inner + 16, inner_end):
                    found = _tags(io.BytesIO(_bytes(photo, part, part_end - part)))
                    # In such a file all tags are those of its first directory.
                    tags |= {f"{place} {name.partition(' ')[2]}": tag for name, tag in found.items()}
        break
    return tags


def _heic_tags(photo: PartialFile) -> Mapping[str, Any]:
    """The tags of a HEIC: an item of the file, whose place `_exif_item` finds, begins with where its TIFF begins.

    exifread finds it in the files of some makers only.
    """
    try:
        start, length = _exif_item(photo)
        item = _bytes(photo, start, min(length, MAX_ITEM_BYTES))
    except (ValueError, IndexError):
        return {}
    tiff = item[4 + int.from_bytes(item[:4]) :]
    return _tags(io.BytesIO(tiff))


def _exif_item(photo: PartialFile) -> tuple[int, int]:
    """Where the metadata stand in a HEIC, and how many bytes they have. Raises ValueError or IndexError if nowhere."""
    for start, end in _boxes_of(photo, b"meta", 0, photo.seek(0, io.SEEK_END)):
        numbers = {
            _number_of_exif(_bytes(photo, entry, entry_end - entry))
            for info, info_end in _boxes_of(photo, b"iinf", start + 4, end)
            # The version says how long the number of the entries is.
            for entry, entry_end in _boxes_of(photo, b"infe", info + (8 if _bytes(photo, info, 1)[0] else 6), info_end)
        }
        for place, place_end in _boxes_of(photo, b"iloc", start + 4, end):
            for number, item in _places(Fields(_bytes(photo, place, place_end - place))):
                if number in numbers:
                    return item
        break
    raise ValueError("no metadata")


def _number_of_exif(entry: bytes) -> int | None:
    """The number of the item that an entry names, if the item is of the type Exif."""
    fields = Fields(entry)
    version = fields.number(1)
    fields.number(3)
    number = fields.number(4 if version >= 3 else 2)
    fields.number(2)
    return number if fields.take(4) == b"Exif" else None


def _places(fields: Fields) -> Iterator[tuple[int, tuple[int, int]]]:
    """The number of each item, and where its first part begins and how long that is."""
    version = fields.number(1)
    fields.number(3)
    sizes = fields.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _item in range(min(fields.number(4 if version == 2 else 2), MAX_BOXES * 10)):
        number = fields.number(4 if version == 2 else 2)
        method = fields.number(2) & 15 if version else 0
        fields.number(2)
        base = fields.number(base_size)
        parts = []
        count = fields.number(2)
        if count > MAX_BOXES:
            raise ValueError("too many parts")
        for _part in range(count):
            fields.number(index_size)
            parts.append((base + fields.number(offset_size), fields.number(length_size)))
        if parts and not method:  # another method: the item is not at a place of the file
            yield number, parts[0]


def _bytes(photo: PartialFile, start: int, length: int) -> bytes:
    photo.seek(start)
    return photo.read(length)


def _boxes_of(photo: PartialFile, kind: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((first, last) for name, first, last in _boxes(photo, start, end) if name == kind)


def _boxes(photo: PartialFile, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box between two places, as far as they are well formed."""
    for _count in range(MAX_BOXES):
        photo.seek(start)
        if end - start < 8 or len(head := photo.read(8)) < 8:
            return
        length, content = int.from_bytes(head[:4]), start + 8
        if length == 1:
            length, content = int.from_bytes(photo.read(8)), start + 16
        stop = start + length if length else end
        if stop < content or stop > end:
            return
        yield head[4:], content, stop
        start = stop


def _equipment(tags: Mapping[str, Any]) -> Equipment:
    serial = next((text for name in SERIAL_TAGS if (text := _text(tags.get(name)))), "")
    lens = next((text for name in LENS_TAGS if (text := _text(tags.get(name), MAX_LENS_LENGTH))), "")
    lens_serial = _text(tags.get("EXIF LensSerialNumber"))
    return Equipment(
        make=_text(tags.get("Image Make")),
        model=_text(tags.get("Image Model")),
        serial=serial,
        lens=lens,
        lens_serial=lens_serial if lens_serial.strip("0") else "",  # zeros: the lens has no number
    )


def _text(tag: object, longest: int = MAX_TAG_LENGTH) -> str:
    text = str(tag).strip("\x00 ") if tag is not None else ""
    return text if text.isprintable() and len(text) <= longest else ""
