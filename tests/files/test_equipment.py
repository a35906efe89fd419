"""What took a photo is read from its metadata, of which the rest of the file need not be there (R16, R25)."""

import io

import pytest

from cps_portal.core.files.decoding import read_equipment as read_by_decoder
from cps_portal.core.files.exif import Equipment, read_equipment
from cps_portal.core.files.pieces import NotHere, PartialFile, Piece, cut
from tests.files import samples
from tests.rows import each_row

KIT = ("Canon EOS R5", "012345678901", "RF24-70mm F2.8 L IS USM", "0000009876")
EXPECTED = Equipment("Canon", *KIT)
HEAD = 256 * 1024
FILES = {
    "jpeg": samples.lens_jpeg(*KIT),
    "heic": samples.lens_heic(*KIT),
    "heic of a camera": samples.lens_heic(*KIT, brand=b"heix"),
    "cr3": samples.raw(*KIT),
    "cr2": samples.lens_tiff(*KIT),
}


@each_row("name", FILES)
def test_body_and_lens_are_read_with_their_numbers(name: str) -> None:
    content = FILES[name]
    assert read_equipment([Piece(0, content)], len(content)) == EXPECTED


@each_row("name", FILES)
def test_the_first_pieces_of_large_files_are_enough(name: str) -> None:
    content = FILES[name] + bytes(2_000_000)
    assert read_equipment([Piece(0, content[:HEAD])], len(content)) == EXPECTED


def test_metadata_behind_the_picture_are_asked_for_by_their_place() -> None:
    content = samples.far_heic(samples.lens_tiff(*KIT))
    head = Piece(0, content[:HEAD])
    with pytest.raises(NotHere) as missing:
        read_equipment([head], len(content))
    place = missing.value.offset
    assert place > HEAD
    more = Piece(place, content[place : place + HEAD])
    assert read_equipment([head, more], len(content)) == EXPECTED


def test_the_decoder_answers_for_several_photos_at_once() -> None:
    far = samples.far_heic(samples.lens_tiff(*KIT))
    photos = [
        (io.BytesIO(FILES["cr3"]), ""),
        (io.BytesIO(far[:HEAD]), f"0:{HEAD}/{len(far)}"),
        (io.BytesIO(samples.pdf()), ""),
        (io.BytesIO(b"short"), f"0:{HEAD}/{HEAD}"),
    ]
    kit, missing, *nothing = read_by_decoder(photos, owner="1")
    assert kit == EXPECTED
    assert isinstance(missing, int) and missing > HEAD
    assert nothing == [None, None]


@each_row(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        samples.png(),
        samples.pdf(),
        samples.heic(),
        samples.lens_jpeg("", ""),
        FILES["cr3"][:40],
        samples.box(b"ftyp", b"crx \0\0\0\1crx isom") + samples.box(b"moov", b"\xff" * 400),
        samples.box(b"ftyp", b"crx \0\0\0\1crx isom") + b"\0\0\0\1moov" + b"\xff" * 8,
        samples.box(b"ftyp", b"crx \0\0\0\1crx isom") + b"\0\0\0\2moov" * 300,
        b"II*\0\xff\xff\xff\xff" + b"\xff" * 100,
        b"\0\0\0\x18ftypheix" + b"\0\0\0\0meta" * 50,
    ],
)
def test_files_that_say_nothing_are_no_error(content: bytes) -> None:
    assert read_equipment([Piece(0, content)], len(content)) is None


@each_row("serial", ["0000000000", "0", "x" * 41, "12\x0734"])
def test_numbers_that_are_none_are_left_out(serial: str) -> None:
    content = samples.lens_jpeg(KIT[0], KIT[1], KIT[2], serial)
    found = read_equipment([Piece(0, content)], len(content))
    assert found and found.lens_serial == ""


@each_row("layout", ["0:5", "0:4/9", "a:5/5", "0:5/5/5", "0:1,1:1,2:1,3:2/5", "0:5/5\n", "-1:5/5", "٠:5/5"])
def test_a_layout_that_does_not_fit_is_refused(layout: str) -> None:
    with pytest.raises(ValueError, match=layout[:3]):
        cut(b"12345", layout)


def test_a_partial_file_reads_like_the_whole_one_where_it_is_there() -> None:
    file = PartialFile(*cut(b"abcXYZ", "0:3,10:3/20"))
    assert (file.read(2), file.read(9), file.tell()) == (b"ab", b"c", 3)
    with pytest.raises(NotHere):
        file.read(1)
    assert (file.seek(-9, io.SEEK_END), file.read()) == (11, b"YZ")
    assert (file.seek(20), file.read(1), file.read(0)) == (20, b"", b"")
