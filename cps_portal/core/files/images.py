"""Make a clean JPEG of a picture, and check that it looks like the original."""

import io
from typing import IO

import pillow_heif
from PIL import Image, ImageChops, ImageCms, ImageFile, ImageOps, ImageStat

pillow_heif.register_heif_opener()
ImageFile.LOAD_TRUNCATED_IMAGES = False
Image.MAX_IMAGE_PIXELS = None  # the limits below are checked instead, with an error message

FORMATS = {"jpeg": "JPEG", "png": "PNG", "heic": "HEIF"}
MAX_SIDE_PIXELS = 4096  # enough to read a serial number on the photo
DECODED_SIDE_PIXELS = 4000  # at least; a JPEG is decoded at 1/2, 1/4 or 1/8: photos of 200 megapixels are 16320 wide
MEGAPIXEL = 1_000_000
MAX_MEGAPIXELS = 64  # decoding more takes too much memory
MAX_JPEG_MEGAPIXELS = 250  # a JPEG is decoded at half its size or less: at most 64 megapixels again
PHOTO_SIDE_PIXELS = 1280  # of a photo that a page shows, at most
THUMBNAIL_PIXELS = (320, 240)  # of its small copy, exactly: what does not fit in is cut off
COMPARED_SIZE = (64, 64)
MAX_MEAN_DIFFERENCE = 4.0  # of 255 grey levels; saving as JPEG changes less than 1 in a photo
DARKEST_LIGHT_GREY = 128
MODES_WITH_PROFILE = {"L", "LA", "RGB", "RGBA", "CMYK"}


class UnusableFile(Exception):
    """The file cannot be accepted. `code` is a key of SENTENCES in actions.py; `values` are put into the sentence."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def clean_image(upload: IO[bytes], kind: str) -> bytes:
    """Decode the image and encode it as JPEG, which drops location, thumbnail and all other metadata."""
    try:
        original = _decode(upload, kind)
        background = _background(original)
        out = io.BytesIO()
        colours = "4:4:4" if kind == "png" else "4:2:0"  # fine coloured lines of a screenshot would blur, a photo's not
        _flatten(original, background).save(out, "JPEG", quality=88, optimize=True, subsampling=colours)
        _check_similarity(out, original, background)
    except (UnusableFile, MemoryError):
        raise
    except Exception as error:  # a decoder given garbage may raise anything
        raise UnusableFile("broken") from error
    return out.getvalue()


def clean_photo(upload: IO[bytes], kind: str) -> tuple[bytes, bytes]:
    """The image as large as a page shows it, and a small copy, both as JPEG without metadata. Raises UnusableFile."""
    try:
        original = _decode(upload, kind)
        photo = _flatten(original, _background(original))
        photo.thumbnail((PHOTO_SIDE_PIXELS, PHOTO_SIDE_PIXELS))
        return _as_jpeg(photo), _as_jpeg(ImageOps.fit(photo, THUMBNAIL_PIXELS))
    except (UnusableFile, MemoryError):
        raise
    except Exception as error:  # a decoder given garbage may raise anything
        raise UnusableFile("broken") from error


def grey_picture(upload: IO[bytes], kind: str) -> Image.Image:
    """The image upright in 8 bits of grey. Raises UnusableFile if it is too large, and whatever a decoder raises."""
    original = _decode(upload, kind)
    return _flatten(original, _background(original)).convert("L")


def _as_jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, optimize=True, progressive=True)
    return out.getvalue()


def _decode(upload: IO[bytes], kind: str) -> Image.Image:
    can_reduce = kind == "jpeg" and not _has_several_scans(upload)
    upload.seek(0)
    with Image.open(upload, formats=[FORMATS[kind]]) as image:
        _check_size(image, kind, MAX_JPEG_MEGAPIXELS if can_reduce else MAX_MEGAPIXELS)
        shrink = min(1.0, DECODED_SIDE_PIXELS / max(image.size))
        size = round(image.width * shrink), round(image.height * shrink)
        image.draft("RGB", size)  # decodes a JPEG at a smaller size
        image.load()
        smooth = _as_smooth(image)
        smooth.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))  # first, so that the copies made later are small
        return _in_srgb(ImageOps.exif_transpose(smooth))  # the converted picture has no EXIF data any more


def _in_srgb(image: Image.Image) -> Image.Image:
    """With the colours of its profile, such as a phone's Display P3, because the profile itself is not kept.

    A profile that is damaged, or for another kind of picture, is ignored, as browsers do.
    """
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in MODES_WITH_PROFILE:
        return image
    try:
        colours = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(colours).startswith("sRGB"):
            return image
        opaque = image.convert(image.mode.removesuffix("A")) if image.mode in ("LA", "RGBA") else image
        converted = ImageCms.profileToProfile(opaque, colours, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if converted and opaque is not image:
        converted.putalpha(image.getchannel("A"))
    return converted or image


def _check_size(image: Image.Image, kind: str, most: int) -> None:
    if image.width * image.height > most * MEGAPIXEL:
        size = round(image.width * image.height / MEGAPIXEL)
        code = "pixels" if kind == "jpeg" else "pixels_as_jpeg"
        raise UnusableFile(
            code, width=image.width, height=image.height, megapixels=size, most=most, jpeg=MAX_JPEG_MEGAPIXELS
        )


def _has_several_scans(upload: IO[bytes]) -> bool:
    """Whether the JPEG is progressive or not interleaved. The decoder then holds all of it in memory at full size."""
    upload.seek(2)
    components = 0
    while len(head := upload.read(5)) == 5 and head[0] == 0xFF:
        marker, length = head[1], int.from_bytes(head[2:4], "big")
        if marker == 0xDA:
            return head[4] < components
        if marker == 0xC2:
            return True
        if marker in (0xC0, 0xC1):
            components = upload.read(5)[-1]
            length -= 5
        upload.seek(length - 3, io.SEEK_CUR)
    return True


def _as_smooth(image: Image.Image) -> Image.Image:
    """In a mode that Pillow resizes smoothly: in modes 1 and P it drops pixels, and thin lines with them.

    A colour that stands for transparent becomes an alpha channel: resized or converted, it would be another colour.
    """
    if image.mode in ("P", "RGB") and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("1", "L") and image.has_transparency_data:
        return image.convert("LA")
    opaque = {"P": "RGB", "1": "L"}.get(image.mode)
    return image.convert(opaque) if opaque else image


def _flatten(image: Image.Image, background: str) -> Image.Image:
    """As RGB, without metadata; transparent parts show the background."""
    plain = Image.new("RGB", image.size, background)
    if _is_deep(image):
        plain.paste(_to_eight_bits(image))
    elif image.has_transparency_data:
        layered = image.convert("RGBA")
        plain.paste(layered, mask=layered.getchannel("A"))
    else:
        plain.paste(image.convert("RGB"))
    return plain


def _is_deep(image: Image.Image) -> bool:
    """Whether it has more than 8 bits: 16 bits ("I;16", "I;16B"...), 32 bits ("I") or floating point ("F")."""
    return image.mode[0] in "IF"


def _white_level(image: Image.Image) -> float:
    top = float(image.convert("F").getextrema()[1])  # type: ignore[arg-type]
    if image.mode.startswith("I;16"):
        return 65535.0
    return next((level for level in (1.0, 255.0, 65535.0) if top <= level), top)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey levels down to 0 to 255. Pillow's own `convert` would make all above 255 white."""
    scale = 255 / _white_level(image)
    return image.convert("F").point(lambda level: level * scale + 0.5).convert("L")


