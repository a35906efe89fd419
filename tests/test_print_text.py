"""Text on paper: every script that people type is drawn as it is typed; nothing is an empty box, no line too wide."""

import json

from django.utils import translation

from cps_portal.core.lib.pdf import prepare_pdf
from cps_portal.core.lib.print_text import (
    WORD_BREAK,
    breakable,
    drawable,
    in_own_direction,
    isolated,
    shortened,
    with_groups_in_order,
)
from tests.rows import each_row

DRAWN = {
    "Latin": "Łódź Çağrı Ñandú Ærø Nguyễn Thị",
    "Greek": "Φωτογραφικά Αθήνα",
    "Cyrillic": "Фотомагазин Київ Қазақ",
    "Armenian": "Լուսանկարչական խանութ",
    "Georgian": "ფოტო მაღაზია",
    "Amharic": "ካሜራ ሱቅ አዲስ አበባ",
    "Tifinagh": "ⴰⵎⴰⵣⵉⵖ",
    "N’Ko": "ߒߞߏ",
    "Arabic": "عبد الله كانون للكاميرات 12",
    "Persian": "فروشگاه می‌خواهم گچپژ",
    "Urdu": "کیمرہ اسٹور ٹیلی ے",
    "Kurdish": "کامێرا هەولێر ۆ",
    "Syriac": "ܣܘܪܝܝܐ",
    "Hebrew": "חנות צילום תל־אביב",
    "Hindi": "कैमरा श्री",
    "Bengali": "ক্যামেরা",
    "Punjabi": "ਕੈਮਰਾ",
    "Gujarati": "કેમેરા",
    "Tamil": "தமிழ்",
    "Telugu": "కెమెరా",
    "Kannada": "ಕ್ಯಾಮೆರಾ",
    "Malayalam": "ക്യാമറ",
    "Sinhala": "ශ්‍රී ලංකා",
    "Thai": "ร้านกล้อง",
    "Lao": "ກ້ອງຖ່າຍຮູບ",
    "Khmer": "កាមេរ៉ា",
    "Burmese": "ကင်မရာ",
    "Dhivehi": "ކެމެރާ",
    "Japanese": "ヨドバシカメラ 秋葉原 ｶﾒﾗ",
    "Simplified Chinese": "北京相机店",
    "Traditional Chinese": "臺灣數位相機",
    "Korean": "서울 카메라 상점",
    "full-width": "ＣＡＮＯＮ　１２３".replace("\u3000", " "),
    "signs": "€ ₺ ₦ ① ☎ ½ № −",
}
IN_LATIN = {
    "emoji": ("Foto 🤳", "Foto :selfie:"),
    "rare Chinese": ("𠮷野家", "Kichi野家"),
    "mathematical letters": ("𝓐", "A"),
    "control signs": ("a\x07b\u202ec\ue000\u200bd", "abc\u200bd"),
    "lone surrogate": ("a\ud800b", "ab"),
    "taken apart": ("e\u0301 か\u3099", "é が"),
    "blanks": ("a\tb\u2003c\u202fd\u3000e", "a b c\u00a0d e"),
}


@each_row("script", DRAWN)
def test_a_script_is_drawn_as_it_is_typed(script: str) -> None:
    assert drawable(DRAWN[script]) == DRAWN[script]


@each_row("kind", IN_LATIN)
def test_what_no_font_has_is_written_in_latin_letters_or_left_out(kind: str) -> None:
    typed, readable = IN_LATIN[kind]
    assert drawable(typed) == readable


@each_row("text", ["", " ", "\u0301", "👨‍👩‍👧", "\U000e0001", "\U0010fffd"], ids=range(6))
def test_odd_text_is_no_error(text: str) -> None:
    assert drawable(breakable(text)) is not None
    assert isolated(shortened(text, 3)) is not None


def test_a_word_is_broken_only_if_it_is_longer_than_words_are() -> None:
    assert breakable("Rechtsanwaltskanzlei Müller") == "Rechtsanwaltskanzlei Müller"
    pieces = breakable("x" * 2000).split(WORD_BREAK)
    assert max(map(len, pieces)) <= 24 and "".join(pieces) == "x" * 2000
    assert breakable("A" * 20, longest=14).split(WORD_BREAK) == ["A" * 8, "A" * 8, "A" * 4]
    assert WORD_BREAK not in breakable("東京都千代田区神田花岡町" * 9)


def test_an_accent_stays_with_its_letter_where_a_word_is_broken() -> None:
    pieces = breakable("e\u0301" * 40).split(WORD_BREAK)
    assert len(pieces) > 1 and all(piece.startswith("e") for piece in pieces)
    assert breakable(breakable("x" * 99)) == breakable("x" * 99)


def test_a_name_keeps_its_direction_to_itself() -> None:
    assert isolated("Ana") == "Ana"
    assert isolated("علي") == "\u2068علي\u2069"
    assert isolated("") == ""
    with translation.override("ar"):
        assert isolated("Ana") == "\u2068Ana\u2069"  # else the day behind it would join its line
        assert isolated("") == ""


def test_a_line_in_another_script_keeps_its_order_on_a_paper_from_right_to_left() -> None:
    assert in_own_direction("12 Sample Road\nالقاهرة 12\n\nGold") == "\u206612 Sample Road\u2069\nالقاهرة 12\n\nGold"
    assert in_own_direction("+335") == "\u2066+335\u2069"


def test_papers_in_arabic_hold_what_is_written_from_left_to_right_together() -> None:
    data = {"title": "كشف", "rows": [{"amount": "−185", "note": "The shutter unit has to be replaced."}]}
    with translation.override("ar"):
        rows = json.loads(prepare_pdf("points", data).data)["rows"]
    assert rows == [
        {"amount": "\u2066−185\u2069", "note": "\u2066The shutter unit has to be replaced.\u2069"},
    ]
    with translation.override("ru"):
        assert json.loads(prepare_pdf("points", data).data)["rows"] == data["rows"]


def test_what_is_cut_off_is_shown() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc def", 5) == "abc…"


def test_the_groups_of_a_number_stay_in_order_from_right_to_left() -> None:
    assert with_groups_in_order("عضو 4400 0000 0001, +27\u00a010") == (
        "عضو \u20664400 0000 0001\u2069, \u2066+27\u00a010\u2069"
    )
    assert with_groups_in_order("30 نوفمبر 2026, 12:38") == "30 نوفمبر 2026, 12:38"
