"""Texts of the programme in other languages, which staff write beside the English one, such as those of offers.

One JSON column holds those of a row: {"fr": {"title": {"text": "...", "of": "..."}}}. `of` is the hash of the English
text that was translated. A translation is shown as long as that text is the same; then the English one, until
somebody has looked at it. Pages read `offer.local.title`.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.languages import ENGLISH, NAMES, OTHERS, RIGHT_TO_LEFT
from cps_portal.core.lib.text import clean_name, clean_text

Texts = dict[str, dict[str, dict[str, str]]]
HASH_LENGTH = 12


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def read_texts(file: Path) -> dict[str, dict[str, str]]:
    """The texts of a CSV file in the other languages, by the English one, which its first column has."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        english = next(iter(rows.fieldnames or ()))
        return {row[english]: {language: row[language] for language in OTHERS} for row in rows}


def as_translations(**columns: Mapping[str, str] | None) -> Texts:
    """What a new row has in its TranslationsField, from the texts of its columns by language."""
    return {
        language: {name: {"text": texts[language]} for name, texts in columns.items() if texts} for language in OTHERS
    }


def add_missing(rows: Iterable[Any], texts: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    """Give rows the shipped `texts`, by column, English text and language, which they have not yet.

    Nothing that staff wrote is touched: neither a column whose English text is no longer the shipped one, nor a
    language that has a text already.
    """
    for row in rows:
        is_changed = False
        for name, by_english in texts.items():
            english = str(getattr(row, name))
            for language, text in by_english.get(english, {}).items():
                columns = row.translations.setdefault(language, {})
                if name not in columns:
                    columns[name] = {"text": text, "of": hash_of(english)}
                    is_changed = True
        if is_changed:
            row.save(update_fields=["translations"])


class TranslationsField(models.JSONField):
    """The translations of the columns `of` of the same row."""

    def __init__(self, *args: Any, of: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.of = tuple(of)
        kwargs.setdefault("verbose_name", _("translations"))
        super().__init__(*args, **{**kwargs, "default": dict, "db_default": {}, "blank": True})

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 (as Django calls it)
        """A translation that was written just now is one of the English text as it is now."""
        texts: Texts = getattr(model_instance, self.attname)
        for translated in texts.values():
            for name, translation in translated.items():
                if not translation.get("of"):
                    translation["of"] = hash_of(str(getattr(model_instance, name)))
        return texts

    def formfield(self, **_kwargs: Any) -> Any:
        columns = [Column.of(self.model._meta.get_field(name)) for name in self.of]
        return TranslationsFormField(columns=columns, label=capfirst(self.verbose_name))


class Translated:
    """For models with a TranslationsField `translations`."""

    translations: Any

    @property
    def local(self) -> "Local":
        """The texts of this row in the reader's language, in English where there is no translation."""
        return Local(self, get_language() or ENGLISH)

    def translated(self, name: str) -> dict[str, str]:
        """The text of one column in each language that has a translation of it."""
        return {language: text for language in OTHERS if (text := _translation(self, language, name))}

    def missing_languages(self) -> list[str]:
        """The languages in which some text of this row cannot be read, or not any more."""
        return [language for language in OTHERS if any(gaps_of(self, language))]


class Local:
    def __init__(self, row: Any, language: str) -> None:
        self._row, self._language = row, language

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        english = str(getattr(self._row, name))
        return english if self._language == ENGLISH else _translation(self._row, self._language, name) or english


def _translation(row: Any, language: str, name: str) -> str:
    """ "" if there is none, or only one of another English text."""
    found = row.translations.get(language, {}).get(name, {})
    return str(found["text"]) if found and found.get("of") == hash_of(str(getattr(row, name))) else ""


def gaps_of(row: Any, language: str) -> Iterator[str]:
    """The names of the columns with an English text only."""
    for name in row._meta.get_field("translations").of:
        if getattr(row, name) and not _translation(row, language, name):
            yield name


@dataclass(frozen=True)
class Column:
    """One that is translated: how its input looks."""

    name: str
    label: str
    max_length: int | None
    is_long: bool

    @classmethod
    def of(cls, field: Any) -> "Column":
        label = str(capfirst(field.verbose_name))
        return cls(field.name, label, field.max_length, isinstance(field, models.TextField))


class TranslationsWidget(forms.Widget):
    """An input for each column in each language; those that are missing or of another English text are marked."""

    template_name = "admin/desk/_translations.html"
    columns: list[Column]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        texts: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        context["languages"] = [
            {
                "code": language,
                "name": NAMES[language],
                "dir": "rtl" if language in RIGHT_TO_LEFT else "ltr",
                "inputs": [
                    {
                        "name": f"{name}-{language}-{column.name}",
                        "column": column,
                        "text": (found := texts.get(language, {}).get(column.name, {})).get("text", ""),
                        "of": found.get("of", ""),
                        "was": hash_of(found["text"]) if found else "",
                    }
                    for column in self.columns
                ],
            }
            for language in OTHERS
        ]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Texts:
        return {language: self._typed(data, f"{name}-{language}") for language in OTHERS}

    def _typed(self, data: Any, prefix: str) -> dict[str, dict[str, str]]:
        """What was typed in one language. Unchanged, it stays a translation of the text that it was one of."""
        typed = {}
        for column in self.columns:
            clean = clean_text if column.is_long else clean_name
            text = clean(str(data.get(f"{prefix}-{column.name}", "")))
            if not text:
                continue
            is_same = data.get(f"{prefix}-{column.name}-was") == hash_of(text)
            is_right = f"{prefix}-{column.name}-right" in data
            of = str(data.get(f"{prefix}-{column.name}-of", ""))[:HASH_LENGTH] if is_same and not is_right else ""
            typed[column.name] = {"text": text, "of": of}
        return typed

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}-") for key in data)


class TranslationsFormField(forms.Field):
    widget = TranslationsWidget

    def __init__(self, *, columns: list[Column], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.columns = self.widget.columns = columns

    def clean(self, value: Texts) -> Texts:
        """Raises ValidationError for a text that is longer than its column."""
        long = [
            _("%(language)s, %(column)s: use at most %(most)s characters.")
            % {"language": NAMES[language], "column": column.label, "most": column.max_length}
            for language in value
            for column in self.columns
            if column.max_length and len(value[language].get(column.name, {}).get("text", "")) > column.max_length
        ]
        if long:
            raise ValidationError(long)
        return {language: typed for language, typed in value.items() if typed}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.clean(data) != (initial or {}))