def _background(image: Image.Image) -> str:
    """White, or dark grey for a picture with nothing but light colours, which would vanish on white."""
    if _is_deep(image) or not image.has_transparency_data:
        return "white"
    layered = image.convert("RGBA")
    darkest = ImageStat.Stat(layered.convert("L"), layered.getchannel("A")).extrema[0][0]
    return "#333333" if darkest > DARKEST_LIGHT_GREY else "white"


def _check_similarity(kept: IO[bytes], original: Image.Image, background: str) -> None:
    """Raises UnusableFile "differs" if the copy does not look like the original, because the original is not kept."""
    with Image.open(kept) as copy:
        actual = copy.resize(COMPARED_SIZE, Image.Resampling.BOX).convert("L")
    difference = ImageChops.difference(actual, _small_grey(original, background))
    if ImageStat.Stat(difference).mean[0] > MAX_MEAN_DIFFERENCE:
        raise UnusableFile("differs")


def _small_grey(image: Image.Image, background: str) -> Image.Image:
    """What the copy should look like, made in another way than the copy itself."""
    if _is_deep(image):
        white = _white_level(image)
        levels = image.resize(COMPARED_SIZE, Image.Resampling.BOX).get_flattened_data()
        grey = (255 * level / white for level in levels if isinstance(level, (int, float)))
        return Image.frombytes("L", COMPARED_SIZE, bytes(min(255, max(0, round(level))) for level in grey))
    if not image.has_transparency_data:
        return image.convert("RGB").resize(COMPARED_SIZE, Image.Resampling.BOX).convert("L")
    layered = image.convert("RGBA").resize(COMPARED_SIZE, Image.Resampling.BOX)
    return Image.alpha_composite(Image.new("RGBA", COMPARED_SIZE, background), layered).convert("L")
