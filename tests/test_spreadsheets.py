"""CSV files as spreadsheets write them: every dialect is read, and what can't be read is named (R20, R38)."""

import pytest

from cps_portal.core.lib.spreadsheets import UnreadableSheet, escape_formula, read_sheet, whole_number
from tests.rows import each_row

TEXT = "product,stage,note\neos-r5,superseded,Café\neos-r6,current,\n"
TABS, SEMICOLONS = TEXT.replace(",", "\t"), TEXT.replace(",", ";")

DIALECTS = {
    "commas": TEXT.encode(),
    "semicolons": SEMICOLONS.encode(),
    "tabs": TABS.encode(),
    "bars": TEXT.replace(",", "|").encode(),
    "no line end at the end": TEXT.strip().encode(),
    "lines of Windows": TEXT.replace("\n", "\r\n").encode(),
    "lines of the first Macs": TEXT.replace("\n", "\r").encode(),
    "UTF-8 with a mark": TEXT.encode("utf-8-sig"),
    "Unicode text of Excel": TABS.encode("utf-16"),
    "UTF-16, big-endian, with a mark": b"\xfe\xff" + SEMICOLONS.encode("utf-16-be"),
    "UTF-16 without a mark": TABS.encode("utf-16-le"),
    "UTF-16, big-endian, without a mark": TABS.encode("utf-16-be"),
    "Windows-1252": SEMICOLONS.encode("cp1252"),
    "sep=;": b"sep=;\r\n" + SEMICOLONS.encode(),
    "SEP=, and a mark": ("SEP=,\n" + TEXT).encode("utf-8-sig"),
    "sep=TAB in UTF-16": ("sep=\t\n" + TABS).encode("utf-16"),
    "sep=; saved again": b'"sep=;";;\n' + SEMICOLONS.encode(),
    "blank first lines": b"\n\r\n ,,\n" + TEXT.encode(),
    "a blank line, then sep=;": b"\nsep=;\n\n" + SEMICOLONS.encode(),
    "empty columns at the end": TEXT.replace("\n", ",,,\n").encode(),
    "empty columns at the end of the first line": TEXT.replace("note", "note;;".replace(";", ",")).encode(),
    "empty columns at the end of the rows": TEXT.replace("Café", "Café,,").replace("current,", "current,,,").encode(),
    "empty cells left out": TEXT.replace("current,", "current").encode(),
    "blank lines between": TEXT.replace("\n", "\n\n;;;\n \n").encode(),
    "all quoted": b'"product","stage","note"\n"eos-r5","superseded","Caf\xc3\xa9"\n"eos-r6","current",""\n',
    "no-break spaces around": TEXT.replace(",", "\xa0,\u202f").encode(),
    "invisible signs in cells": TEXT.replace("eos", "\u200beos\ufeff").replace("product", "\u200eproduct").encode(),
    "names in capitals": TEXT.replace("product,stage,note", "PRODUCT,Stage,NOTE").encode(),
    "UTF-8 with two marks": ("\ufeff\ufeff" + TEXT).encode(),
    "a mark inside the first quotation marks": '"\ufeffproduct",stage,note\n'.encode()
    + TEXT.encode().split(b"\n", 1)[1],
    "spaces around, capitals": TEXT.replace(",", " , ").replace("product", "Product").encode(),
}


@each_row("what", DIALECTS)
def test_every_dialect_is_read(what: str) -> None:
    header, rows = read_sheet(DIALECTS[what])
    assert header == ["product", "stage", "note"]
    assert [row.problem for row in rows] == ["", ""]
    assert [list(row.cells.values()) for row in rows] == [["eos-r5", "superseded", "Café"], ["eos-r6", "current", ""]]


@each_row("name", ["effective_on", "Effective on", "EFFECTIVE ON", "effective-on", " effective\xa0on "])
def test_a_column_is_known_however_its_name_is_written(name: str) -> None:
    assert read_sheet(f"product;{name}\n1;2\n".encode())[0] == ["product", "effective_on"]


