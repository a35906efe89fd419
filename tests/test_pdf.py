"""PDFs: text is data and never source, every PDF is tagged, and nobody waits without an end (R38, R41, R52)."""

import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from cps_portal.core.lib import pdf as printing
from cps_portal.core.lib.fair_share import TooManyAtOnce
from cps_portal.core.lib.pdf import PdfError, prepare_pdf
from cps_portal.core.lib.print_text import FONTS, _signs_of
from tests.paper import assert_accessible, fonts_in, pages_of, text_of
from tests.rows import each_row
from tests.test_print_text import DRAWN
from tests.world import World

DSN = {"dbname", "user", "password", "host", "port"}
HOSTILE = [
    '#import "x": y',
    "#panic() #data #sys.inputs",
    "*bold* _slant_ `code` $x^2$ ~ -- --- ...",
    "\\u{41} \\ back\\slash \\",
    "@reference <label> [content] {code}",
    "\"double\" 'single' ‘’ “”",
    "// comment /* comment */",
    "= heading\n+ item\n/ term: x",
    "{page} %(name)s {{ x }} {% y %}",
    "</svg><script>",
]
MIXED = ["B&H חנות Canon", "عبد 東京 12", "علي Müller", "ร้าน Canon หนึ่ง"]


def render_pdf(template: str, data: dict[str, Any]) -> bytes:
    return prepare_pdf(template, data).render()


def statement(**changes: Any) -> dict[str, Any]:
    """The data of templates/print/points.typ."""
    row = {"day": "1 May 2026", "name": "EOS R1 counted", "reason": "Why", "amount": "+5", "total": "5", "less": False}
    facts = [{"name": "Member", "value": "Ana"}]
    data = {"title": "Statement", "bar": ["4400"], "lead": "Lead", "facts": facts, "head": ["A", "B", "C", "D"]}
    return {**data, "rows": [row], "notes": [], "foot": "Foot", **changes}


def of_rows(texts: list[str]) -> list[dict[str, Any]]:
    return [{**statement()["rows"][0], "reason": text} for text in texts]


def test_text_is_never_source() -> None:
    printed = "".join(text_of(render_pdf("points", statement(rows=of_rows(HOSTILE)))).split())
    for text in HOSTILE:
        assert "".join(text.split()) in printed


@each_row("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_is_never_source_in_a_title_either(text: str) -> None:
    line = text.replace("\n", " ")
    pdf = render_pdf("points", statement(title=line, lead=text, foot=text, bar=[text]))
    assert_accessible(pdf, title=line)
    assert "".join(text_of(pdf).split()).count("".join(text.split())) >= 4


def test_every_script_is_printed() -> None:
    printed = text_of(render_pdf("points", statement(rows=of_rows([*DRAWN.values(), *MIXED]))))
    for script in ("Latin", "Greek", "Cyrillic", "Armenian", "Georgian", "Amharic", "Japanese", "Korean"):
        assert DRAWN[script] in printed
    assert "Canon" in printed and "東京" in printed


def test_every_sign_of_our_fonts_is_drawn(caplog: pytest.LogCaptureFixture) -> None:
    """Typst refuses a text as not accessible if one of its signs is in no font."""
    signs = set().union(*(_signs_of(font.read_bytes()) for font in FONTS.glob("*.ttf")))
    text = "".join(chr(code) for code in sorted(signs))
    render_pdf("points", statement(rows=of_rows([text[at : at + 4000] for at in range(0, len(text), 4000)])))
    assert not caplog.records


def test_only_our_own_fonts_are_used() -> None:
    ours = {font.stem for font in FONTS.glob("*.ttf")}
    texts = [*DRAWN.values(), *MIXED, *HOSTILE]
    used = fonts_in(render_pdf("points", statement(rows=of_rows(texts))))
    assert {name.removesuffix("-Regular") for name in used} <= {name.removesuffix("-Regular") for name in ours}
    assert "NotoSans-Bold" in used


def test_a_word_without_an_end_stays_on_the_page() -> None:
    pages = pages_of(render_pdf("points", statement(rows=of_rows(["x" * 2000, "😀" * 99]))))
    assert "".join("".join(pages).split()).count("x" * 2000) == 1


@each_row("lang", ["en", "ar", "he", "pt-br", "zh-hans"])
def test_the_language_of_the_page_is_that_of_the_pdf(lang: str) -> None:
    with translation.override(lang):
        assert_accessible(render_pdf("points", statement()), title="Statement", lang=lang.split("-", maxsplit=1)[0])


def test_pages_are_numbered_and_the_head_is_repeated() -> None:
    pages = pages_of(render_pdf("points", statement(rows=of_rows(["A reason"] * 90), head=["Day", "B", "C", "D"])))
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page and "Day" in page and "Foot" in page


# --- Limits ---


def test_data_that_does_not_fit_a_template_is_an_error_of_ours() -> None:
    with pytest.raises(PdfError, match="lead"):
        render_pdf("points", {key: value for key, value in statement().items() if key != "lead"})
    with pytest.raises(PdfError):
        render_pdf("no-such-template", statement())


def test_a_pdf_that_is_not_accessible_is_still_printed_and_noticed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(printing, "drawable", lambda text: text)
    assert "Foot" in text_of(render_pdf("points", statement(lead="Ana 🤳 Secret")))
    assert [record.getMessage() for record in caplog.records] == ["A PDF of points is not accessible"]


def test_there_is_an_end_to_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "MAX_DATA", 1000)
    with pytest.raises(PdfError, match="too much"):
        render_pdf("points", statement(lead="x" * 2000))


