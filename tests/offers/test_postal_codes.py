"""Postal codes as people type them. What the rules of a country do not know is asked about, not refused (R36)."""

import pytest

from members import addresses
from members.offers.forms.packs import PackForm
from tests.rows import each_row
from tests.world import World

READ = [
    ("SA", "12345-6789", "12345-6789"),
    ("SA", "123456789", "12345-6789"),
    ("SA", "١٢٣٤٥", "12345"),
    ("SA", "١٢٣٤٥-٦٧٨٩", "12345-6789"),
    ("KZ", "A15E3D2", "A15E3D2"),
    ("KZ", "a15 e3d2", "A15E3D2"),
    ("KZ", "050000", "050000"),
    ("IE", "d02x285", "D02 X285"),
    ("IE", "D02\u00a0X285", "D02 X285"),
    ("GB", "sw1a1aa", "SW1A 1AA"),
    ("GB", "m1 1ae", "M1 1AE"),
    ("GB", "ＳＷ１Ａ　１ＡＡ", "SW1A 1AA"),
    ("BR", "01310100", "01310-100"),
    ("BR", "01310–100", "01310-100"),
    ("PT", "2725079", "2725-079"),
    ("PL", "00 950", "00-950"),
    ("SE", "114 55", "11455"),
    ("NL", "1234ab", "1234 AB"),
    ("CZ", "10000", "100 00"),
    ("LV", "1073", "LV-1073"),
    ("LV", "lv1073", "LV-1073"),
    ("JP", "〒154-0023", "154-0023"),
    ("JP", "1540023", "154-0023"),
    ("IR", "۱۱۹۳۶۵۴۴۷۱", "11936-54471"),
    ("ZA", "\u200e0083\u200f", "0083"),
    ("ZA", "00\u00ad83", "0083"),
    ("CH", "CH-2544", "2544"),
    ("EG", "1234567", "1234567"),
    ("EG", "12411", "12411"),
    ("GH", "ga1838164", "GA-183-8164"),
    ("GH", "GA-183-8164", "GA-183-8164"),
    ("LY", "12345", "12345"),
    ("MW", "312225", "312225"),
    ("PS", "p1234567", "P1234567"),
    ("XK", "10000", "10000"),
    ("IL", "9614303", "9614303"),
]


@each_row(("country", "typed", "code"), READ)
def test_a_code_is_read_as_it_is_written_there(country: str, typed: str, code: str) -> None:
    assert addresses.read_postal_code(typed, country) == code


def form(country: str, code: str, **more: str) -> PackForm:
    typed = {"name": "Ana", "country": country, "street": "1 Long Street", "city": "Town", "phone": "+27820000000"}
    return PackForm({**typed, "postal_code": code, **more}, initial={"country": country, "name": ""})


@each_row(
    ("country", "code"),
    [
        ("ZA", "12345"),
        ("SA", "1234"),
        ("GH", "GA183"),
        ("EG", "123456"),
        ("RU", "1234567"),
        ("TR", "3400"),
        ("LY", "99"),
    ],
)
@pytest.mark.django_db
def test_an_unknown_code_is_a_question_and_is_kept_when_it_is_right(world: World, country: str, code: str) -> None:
    asked = form(country, code)
    assert "Is that right?" in str(asked.errors["postal_code"])
    assert "postal_code_insisted" in asked.fields
    insisted = form(country, code, postal_code_insisted="on")
    assert "postal_code" not in insisted.errors
    assert insisted.cleaned_data["postal_code"] == code


@each_row("code", ["?", "<b>0083</b>", "0083; drop", "1" * 15, "…", "http://a.b"])
@pytest.mark.django_db
def test_what_can_be_a_code_nowhere_is_refused(world: World, code: str) -> None:
    refused = form("ZA", code, postal_code_insisted="on")
    assert "That isn’t a postal code" in str(refused.errors["postal_code"])


@each_row("country", ["GH", "LY", "MW", "PS"])
def test_a_code_can_be_added_where_the_rules_know_of_none_and_is_on_the_label(country: str) -> None:
    part = next(part for part in addresses.address_parts(country) if part.name == "postal_code")
    assert not part.required
    lines = addresses.label("Ana", country, {"street": "1 Long Street", "city": "Town", "postal_code": part.example})
    assert any(part.example in line for line in lines)


@each_row(
    ("name", "allowed"),
    [
        ("Ana Example", True),
        ("Studio Ana c/o St.John", True),
        ("Foto A/S", True),
        ("J.R.R. Ltd.", True),
        ("Win at https://evil.example", False),
        ("www.evil.example", False),
        ("evil.example/win", False),
        ("a／b", False),
        ("ｗｗｗ.evil.example", False),
        ("a\\b", False),
    ],
)
@pytest.mark.django_db
def test_a_parcel_is_for_a_person_or_a_studio_not_for_an_address_of_the_web(
    world: World, name: str, allowed: bool
) -> None:
    assert ("name" not in form("ZA", "0083", name=name).errors) is allowed
