"""Looking at what was uploaded: what it is by its content, and a clean copy of it without what it may hide."""

import io
from dataclasses import dataclass
from threading import Lock
from typing import IO

import pillow_heif
from PIL import Image, ImageFile, ImageOps
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from cps_portal.core.files.enums import FileKind

pillow_heif.register_heif_opener()
ImageFile.LOAD_TRUNCATED_IMAGES = False

HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif"}
FORMATS = {"jpeg": "JPEG", "png": "PNG", "heic": "HEIF"}
LARGEST_SIDE = 4096  # enough to read a serial number, small enough to keep
MAX_PIXELS = 64_000_000  # more takes too much memory to decode
MAX_PAGES = 50
Image.MAX_IMAGE_PIXELS = None  # ours is looked at first, and named
# What acts, hides or tells in a PDF, wherever it hangs.
UNWANTED = {
    "/AA",
    "/AF",
    "/EF",
    "/EmbeddedFiles",
    "/FS",
    "/JS",
    "/JavaScript",
    "/LastModified",
    "/Metadata",
    "/Movie",
    "/Next",
    "/OpenAction",
    "/PA",
    "/PieceInfo",
    "/PresSteps",
    "/Rendition",
    "/RichMediaContent",
    "/Sound",
    "/XFA",
}
HARMLESS_ACTIONS = ("/URI", "/GoTo")
_one_at_a_time = Lock()  # a decoded picture takes up to 200 MB: threads of a process take turns


class Unusable(Exception):
    """This cannot be kept. ``code`` says why: "empty", "unknown", "broken", "pixels", "locked", "pages"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Clean:
    """What is kept: made anew from what was uploaded."""

    kind: FileKind
    content: bytes


def find_kind(head: bytes) -> str:
    """ "jpeg", "png", "heic" or "pdf" by the first bytes; "" for anything else. Names and declared types may lie."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "heic"
    if head.startswith(b"%PDF-"):
        return "pdf"
    return ""


def make_clean(upload: IO[bytes]) -> Clean:
    """A copy without anything but the picture or the pages. Raises Unusable."""
    upload.seek(0)
    head = upload.read(32)
    upload.seek(0)
    if not head:
        raise Unusable("empty")
    kind = find_kind(head)
    if not kind:
        raise Unusable("unknown")
    return _clean_pdf(upload) if kind == "pdf" else _clean_image(upload, kind)


def _clean_image(upload: IO[bytes], kind: str) -> Clean:
    """Decoded and encoded again: location, thumbnails and whatever else hung on it stay behind."""
    try:
        with _one_at_a_time:
            picture = _decode(upload, kind)
    except Unusable:
        raise
    except Exception as error:  # a decoder given garbage may raise anything
        raise Unusable("broken") from error
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88, optimize=True)
    return Clean(FileKind.JPEG, out.getvalue())


def _decode(upload: IO[bytes], kind: str) -> Image.Image:
    with Image.open(upload, formats=[FORMATS[kind]]) as image:
        if image.width * image.height > MAX_PIXELS:
            raise Unusable("pixels")
        shrink = min(1.0, LARGEST_SIDE / max(image.size))
        image.draft("RGB", (round(image.width * shrink), round(image.height * shrink)))  # JPEG: no larger than needed
        image.load()
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))  # before anything copies it
        upright = ImageOps.exif_transpose(image)
    if upright.mode not in ("RGBA", "LA", "PA") and "transparency" not in upright.info:
        plain = Image.new("RGB", upright.size)
        plain.paste(upright.convert("RGB"))
        return plain
    layered = upright.convert("RGBA")
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(layered, mask=layered.getchannel("A"))
    return plain


def _clean_pdf(upload: IO[bytes]) -> Clean:
    """The pages alone, without scripts, actions and files inside."""
    out = io.BytesIO()
    try:
        reader = PdfReader(upload, strict=False)
        _check_pages(reader)
        writer = PdfWriter()
        for page in reader.pages:
            writer.add_page(page)
        _disarm(writer)
        writer.write(out)
    except Unusable:
        raise
    except Exception as error:  # a parser given garbage may raise anything
        raise Unusable("broken") from error
    return Clean(FileKind.PDF, out.getvalue())


def _check_pages(reader: PdfReader) -> None:
    if reader.is_encrypted:
        raise Unusable("locked")
    if not 0 < len(reader.pages) <= MAX_PAGES:
        raise Unusable("pages")


def _disarm(writer: PdfWriter) -> None:
    """Walk every object of the new file: what acts or hides can hang on any of them."""
    writer.metadata = None
    for found in list(writer._objects):
        _disarm_object(found, set())
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)


def _disarm_object(found: object, passed: set[int]) -> None:
    if id(found) in passed:
        return
    passed.add(id(found))
    if isinstance(found, ArrayObject):
        for each in found:
            _disarm_object(each, passed)
    if not isinstance(found, DictionaryObject):
        return
    for name in UNWANTED & found.keys():
        del found[name]
    action = found.get("/A")
    action = action.get_object() if action is not None else None
    if isinstance(action, DictionaryObject) and action.get("/S") not in HARMLESS_ACTIONS:
        del found["/A"]
    if "/DCTDecode" in str(found.get("/Filter")) and isinstance(found, StreamObject):
        found._data = without_metadata(found._data)
    for each in list(found.values()):  # what it refers to has a number of its own
        _disarm_object(each, passed)


def without_metadata(jpeg: bytes) -> bytes:
    """A JPEG as it is, but for its APP1 to APP13 and comment segments: camera, place, thumbnail."""
    if not jpeg.startswith(b"\xff\xd8"):
        return jpeg
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not (0xE1 <= jpeg[at + 1] <= 0xED or jpeg[at + 1] == 0xFE):
            kept.append(jpeg[at:end])
        at = max(end, at + 2)
    return b"".join([*kept, jpeg[at:]])
