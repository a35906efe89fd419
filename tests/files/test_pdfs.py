"""PDFs as shops and mail gateways write them: what opens for a reader opens for us (R25)."""

import io
import re
import zlib

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from cps_portal.core.files.inspecting import make_clean
from tests.files import samples
from tests.rows import each_row

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


def pdf(*objects: bytes, version: bytes = b"1.4", table: bool = True) -> bytes:
    """A PDF of these objects, the first of which is the catalogue."""
    out, positions = b"%PDF-" + version + b"\n", []
    for number, each in enumerate(objects, 1):
        positions.append(len(out))
        out += b"%d 0 obj\n" % number + each + b"\nendobj\n"
    start = len(out)
    if table:
        lines = b"".join(b"%010d 00000 n \n" % position for position in positions)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + lines
    return out + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


LINE = b"BT /F 12 Tf 20 100 Td (Total 4999.00) Tj ET"
PACKED = zlib.compress(LINE)


def bill(
    *,
    catalogue: bytes = b"",
    page: bytes = b"",
    stream: bytes | None = None,
    version: bytes = b"1.4",
    table: bool = True,
) -> bytes:
    """A page with the line, with what is to be tried in its catalogue, page or stream."""
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R" + catalogue + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>" + page + b">>",
        stream or b"<</Length %d>>\nstream\n" % len(LINE) + LINE + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        version=version,
        table=table,
    )


def packed(length: int, content: bytes) -> bytes:
    return b"<</Length %d/Filter/FlateDecode>>\nstream\n" % length + content + b"\nendstream"


OPENED = {
    "PDF 2.0": bill(version=b"2.0"),
    "a version that does not exist": bill(version=b"1.x"),
    "a wrong position of the table": re.sub(rb"startxref\n\d+", b"startxref\n7", bill()),
    "no table": bill(table=False),
    "wrong positions in the table": re.sub(
        rb"(\d{10}) 00000 n", lambda at: b"%010d 00000 n" % (int(at[1]) + 3), bill()
    ),
    "a table that begins with 1": bill().replace(b"xref\n0 6", b"xref\n1 6"),
    "a wrong number of objects": bill().replace(b"/Size 6", b"/Size 2"),
    "a wrong number of pages": bill().replace(b"/Count 1", b"/Count 9"),
    "no number of pages": bill().replace(b"/Count 1", b""),
    "no end": bill().replace(b"%%EOF\n", b""),
    "zeros behind it": bill() + b"\0" * 3000,
    "a web page behind it": bill() + b"<html>Thank you</html>" * 200,
    "line ends of Windows": bill().replace(b"\n", b"\r\n"),
    "line ends of the first Macs": bill().replace(b"\n", b"\r"),
    "a wrong length": bill(stream=b"<</Length 3>>\nstream\n" + LINE + b"\nendstream"),
    "a length that does not exist": bill(stream=b"<</Length 99 0 R>>\nstream\n" + LINE + b"\nendstream"),
    "compressed": bill(stream=packed(len(PACKED), PACKED)),
    "compressed, wrong checksum": bill(stream=packed(len(PACKED), PACKED[:-4] + b"xxxx")),
    "compressed, checksum cut off": bill(stream=packed(len(PACKED) - 4, PACKED[:-4])),
    "a form": bill(
        catalogue=b"/AcroForm<</Fields[]/NeedAppearances true>>",
        page=b"/Annots[<</Subtype/Widget/FT/Tx/T(a)/V(b)/Rect[10 10 100 30]>>]",
    ),
    "a file inside": bill(
        catalogue=b"/Names<</EmbeddedFiles<</Names[(a)<</Type/Filespec/F(a.exe)/EF<</F 4 0 R>>>>]>>>>"
    ),
    "a script": bill(catalogue=b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"),
    "layers": bill(catalogue=b"/OCProperties<</OCGs[]/D<<>>>>"),
    "bookmarks": bill(catalogue=b"/Dests<</a[3 0 R/Fit]>>/Outlines<</Type/Outlines>>"),
    "turned": bill(page=b"/Rotate 90"),
    "no size of the page": bill().replace(b"/MediaBox[0 0 300 200]", b""),
    "an object without an end": bill().replace(b"\nendobj\n3 0", b"\n3 0"),
}


@each_row("what", OPENED)
def test_a_pdf_that_opens_for_a_reader_is_kept_with_its_text_and_nothing_active(what: str) -> None:
    clean = make_clean(io.BytesIO(OPENED[what])).content
    (page,) = PdfReader(io.BytesIO(clean)).pages
    assert page.extract_text() == "Total 4999.00"
    assert [each for each in (b"/JavaScript", b"/EF", b"/EmbeddedFiles", b"<html>") if each in clean] == []


def kept(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(make_clean(io.BytesIO(content)).content))


@each_row("algorithm", ALGORITHMS)
def test_an_invoice_that_opens_without_a_password_is_kept_without_encryption(algorithm: str) -> None:
    copy = kept(invoice("Total 4999.00", algorithm=algorithm))
    assert not copy.is_encrypted
    assert copy.pages[0].extract_text() == "Total 4999.00"


@each_row("algorithm", ALGORITHMS)
def test_scripts_of_an_encrypted_pdf_are_removed(algorithm: str) -> None:
    clean = make_clean(io.BytesIO(samples.pdf(2, script=True, password="", algorithm=algorithm))).content
    assert len(PdfReader(io.BytesIO(clean)).pages) == 2
    hidden = [b"app.alert", b"evil inside", b"calc.exe", b"/JavaScript", b"/Launch", b"/Encrypt", samples.GPS_MARK]
    assert [each for each in hidden if each in clean] == []


@each_row("what", BEFORE)
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
