"""PDFs as shops and mail gateways write them: what opens for a reader opens for us (R25)."""

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from cps_portal.core.files.inspecting import make_clean
from tests.files import samples

ALGORITHMS = ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"]
BEFORE = {
    "byte order mark": b"\xef\xbb\xbf",
    "byte order mark of UTF-16": b"\xff\xfe",
    "empty lines": b"\r\n\r\n",
    "spaces": b" " * 100,
    "zeros": b"\0" * 512,
    "a header of a web server": b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n",
    "a comment": b"% made by a shop\n",
    "as much as readers accept": b"x" * 1019,
    "a script": b"<script>alert(1)</script>",
}


def invoice(text: str, **encrypt: str) -> bytes:
    """A page with one line of text."""
    writer = PdfWriter()
    page = writer.add_blank_page(300, 200)
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
    fonts = DictionaryObject({NameObject("/F"): named})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    content = StreamObject()
    content.set_data(f"BT /F 12 Tf 20 100 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = content
    if encrypt:
        writer.encrypt("", "the shop's own", **encrypt)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def kept(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(make_clean(io.BytesIO(content)).content))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_invoice_that_opens_without_a_password_is_kept_without_encryption(algorithm: str) -> None:
    copy = kept(invoice("Total 4999.00", algorithm=algorithm))
    assert not copy.is_encrypted
    assert copy.pages[0].extract_text() == "Total 4999.00"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_scripts_of_an_encrypted_pdf_are_removed(algorithm: str) -> None:
    clean = make_clean(io.BytesIO(samples.pdf(2, script=True, password="", algorithm=algorithm))).content
    assert len(PdfReader(io.BytesIO(clean)).pages) == 2
    hidden = [b"app.alert", b"evil inside", b"calc.exe", b"/JavaScript", b"/Launch", b"/Encrypt", samples.GPS_MARK]
    assert [each for each in hidden if each in clean] == []


@pytest.mark.parametrize("what", BEFORE)
def test_bytes_before_a_pdf_are_not_kept(what: str) -> None:
    for content in (invoice("Total 4999.00"), invoice("Total 4999.00", algorithm="AES-128")):
        clean = make_clean(io.BytesIO(BEFORE[what] + content)).content
        assert clean.startswith(b"%PDF-")
        assert b"<script>" not in clean
        assert PdfReader(io.BytesIO(clean)).pages[0].extract_text() == "Total 4999.00"


def test_positions_counted_from_the_first_byte_of_the_file_are_understood() -> None:
    before = b"\xef\xbb\xbf\r\n"
    content = invoice("Total 4999.00")
    start = content.rindex(b"startxref\n") + len(b"startxref\n")
    end = content.index(b"\n", start)
    table = int(content[start:end])
    shifted = content[:start] + str(table + len(before)).encode() + content[end:]
    assert kept(before + shifted).pages[0].extract_text() == "Total 4999.00"