NUMBERS = dict.fromkeys(("35", "35.0", "35,00", " 35 ", "٣٥", "۳۵", "３５", "\u200e35"), "35")
NUMBERS |= dict.fromkeys(("1200", "1 200", "1\xa0200", "1\u202f200", "1'200", "1’200"), "1200")
NUMBERS |= {
    "12 345 678": "12345678",
    "1.200": "1.200",
    "1,200": "1,200",
    "1 20": "1 20",
    "3.5": "3.5",
    "-5": "-5",
    "": "",
}


@each_row("text", NUMBERS)
def test_a_whole_number_is_read_as_spreadsheets_format_it_and_never_guessed(text: str) -> None:
    assert whole_number(text) == NUMBERS[text]


def test_rows_have_the_line_numbers_of_the_file() -> None:
    _header, rows = read_sheet(b"sep=,\n\n" + TEXT.replace("\neos-r6", "\n\neos-r6").encode())
    assert [row.line for row in rows] == [4, 6]


def test_a_delimiter_inside_quotation_marks_divides_nothing() -> None:
    header, rows = read_sheet(b'"a,b,c";d\n"1,2";"say ""so"";"\n')
    assert (header, rows[0].cells) == (["a,b,c", "d"], {"a,b,c": "1,2", "d": 'say "so";'})


def test_a_cell_may_have_several_lines() -> None:
    _header, rows = read_sheet(b'reference,address,kind\n1,"Long Street 1\r\nCape Town",packed\n2,,packed\n')
    assert [(row.line, row.cells["address"]) for row in rows] == [(2, "Long Street 1\nCape Town"), (4, "")]


ROWS = {
    "quotation mark": (b'"1,2', "", "quotation mark"),
    "text behind a quotation mark": (b'"1"x,2', "", "quotation mark"),
    "too many cells": (b"1,2,3", "", "3 cells"),
    "control character": (b"1,\x00", "b", "can’t be read"),
    "very long cell": (b"1," + b"x" * 200_000, "", "can’t be read"),
}


@each_row("what", ROWS)
def test_a_row_that_cannot_be_read_is_named_and_spoils_no_other(what: str) -> None:
    row, column, why = ROWS[what]
    _header, (bad, good) = read_sheet(b"a,b\n" + row + b"\n3,4\n")
    assert (bad.line, bad.column) == (2, column)
    assert why in bad.problem
    assert (good.line, good.cells) == (3, {"a": "3", "b": "4"})


FILES = {
    "workbook": (b"PK\x03\x04\x00\x00", "a workbook"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "a workbook"),
    "all bytes": (bytes(range(256)) * 40, "not a CSV file"),
    "half a character of UTF-16": (b"\xff\xfea", "not a CSV file"),
    "mark of UTF-8, then something else": (b"\xef\xbb\xbfa,\xff", "not a CSV file"),
    "control characters": (b"a,\x01\n", "not a CSV file"),
}


@each_row("what", FILES)
def test_a_file_that_is_none_is_named(what: str) -> None:
    content, why = FILES[what]
    with pytest.raises(UnreadableSheet, match=why):
        read_sheet(content)


@each_row("content", [b"", b"\n \n", b"\xef\xbb\xbf", b";;;\n", b"sep=;\n"])
def test_an_empty_file_has_no_columns(content: bytes) -> None:
    assert read_sheet(content) == ([], [])


@each_row(
    ("cell", "written"),
    [
        ("-185", "-185"),
        ("-0.50", "-0.50"),
        ("-185+cmd()", "'-185+cmd()"),
        ("-1;2", "'-1;2"),
        ("-185\n", "'-185\n"),
        ("+27100000000", "'+27100000000"),
        ("=1", "'=1"),
        ("EOS R5", "EOS R5"),
    ],
)
def test_a_formula_is_stopped_and_a_number_below_zero_is_none(cell: str, written: str) -> None:
    assert escape_formula(cell) == written