def test_what_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "MAX_SECONDS", 1)
    with pytest.raises(TooManyAtOnce):
        render_pdf("points", statement(rows=of_rows(["A reason, and a long one " * 9] * 5000)))


def test_a_program_that_does_not_end_itself_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(printing, "PROGRAM", program)
    monkeypatch.setattr(printing, "MAX_SECONDS", 0)
    monkeypatch.setattr(printing, "GRACE_SECONDS", 0.2)
    with pytest.raises(TooManyAtOnce):
        render_pdf("points", statement())


def test_what_takes_too_much_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "MAX_MEGABYTES", 250)
    with pytest.raises(PdfError):
        render_pdf("points", statement(rows=of_rows(["A reason, and a long one " * 9] * 5000)))


def test_one_too_many_waits_for_its_turn_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(printing, "MAX_WAIT_SECONDS", 0.1)
    with printing._turns, pytest.raises(TooManyAtOnce):
        render_pdf("points", statement())
    assert render_pdf("points", statement()).startswith(b"%PDF")


def test_the_library_is_not_loaded_into_the_web_process() -> None:
    """It keeps what it computed for as long as its process lives."""
    import_module("cps_portal.urls")
    assert "kitbag.presenters.kit_list" in sys.modules and "typst" not in sys.modules


def test_the_program_gets_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os\nprint(*os.environ)")
    monkeypatch.setattr(printing, "PROGRAM", program)
    monkeypatch.setenv("SECRET_KEY", "secret")
    assert set(render_pdf("points", statement()).decode().split()) <= {*printing.ENVIRONMENT, "LC_CTYPE"}


# --- In a page ---

COUNTS_TRANSACTIONS = """
import psycopg2
with psycopg2.connect(**{parameters}) as own, own.cursor() as cursor:
    cursor.execute("select count(*) from pg_stat_activity where datname = current_database() and pid <> "
                   "pg_backend_pid() and state like 'idle in transaction%'")
    print(cursor.fetchone()[0], end="")
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/kitbag/list.pdf", "/kitbag/points/statement.pdf", "/card/print.pdf"])
def test_no_transaction_is_open_while_a_pdf_is_typeset(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    client = Client()
    client.force_login(committed_world.ana.user)
    program = tmp_path / "program.py"
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    dsn = {key: str(parameters[key]) for key in DSN & parameters.keys()}
    program.write_text(COUNTS_TRANSACTIONS.format(parameters=dsn))
    monkeypatch.setattr(printing, "PROGRAM", program)
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"0")


@pytest.mark.django_db
def test_who_has_to_wait_too_long_is_asked_to_try_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(printing, "MAX_WAIT_SECONDS", 0.1)
    client = Client(raise_request_exception=False)
    client.force_login(world.ana.user)
    with printing._turns:
        answer = client.get("/kitbag/list.pdf")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith("text/html")
    assert client.get("/kitbag/list.pdf").content.startswith(b"%PDF")
