"""The plain text of a mail comes from its HTML, so that both say the same."""

from cps_portal.core.outbox.plain import plain_text

PAGE = """<html><head><title>Title</title><style>a {{ color: red; }}</style></head><body>
<div data-plain="no" style="display:none">Preview</div>
<table><tr><td><table data-plain="no"><tr><td>CPS</td></tr></table><table>{rows}
<tr><td data-plain="foot">Why you get it.<br><a href="https://cps.example/stop">Stop them</a><br><a
href="https://cps.example">https://cps.example</a></td></tr></table></td></tr></table></body></html>"""
FOOT = "\n\n--\nWhy you get it.\nStop them:\nhttps://cps.example/stop\n\nhttps://cps.example\n"


def said(rows: str) -> str:
    text = plain_text(PAGE.format(rows=rows))
    assert text.endswith(FOOT)
    return text.removesuffix(FOOT)


def test_rows_are_paragraphs_and_what_only_html_shows_is_left_out() -> None:
    rows = "<tr><td><h1 data-plain='no'>Heading</h1></td></tr><tr><td><div>Hello Ana,</div>It\n  counts.</td></tr>"
    assert said(rows + "<tr><td>Next: <b>add</b> it.</td></tr>") == "Hello Ana,\n\nIt counts.\n\nNext: add it."


def test_a_button_is_its_words_and_its_address() -> None:
    button = '<tr><td><a href="https://cps.example/a?b=1&amp;c=2">See it</a></td></tr><tr><td>More.</td></tr>'
    assert said(button) == "See it:\nhttps://cps.example/a?b=1&c=2\n\nMore."


def test_a_row_of_an_inner_table_is_a_line() -> None:
    work = "<tr><td>Work</td><td>120 €</td></tr>"
    total = "<tr><td>Total<span style='display:block'>with tax</span></td><td>143 €</td></tr>"
    assert said(f"<tr><td><table>{work}{total}</table></td></tr>") == "Work: 120 €\nTotal, with tax: 143 €"


def test_a_drawing_is_no_cell() -> None:
    row = "<tr><td data-plain='no'><table><tr><td>&nbsp;</td></tr></table></td><td>EOS R5</td></tr>"
    assert said(f"<tr><td><table>{row}</table></td></tr>") == "EOS R5"


def test_what_somebody_typed_stays_text() -> None:
    assert said("<tr><td>&lt;b&gt;browser&lt;/b&gt; &amp; more</td></tr>") == "<b>browser</b> & more"
