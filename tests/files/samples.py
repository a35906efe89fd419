"""Sample uploads: good, odd and hostile."""

import io
import struct
import zlib
from typing import Any

import pillow_heif
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject, TextStringObject

GPS_MARK = b"Rosebank"


def picture(side: int = 64, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((side, side // 2)).convert(mode)


def jpeg(serial: str = "012345678901", model: str = "Canon EOS R5", **save: Any) -> bytes:
    """A photo as the camera wrote it: with serial number, GPS position and orientation."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", model, 6
    exif.get_ifd(0x8769)[0xA431] = serial
    exif.get_ifd(0x8825).update({1: "S", 2: (26.0, 8.0, 43.0), 0x1D: "2026:01:01", 0x1C: GPS_MARK})
    out = io.BytesIO()
    picture().save(out, "JPEG", exif=exif, **save)
    return out.getvalue()


def photo_exif(model: str, serial: str, lens: str = "", lens_serial: str = "") -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", model
    exif.get_ifd(0x8769).update({0xA431: serial, 0xA434: lens, 0xA435: lens_serial})
    return exif


def lens_jpeg(*equipment: str) -> bytes:
    """A JPEG that names camera, its number, lens, its number."""
    out = io.BytesIO()
    picture().save(out, "JPEG", exif=photo_exif(*equipment))
    return out.getvalue()


def lens_heic(*equipment: str, brand: bytes = b"heic") -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(out, exif=photo_exif(*equipment).tobytes())
    content = out.getvalue()
    return content[:8] + brand + content[12:]


def lens_tiff(*equipment: str) -> bytes:
    """As the raw files of older cameras begin."""
    return photo_exif(*equipment).tobytes()[6:]


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack("!I", len(content) + 8) + kind + content


def raw(model: str, serial: str, lens: str = "", lens_serial: str = "", picture_bytes: int = 400_000) -> bytes:
    """A CR3: camera and exposure as two TIFF files in boxes, and the picture behind them."""
    camera, exposure = Image.Exif(), Image.Exif()
    camera[0x010F], camera[0x0110] = "Canon", model
    exposure[0xA431], exposure[0xA434], exposure[0xA435] = serial, lens, lens_serial
    metadata = box(
        b"uuid",
        bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"),
        box(b"CNCV", b"CanonCR3_001/00.10.00/00.00.00"),
        box(b"CMT1", camera.tobytes()[6:]),
        box(b"CMT2", exposure.tobytes()[6:]),
    )
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", metadata) + box(b"mdat", bytes(picture_bytes))


def far_heic(tiff: bytes) -> bytes:
    """A HEIC whose metadata stand behind the picture, as telephones write them."""
    exif = b"\0\0\0\6Exif\0\0" + tiff
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    picture = box(b"mdat", bytes(900_000))

    def meta(offset: int) -> bytes:
        infe = box(b"infe", b"\2\0\0\0", struct.pack("!HH", 1, 0), b"Exif\0")
        iinf = box(b"iinf", b"\0\0\0\0", struct.pack("!H", 1), infe)
        place = struct.pack("!HHHHII", 1, 1, 0, 1, offset, len(exif))
        return box(b"meta", b"\0\0\0\0", iinf, box(b"iloc", b"\0\0\0\0\x44\0", place))

    start = len(head) + len(meta(0)) + len(picture) + 8
    return head + meta(start) + picture + box(b"mdat", exif)


def png(mode: str = "RGBA") -> bytes:
    out = io.BytesIO()
    picture(mode=mode).save(out, "PNG")
    return out.getvalue()


def scan(mode: str, kind: str = "PNG", **save: Any) -> bytes:
    """Black at the top, white at the bottom, in any mode: 16 bits per pixel use all of them."""
    image = picture()
    if mode == "I;16":
        image = image.convert("I").point(lambda level: level * 257)
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **save)
    return out.getvalue()


def drawing(ink: str, mode: str = "RGBA") -> bytes:
    """A bar of ink in the middle; all else is transparent."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste(ink, (0, 24, 64, 40))
    out = io.BytesIO()
    (image.quantize(4) if mode == "P" else image.convert(mode)).save(out, "PNG")
    return out.getvalue()


def jpeg_header(width: int, height: int, frame: int = 0xC0, scanned: int = 3) -> bytes:
    """A JPEG up to its first scan, which holds `scanned` of its three components."""
    head = b"\xff" + bytes([frame]) + struct.pack("!HBHHB", 17, 8, height, width, 3)
    components = b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    scan = b"".join(bytes([n + 1, 0]) for n in range(scanned)) + b"\x00\x3f\x00"
    start = b"\xff\xda" + struct.pack("!HB", 6 + 2 * scanned, scanned)
    return b"\xff\xd8" + head + components + start + scan + b"\0" * 99


def deep_rgb_png() -> bytes:
    """A PNG with 16 bits for each of red, green and blue. Pillow can't write one."""
    rows = b"".join(b"\0" + struct.pack("!H", level * 257) * 3 * 64 for level in range(0, 256, 4))
    return _png(64, 64, 16, 2, zlib.compress(rows))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack("!i", round(value * 65536)) for value in values)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack("!IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    description = b"desc\0\0\0\0" + struct.pack("!I", 8) + b"Example\0" + b"\0" * 78 + b"\0\0"
    tags = {b"desc": description, b"wtpt": _xyz((0.9642, 1.0, 0.8249)), **tags}
    table, data = struct.pack("!I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack("!II", 132 + 12 * len(tags) + len(data), len(tag))
        data += tag + b"\0" * (-len(tag) % 4)
    head = struct.pack("!I4sI4s4s4s", 128 + len(table + data), b"\0" * 4, 0x02400000, b"mntr", space, b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack("!3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + data


def swapped_profile() -> bytes:
    """A colour profile whose red is the blue of sRGB, and the other way round: nobody can overlook it."""
    blue, green, red = (0.1431, 0.0606, 0.7141), (0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(2.2))
    return _profile(b"RGB ", {b"rXYZ": _xyz(blue), b"gXYZ": _xyz(green), b"bXYZ": _xyz(red), **curves})


def linear_grey_profile() -> bytes:
    """A profile of grey levels that are as bright as their number: 55 is as bright as 128 in sRGB."""
    return _profile(b"GRAY", {b"kTRC": _curve(1.0)})


def heic() -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(out)
    return out.getvalue()


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes that claim to be 3.6 gigapixels."""
    return _png(width, height, 8, 2, zlib.compress(b"\0" * 10_000))


def _png(width: int, height: int, bits: int, colour_type: int, content: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack("!I", len(content)) + kind + content + struct.pack("!I", zlib.crc32(kind + content))

    head = struct.pack("!IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def pdf(pages: int = 1, *, script: bool = False, password: str | None = None, algorithm: str = "AES-256") -> bytes:
    writer = PdfWriter()
    for _n in range(pages):
        writer.add_blank_page(200, 200)
    if script:
        launch = DictionaryObject(
            {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")}
        )
        js = DictionaryObject(
            {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert('boo')")}
        )
        chained = DictionaryObject(
            {
                NameObject("/S"): NameObject("/URI"),
                NameObject("/URI"): TextStringObject("https://x"),
                NameObject("/Next"): js,
            }
        )
        writer.add_attachment("evil.exe", b"MZ evil inside")
        page = writer.pages[0]
        page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): launch})
        page[NameObject("/PieceInfo")] = DictionaryObject({NameObject("/X"): TextStringObject("hidden words")})
        rect = ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)])
        note = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/Rect"): rect})
        note[NameObject("/A")], note[NameObject("/PA")] = chained, launch
        page[NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
        photo = StreamObject()
        photo._data = jpeg()
        photo.update({NameObject("/Subtype"): NameObject("/Image"), NameObject("/Filter"): NameObject("/DCTDecode")})
        xobjects = DictionaryObject({NameObject("/P"): writer._add_object(photo)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): xobjects})
    if password is not None:
        writer.encrypt(password, "the shop's own", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def upload(content: bytes, name: str = "photo.jpg", declared: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, declared)


def noisy(noise: bytes) -> bytes:
    """A photo of three bytes of noise for each pixel, 300 pixels wide: it does not get smaller."""
    out = io.BytesIO()
    Image.frombytes("RGB", (300, len(noise) // 900), noise).save(out, "JPEG", quality=95)
    return out.getvalue()
