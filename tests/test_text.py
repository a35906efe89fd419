"""Text as people type and paste it: the invisible goes, the meaning stays (R28, R54)."""

from cps_portal.core.lib.text import (
    clean_code,
    clean_email,
    clean_name,
    clean_text,
    look_alike_code,
)
from tests.rows import each_row


@each_row(
    ("typed", "cleaned"),
    [
        ("Ann\u202eevil", "Annevil"),  # right-to-left override
        ("\u200b\u200b", ""),
        ("\u3164", ""),  # Hangul filler
        ("\u2800 \u115f", ""),
        ("  Ana   María ", "Ana María"),
        ("Jose\u0301", "José"),
        ("\ufeffBen", "Ben"),
        ("So\u00adphie", "Sophie"),  # soft hyphen
        ("می\u200cخواهم", "می\u200cخواهم"),  # a Persian word with its non-joiner
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("\u200dAnn\u200c", "Ann"),
        ("Ann\u200d Bo", "Ann Bo"),
        ("O’Brien", "O’Brien"),
        ("\u061cعبد\u200f الله", "عبد الله"),
        ("St.John", "St.John"),
        ("Tab\there\x00", "Tab here"),
        ("李\u3000小龍", "李 小龍"),
        ("A\ue000B", "AB"),  # private use
        ("👩\u200d❤\ufe0f\u200d👨", "👩\u200d❤\ufe0f\u200d👨"),
        ("👩🏽\u200d🚀", "👩🏽\u200d🚀"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("Ann\U000e0067\U000e007f", "Ann"),  # the tags of a flag without the flag
        ("🇿🇦", "🇿🇦"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("An\u200dn", "Ann"),
        ("Αν\u200cνα", "Αννα"),
        ("A\ufe0fnn", "Ann"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("۵\u200cساله", "۵\u200cساله"),
        ("\u0301\u0302", ""),
        ("\u0301Ann", "Ann"),
        ("Ann\u2065\ufff0\ufffc", "Ann"),
        ("سنة \u06012026", "سنة \u06012026"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_names_lose_invisible_characters_and_nothing_else(typed: str, cleaned: str) -> None:
    assert clean_name(typed) == cleaned


def test_text_keeps_its_lines_and_the_blanks_in_them() -> None:
    assert clean_text(" Dear\u202e team,\r\n\r\nit  broke.\u2028Ana\n") == "Dear team,\n\nit  broke.\nAna"


@each_row(
    ("typed", "cleaned"),
    [
        ("Name@Example.org\u200b", "name@example.org"),
        (" name@example.org\u00a0", "name@example.org"),
        ("na\u00adme@exa\u200bmple.org", "name@example.org"),
        ("\u202aname@example.org\u202c", "name@example.org"),
        ("\ufeffname@example.org", "name@example.org"),
        ("na\u200dme@example.org", "name@example.org"),
        ("josé@example.org", "josé@example.org"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("name@\u2060example.org", "name@example.org"),
        ("NAME@EXAMPLE.ORG", "name@example.org"),
        ("Ann Name <name@example.org>", "name@example.org"),
        ('"Name, Ann" <NAME@example.org>;', "name@example.org"),
        ("mailto:name@example.org?subject=Hello%20there", "name@example.org"),
        ("what?ever@example.org", "what?ever@example.org"),
        ("name＠example．org", "name@example.org"),
        ("name@example。org", "name@example.org"),
        ("name@example.org.", "name@example.org"),
        ("“name@example.org”", "name@example.org"),
        ("name@xn--mnchen-3ya.de", "name@münchen.de"),
        ("name@münchen.de", "name@münchen.de"),
        ("name@xn--\u200bmnchen-3ya.de", "name@münchen.de"),
        ("name@xn--.de", "name@xn--.de"),
        ("n\u3164ame@example.org\ufe0f", "name@example.org"),
    ],
)
def test_an_address_is_one_however_it_was_pasted_and_keeps_its_accents(typed: str, cleaned: str) -> None:
    assert clean_email(typed) == cleaned


@each_row(
    "typed",
    [
        "042021005432",
        "\u200e042021005432",
        "04202\u200b1005432",
        "\ufeff042021005432",
        "0420\u00ad21005432",
        "٠٤٢٠٢١٠٠٥٤٣٢",  # Arabic-Indic
        "۰۴۲۰۲۱۰۰۵۴۳۲",  # Persian
        "०४२०२१००५४३२",  # Devanagari
        "０４２０２１００５４３２",  # full width
        "𝟎𝟒𝟐𝟎𝟐𝟏𝟎𝟎𝟓𝟒𝟑𝟐",  # mathematical
        "042021005432\u200f",
        "\u3164042021005432",
    ],
)
def test_a_number_is_one_in_every_script_and_with_every_invisible_sign(typed: str) -> None:
    assert clean_code(typed) == "042021005432"


@each_row(
    ("typed", "cleaned"),
    [("mini", "MINI"), ("mıni", "MINI"), ("MİNİ", "MINI"), ("mi\u0307ni", "MINI"), ("straße", "STRASSE"), ("ŉ", "ʼN")],
)
def test_a_code_in_capitals_is_one_on_a_turkish_keyboard_too(typed: str, cleaned: str) -> None:
    assert clean_code(typed) == cleaned


@each_row("typed", ["O42O21OO5432", "О42О21ОО5432", "Ο42Ο21ΟΟ5432", "o4202ioo5432", "042o2loO5432", "04202IOO5432"])
def test_look_alikes_are_the_same_when_looked_up(typed: str) -> None:
    assert look_alike_code(clean_code(typed)) == "042021005432"
