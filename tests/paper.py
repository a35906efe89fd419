"""What a reader, a scanner and a screen reader get from a PDF of ours."""

import io
import re
import shutil
import subprocess

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

INVISIBLE = re.compile("[\u200b\u2066-\u2069]")


def text_of(pdf: bytes) -> str:
    return "\n".join(pages_of(pdf))


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, without the invisible signs that place and break it."""
    return [INVISIBLE.sub("", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def codes_on(pdf: bytes, dpi: int = 300) -> set[str]:
    """What a scanner would read from the first page, printed at that resolution."""
    ghostscript = shutil.which("gs")
    if ghostscript is None:
        pytest.skip("reading codes back needs Ghostscript")
    command = [ghostscript, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pnggray", f"-r{dpi}"]
    command += ["-dLastPage=1", "-sOutputFile=-", "-"]
    printed = subprocess.run(command, input=pdf, capture_output=True, check=True, timeout=60).stdout
    return {found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(printed)))}


def assert_accessible(pdf: bytes, *, title: str, lang: str = "en") -> None:
    """PDF/UA-1 is claimed, and what it needs is there. That no rule is broken, Typst checked when it wrote the file."""
    reader = PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"]["/K"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/Lang"] == lang
    assert reader.metadata and reader.metadata.title == title
    assert b"pdfuaid:part" in root["/Metadata"].get_data()


def fonts_in(pdf: bytes) -> set[str]:
    """The names of the fonts in it, without the mark of a part of a font."""
    fonts = [page["/Resources"].get("/Font", {}) for page in PdfReader(io.BytesIO(pdf)).pages]
    return {font.get_object()["/BaseFont"].split("+")[-1] for each in fonts for font in each.values()}
