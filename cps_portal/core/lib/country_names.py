"""Names of countries in the reader's language, as CLDR has them. The settings give them to django-countries.

Where people say it otherwise, the name is here, in each language.
"""

import re
from functools import cache

from babel import Locale
from django import template
from django.utils.functional import lazy
from django.utils.translation import get_language

from cps_portal.core.lib.languages import ENGLISH, LOCALES, OTHERS

register = template.Library()

OTHERWISE: dict[str, dict[str, str]] = {
    "CD": {
        "en": "Democratic Republic of the Congo",
        "fr": "République démocratique du Congo",
        "ar": "جمهورية الكونغو الديمقراطية",
        "ru": "Демократическая Республика Конго",
        "tr": "Kongo Demokratik Cumhuriyeti",
        "pt": "República Democrática do Congo",
    },
    "CG": {
        "en": "Republic of the Congo",
        "fr": "République du Congo",
        "ar": "جمهورية الكونغو",
        "ru": "Республика Конго",
        "tr": "Kongo Cumhuriyeti",
        "pt": "República do Congo",
    },
    "CI": {"pt": "Costa do Marfim"},
    "CV": {"en": "Cabo Verde"},
    "HK": {
        "en": "Hong Kong",
        "fr": "Hong Kong",
        "ar": "هونغ كونغ",
        "ru": "Гонконг",
        "tr": "Hong Kong",
        "pt": "Hong Kong",
    },
    "MF": {"en": "Saint Martin"},
    "MM": {"en": "Myanmar", "fr": "Myanmar", "ar": "ميانمار", "ru": "Мьянма", "tr": "Myanmar", "pt": "Mianmar"},
    "MO": {"en": "Macao", "fr": "Macao", "ar": "ماكاو", "ru": "Макао", "tr": "Makao", "pt": "Macau"},
    "PS": {
        "en": "Palestine",
        "fr": "Palestine",
        "ar": "فلسطين",
        "ru": "Палестина",
        "tr": "Filistin",
        "pt": "Palestina",
    },
    "SH": {"en": "Saint Helena"},
}


NO_COUNTRIES = {
    "AC",
    "CP",
    "CQ",
    "DG",
    "EA",
    "EU",
    "EZ",
    "IC",
    "QO",
    "TA",
    "UN",
    "XA",
    "XB",
    "ZZ",
}  # besides those of ISO


WITH_ARTICLE = {  # "in the United Kingdom", but "in Kenya"
    "AE",
    "AX",
    "BS",
    "CD",
    "CF",
    "CG",
    "DO",
    "FO",
    "GB",
    "GM",
    "IM",
    "KM",
    "MV",
    "NL",
    "PH",
    "US",
}


@cache
def _names(language: str) -> dict[str, str]:
    return dict(Locale.parse(LOCALES.get(language, LOCALES[ENGLISH])).territories)


def _name(code: str) -> str:
    language = get_language() or ENGLISH
    if language not in OTHERS:
        return _english(code)
    return OTHERWISE.get(code, {}).get(language) or _names(language)[code]


def _english(code: str) -> str:
    return (OTHERWISE.get(code, {}).get(ENGLISH) or _names(ENGLISH)[code]).replace(" & ", " and ")


_lazy_name = lazy(_name, str)
# For COUNTRIES_OVERRIDE. Kosovo is not in ISO 3166.
NAMES = {
    code: _lazy_name(code)
    for code in sorted(_names(ENGLISH))
    if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES
}


@cache
def _english_with_article() -> frozenset[str]:
    return frozenset(_english(code) for code in WITH_ARTICLE)


@register.filter("the")
def with_article(name: str) -> str:
    """The name of a country as it stands in an English sentence: "the United Kingdom". In other languages, and of other
    countries, the name itself.
    """
    is_english = (get_language() or ENGLISH) not in OTHERS
    return f"the {name}" if is_english and str(name) in _english_with_article() else str(name)
