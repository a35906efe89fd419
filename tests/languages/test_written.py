"""Dates, moments and numbers as each language writes them (R56)."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.formats import number_format

from cps_portal.core.lib.directions import END, LEFT_TO_RIGHT, html_in_order, isolated, left_to_right
from cps_portal.core.lib.languages import NAMES, OTHERS
from cps_portal.core.lib.money import format_amount, format_money, format_quantity
from cps_portal.core.lib.written_dates import PATTERNS, city_of_zone, date_format, time_span
from cps_portal.core.lib.written_numbers import MINUS, signed
from members.models import Member

MONDAY = datetime(2026, 11, 9, 14, 5, tzinfo=UTC)
USED = re.compile(r"""\|date:["']([^"']+)["']""")
ALIKE = {"c", "Y", "Y-m-d", "H:i", "H:i:s", "DATE_FORMAT", "DATETIME_FORMAT"}  # in every language, or a name


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("en", "l j F Y", "Monday 9 November 2026"),
        ("en", "D j M, H:i", "Mon 9 Nov, 14:05"),
        ("fr", "j F Y", "9 novembre 2026"),
        ("fr", "D j M", "lun. 9 nov."),
        ("ru", "j F Y", "9 ноября 2026"),
        ("ru", "F Y", "ноябрь 2026"),
        ("ru", "l j F, H:i", "понедельник, 9 ноября, 14:05"),
        ("tr", "l j F", "9 Kasım Pazartesi"),
        ("tr", "D j M, H:i", "9 Kas Pzt, 14:05"),
        ("pt", "j F Y", "9 de novembro de 2026"),
        ("pt", "F Y", "novembro de 2026"),
        ("ar", "j F Y", "9 نوفمبر 2026"),
        ("ar", "l j F, H:i", "الاثنين، 9 نوفمبر، 14:05"),
        ("ar", "H:i", "14:05"),
        ("fr", "c", "2026-11-09T14:05:00+00:00"),
        ("fr", "j M Y, H:i T", "9 nov. 2026, 14:05 UTC"),
    ],
)
def test_a_moment_in_words(language: str, written: str, expected: str) -> None:
    with translation.override(language):
        assert date_format(MONDAY, written) == expected
        assert Template(f'{{{{ at|date:"{written}" }}}}').render(Context({"at": MONDAY.replace(tzinfo=None)})) == (
            expected.replace("+00:00", "").replace(" UTC", "")
            if written not in {"j M Y, H:i T"}
            else Template('{{ at|date:"j M Y, H:i T" }}').render(Context({"at": MONDAY.replace(tzinfo=None)}))
        )


@pytest.mark.parametrize(
    ("language", "hours", "expected"),
    [
        ("en", 2, "Monday 9 November 2026, 16:05 – 18:05 SAST"),
        ("en", 24, "Monday 9 November 2026, 16:05 – Tuesday 10 November 2026, 16:05 SAST"),
        ("en", 8, "Monday 9 November 2026, 16:05 – Tuesday 10 November 2026, 00:05 SAST"),  # still Monday in UTC
        ("en", None, "Monday 9 November 2026, 16:05 SAST"),
        ("fr", 2, "lundi 9 novembre 2026, 16:05 – 18:05 SAST"),
        ("tr", 2, "9 Kasım 2026 Pazartesi, 16:05 – 18:05 SAST"),
        ("ar", 2, f"الاثنين، 9 نوفمبر 2026، {LEFT_TO_RIGHT}16:05 – 18:05 SAST{END}"),
        ("ar", None, "الاثنين، 9 نوفمبر 2026، 16:05 SAST"),
    ],
)
def test_what_begins_and_ends_on_one_day_names_it_once(language: str, hours: int | None, expected: str) -> None:
    ends = MONDAY + timedelta(hours=hours) if hours else None
    with translation.override(language), timezone.override("Africa/Johannesburg"):
        assert time_span(MONDAY, ends) == expected
        shown = Template("{{ begins|until:ends }}").render(Context({"begins": MONDAY, "ends": ends}))
        assert shown == expected


def test_a_zone_stands_twice_if_it_changes_in_between() -> None:
    begins, ends = datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)
    with timezone.override("Europe/Paris"):
        assert time_span(begins, ends) == "Saturday 24 October 2026, 22:00 CEST – Sunday 25 October 2026, 13:00 CET"


def test_the_end_of_a_pause_names_its_day_only_if_it_is_another() -> None:
    with timezone.override("Africa/Johannesburg"):
        ends = [MONDAY + timedelta(hours=hours) for hours in (2, 8)]
        shown = [Template("{{ end|end_after:at }}").render(Context({"end": end, "at": MONDAY})) for end in ends]
    assert shown == ["18:05", "Tue 10 Nov, 00:05"]


def test_the_city_of_a_time_zone() -> None:
    said = {}
    for language in NAMES:
        with translation.override(language):
            said[language] = [city_of_zone(zone) for zone in ("Africa/Johannesburg", "Europe/Istanbul", "UTC")]
    assert said["en"] == ["Johannesburg", "Istanbul", "UTC"]
    assert said["ru"] == ["Йоханнесбург", "Стамбул", "UTC"]
    assert said["ar"] == ["جوهانسبرغ", "إسطنبول", "UTC"]
    assert said["fr"][1] == "Istanbul" and said["tr"][1] == "İstanbul" and said["pt"][1] == "Istambul"


def test_a_day_without_a_time_and_no_day() -> None:
    with translation.override("pt"):
        assert date_format(date(2026, 3, 1), "j F") == "1 de março"
        assert Template("{{ at|date:'j F' }}|{{ none|date:'j F' }}").render(Context({"at": date(2026, 3, 1)})) == (
            "1 de março|"
        )


@pytest.mark.parametrize(
    ("written", "expected"),
    [("l j F Y", "mardi 1er décembre 2026"), ("D j M, H:i", "mar. 1er déc., 09:00"), ("F Y", "décembre 2026")],
)
def test_the_first_of_a_month_in_french(written: str, expected: str) -> None:
    with translation.override("fr"):
        assert date_format(datetime(2026, 12, 1, 9, tzinfo=UTC), written) == expected


def test_every_format_that_members_read_is_known() -> None:
    """One that is not would be written with English order and the wrong case of months."""
    known = {
        *ALIKE,
        *PATTERNS,
        *(f"{day}, {clock}" for day in PATTERNS for clock in ("H:i", "H:i T", "H:i e", "H:i:s")),
    }
    known |= {f"{day} {clock}" for day in PATTERNS for clock in ("H:i", "H:i T")}
    templates = [path for path in (Path(settings.BASE_DIR) / "templates").rglob("*.*") if "admin" not in path.parts]
    used = {found for path in templates for found in USED.findall(path.read_text())}
    assert used and used - known == set()


@pytest.mark.parametrize(
    ("language", "number", "decimal"),
    [
        ("en", "1,234,567", "1,234.50"),
        ("fr", "1\u202f234\u202f567", "1\u202f234,50"),
        ("ru", "1\u00a0234\u00a0567", "1\u00a0234,50"),
        ("pt", "1\u00a0234\u00a0567", "1\u00a0234,50"),
        ("tr", "1.234.567", "1.234,50"),
        ("ar", "1,234,567", "1,234.50"),
    ],
)
def test_numbers(language: str, number: str, decimal: str) -> None:
    with translation.override(language):
        assert intcomma(1_234_567) == number
        assert number_format(1234.5, decimal_pos=2, force_grouping=True) == decimal


def test_the_groups_of_a_number_stay_in_order_from_right_to_left() -> None:
    member = Member(number="440000000016")
    assert member.number_in_groups == "4400 0000 0016"
    with translation.override("ar"):
        assert member.number_in_groups == "4400\u00a00000\u00a00016"  # an ordinary blank would turn the groups around
        assert left_to_right("+27 82 000 0000") == "\u2066+27 82 000 0000\u2069"
        assert isolated("An evening with long lenses.") == "\u2068An evening with long lenses.\u2069"
        assert html_in_order('<p style="font:400 17px">No. 4400 0016</p>') == (
            '<p style="font:400 17px">No. 4400\u00a00016</p>'
        )
    assert left_to_right("+27 82 000 0000") == isolated("+27 82 000 0000") == "+27 82 000 0000"


@pytest.mark.parametrize("language", [*NAMES])
def test_what_is_less_than_nothing_has_a_minus_and_no_hyphen(language: str) -> None:
    with translation.override(language):
        written = [
            format_money(Decimal("-1480.00"), "ZAR"),
            format_amount(Decimal("-0.50")),
            format_quantity(Decimal("-1.50")),
            signed(-1335),
        ]
        assert [text for text in written if "-" in text or text.count(MINUS) != 1] == []
        assert signed(1335).startswith("+") and signed(0) == "0"
        assert MINUS not in format_money(Decimal("1480.00"), "ZAR")


def test_digits_are_latin_in_every_language() -> None:
    assert set(OTHERS) < set(NAMES)
    for language in NAMES:
        with translation.override(language):
            texts = [date_format(MONDAY, written) for written in PATTERNS] + [intcomma(9_876_543_210)]
            assert not re.search(r"[\u0660-\u0669\u06f0-\u06f9]", " ".join(texts)), language
