"""Text in PDFs: every script that people type is drawn, or written in Latin letters; no empty boxes (R38, R41, R52)."""

import io
from itertools import chain

from pypdf import PdfReader
from reportlab.pdfbase.ttfonts import TTFontFile
from reportlab.pdfgen.canvas import Canvas

from cps_portal.core.lib.pdf import FOLDER, FONTS, draw_text, drawable, fitting_size, text_width, wrapped_lines
from tests.rows import each_row

GLYPHS = set(chain.from_iterable(TTFontFile(str(FOLDER / f"{font}.ttf")).charToGlyph for font in FONTS))
DRAWN = {
    "Latin": "Łódź Çağrı Ñandú Ærø Nguyễn Thị",
    "Greek": "Φωτογραφικά Αθήνα",
    "Cyrillic": "Фотомагазин Київ Қазақ",
    "Armenian": "Լուսանկարչական խանութ",
    "Georgian": "ფოტო მაღაზია",
    "Amharic": "ካሜራ ሱቅ አዲስ አበባ",
    "Tifinagh": "ⴰⵎⴰⵣⵉⵖ",
    "Japanese": "ヨドバシカメラ 秋葉原 ｶﾒﾗ",
    "Simplified Chinese": "北京相机店",
    "Traditional Chinese": "臺灣數位相機",
    "Korean": "서울 카메라 상점",
    "mixed": "Canon 東京 Ltd. № 5",
    "full-width": "ＣＡＮＯＮ　１２３",
    "signs": "€ ₺ ₦ ① ☎ ½",
}
IN_LATIN = {
    "Hindi": ("कैमरा", "kaimra"),
    "Bengali": ("ক্যামেরা", "kyamera"),
    "Tamil": ("தமிழ்", "tmil"),
    "Thai": ("ร้านกล้อง", "ranklong"),
    "emoji": ("Foto 📷", "Foto :camera:"),
    "rare Chinese": ("𠮷野家", "Kichi野家"),
    "runes": ("ᚠ", "f"),
    "mathematical letters": ("𝓐", "A"),
}
RIGHT_TO_LEFT = {
    "Arabic": "عبد الله كانون للكاميرات 12",
    "Persian": "فروشگاه می‌خواهم گچپژ",
    "Urdu": "کیمرہ اسٹور ٹیلی ے",
    "Kurdish": "کامێرا هەولێر ۆ",
    "Hebrew": "חנות צילום תל־אביב",
    "with Latin": "B&H חנות Canon",
    "with Chinese": "عبد 東京",
}
ODD = [
    "",
    " ",
    "\x07",
    "\ue000",
    "\u200b\u202e",
    "e\u0301\u0301\u0301",
    "か\u3099",
    "\u0301",
    "👨‍👩‍👧",
    "\U000e0001",
    "a\nb",
]


def written(text: str) -> str:
    """The text of a PDF on which the text was drawn. Fails if a sign has no glyph."""
    out = io.BytesIO()
    canvas = Canvas(out)
    draw_text(canvas, 50, 700, "Title", size=12)
    draw_text(canvas, 50, 500, text, size=12)
    canvas.save()
    found = PdfReader(out).pages[0].extract_text().removeprefix("Title").replace("\n", "")
    assert {ord(sign) for sign in found} <= GLYPHS
    return found


@each_row("script", DRAWN)
def test_a_script_is_drawn_as_it_is_typed(script: str) -> None:
    assert drawable(DRAWN[script]) == DRAWN[script]
    assert written(DRAWN[script]).split() == DRAWN[script].split()


@each_row("script", RIGHT_TO_LEFT)
def test_right_to_left_scripts_are_joined_and_have_every_letter(script: str) -> None:
    assert len(written(RIGHT_TO_LEFT[script])) > len(RIGHT_TO_LEFT[script]) / 2
    assert not any("a" <= sign <= "z" for sign in drawable(RIGHT_TO_LEFT[script]) if script != "with Latin")


@each_row("script", IN_LATIN)
def test_what_cannot_be_drawn_is_written_in_latin_letters(script: str) -> None:
    typed, readable = IN_LATIN[script]
    assert drawable(typed) == readable
    assert written(typed) == readable


@each_row("text", ODD, ids=range(len(ODD)))
def test_odd_text_is_no_error_and_no_empty_box(text: str) -> None:
    written(text)
    assert wrapped_lines(text, size=10, wide=100)
    assert fitting_size(text, size=10, wide=100) == 10


@each_row("text", ["東京都千代田区神田花岡町" * 9, "x" * 200, "Фото " * 40, "عبد " * 40, "📷" * 30])
def test_no_line_is_wider_than_its_column(text: str) -> None:
    lines = wrapped_lines(text, size=8, wide=100)
    assert len(lines) > 1
    assert all(text_width(line, 8) <= 100 for line in lines)
    assert "".join("".join(lines).split()) == "".join(drawable(text).split())


def test_lines_that_were_typed_stay() -> None:
    assert wrapped_lines("Long Street 1\n\nCape Town", size=8, wide=300) == ["Long Street 1", "", "Cape Town"]


def test_a_long_name_is_drawn_smaller() -> None:
    size = fitting_size("東京" * 40, size=12, wide=200)
    assert 1 < size < 12
    assert text_width("東京" * 40, size) <= 200.01
