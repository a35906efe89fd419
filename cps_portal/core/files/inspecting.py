"""Detect the type of an upload from its content, and make a clean copy without metadata and active content."""

import io
from dataclasses import dataclass
from typing import IO

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, StreamObject

from cps_portal.core.files.images import FORMATS, UnusableFile, clean_image, clean_photo

HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif"}
HEAD_BYTES = 1024
PDF_MARK = b"%PDF-"  # readers look for it in the first 1024 bytes: mail gateways and shops put bytes before it
PDF_END = b"%%EOF"
MAX_PAGES = 50
# Keys of PDF objects that run actions, embed files or hold metadata. They are removed from every object.
ACTIVE_PDF_KEYS = {
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
ALLOWED_ACTIONS = ("/URI", "/GoTo")


@dataclass(frozen=True)
class CleanFile:
    """The copy that is stored. `kind` is a value of FileKind: this module is used without Django, too."""

    kind: str
    content: bytes


def find_kind(head: bytes) -> str:
    """ "jpeg", "png", "heic" or "pdf" by its first bytes, or "". Names and declared types may lie."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "heic"
    if PDF_MARK in head[:HEAD_BYTES]:
        return "pdf"
    return ""


def make_clean(upload: IO[bytes]) -> CleanFile:
    """A copy with nothing but the image or the pages. Raises UnusableFile."""
    upload.seek(0)
    head = upload.read(HEAD_BYTES)
    upload.seek(0)
    if not head:
        raise UnusableFile("empty")
    kind = find_kind(head)
    if not kind:
        raise UnusableFile("unknown")
    if kind == "pdf":
        upload.seek(head.index(PDF_MARK))  # positions inside a PDF are counted from there
        content = upload.read()
        if PDF_END not in content:  # lost when it was copied: readers do without, pypdf does not
            content += b"\n" + PDF_END
        return CleanFile("pdf", _clean_pdf(io.BytesIO(content)))
    return CleanFile("jpeg", clean_image(upload, kind))


def make_photo(upload: IO[bytes]) -> tuple[bytes, bytes]:
    """As `clean_photo`. Raises UnusableFile, also "photo" for what is no picture."""
    upload.seek(0)
    head = upload.read(HEAD_BYTES)
    upload.seek(0)
    if not head:
        raise UnusableFile("empty")
    kind = find_kind(head)
    if kind not in FORMATS:
        raise UnusableFile("photo")
    return clean_photo(upload, kind)


def _clean_pdf(upload: IO[bytes]) -> bytes:
    """Copy the pages without encryption, scripts, actions and embedded files."""
    out = io.BytesIO()
    try:
        reader = PdfReader(upload, strict=False)
        _check_pages(reader)
        writer = PdfWriter()
        for page in reader.pages:
            writer.add_page(page)
        _disarm(writer)
        writer.write(out)
    except (UnusableFile, MemoryError):
        raise
    except Exception as error:  # a parser given garbage may raise anything
        raise UnusableFile("broken") from error
    return out.getvalue()


def _check_pages(reader: PdfReader) -> None:
    # Shops' invoices are often encrypted so that they can't be changed, and open with an empty password.
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnusableFile("locked")
    if not 0 < len(reader.pages) <= MAX_PAGES:
        raise UnusableFile("pages")


def _disarm(writer: PdfWriter) -> None:
    """Remove active content from every object of the new file, because any object can have it."""
    writer.metadata = None
    for pdf_object in list(writer._objects):
        _disarm_object(pdf_object, set())
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)


def _disarm_object(pdf_object: object, visited: set[int]) -> None:
    if id(pdf_object) in visited:
        return
    visited.add(id(pdf_object))
    if isinstance(pdf_object, ArrayObject):
        for each in pdf_object:
            _disarm_object(each, visited)
    if not isinstance(pdf_object, DictionaryObject):
        return
    for name in ACTIVE_PDF_KEYS & pdf_object.keys():
        del pdf_object[name]
    action = pdf_object.get("/A")
    action = action.get_object() if action is not None else None
    if isinstance(action, DictionaryObject) and action.get("/S") not in ALLOWED_ACTIONS:
        del pdf_object["/A"]
    if "/DCTDecode" in str(pdf_object.get("/Filter")) and isinstance(pdf_object, StreamObject):
        pdf_object._data = without_metadata(pdf_object._data)
    for each in list(pdf_object.values()):  # indirect objects are in the list of the writer
        _disarm_object(each, visited)


def without_metadata(jpeg: bytes) -> bytes:
    """The JPEG without its APP1 to APP13 and comment segments: camera, location, thumbnail."""
    if not jpeg.startswith(b"\xff\xd8"):
        return jpeg
    kept, at = [jpeg[:2]], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if not (0xE1 <= jpeg[at + 1] <= 0xED or jpeg[at + 1] == 0xFE):
            kept.append(jpeg[at:end])
        at = max(end, at + 2)
    return b"".join([*kept, jpeg[at:]])
