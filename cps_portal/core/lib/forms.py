"""Form fields that several apps use: text that people type, cleaned for its purpose, and dates in three parts."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.money import read_amount
from cps_portal.core.lib.text import clean_email, clean_name, clean_text, has_address

MAX_LONG_TEXT_LENGTH = 5000
SHORT_SLASH = re.compile(r"\b\w/\w\b")  # of c/o, A/S, S/A
UNPRINTABLE = _("This contains characters that can’t be printed. Please type it again.")
INVISIBLE = _("We can’t see anything in this. Please type it again.")
ADDRESS_IN_NAME = _("A name can’t have a web address or a slash in it. Please type only the name.")


def clean_line(text: str) -> str:
    """A line of text without invisible signs. Raises ValidationError for control characters, or if nothing is left."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in " ".join(text.split())):
        raise ValidationError(UNPRINTABLE, code="signs")
    line = clean_name(text)
    if text.strip() and not line:
        raise ValidationError(INVISIBLE, code="invisible")
    return line


def clean_lines(text: str) -> str:
    """Text of several lines without invisible signs. Raises ValidationError for other control characters than TAB."""
    text = "\n".join(text.splitlines())
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise ValidationError(UNPRINTABLE, code="signs")
    return clean_text(text)


def clean_person_name(text: str) -> str:
    """A person's name as a line. Raises ValidationError for a web address or a slash, with which mails could lure."""
    name = clean_line(text)
    if has_address(name):
        raise ValidationError(ADDRESS_IN_NAME, code="address")
    return name


class LineField(forms.CharField):
    """One line of text without invisible signs."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return clean_line(text) if text else text


class MultiLineField(forms.CharField):
    """Text of several lines without invisible signs."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return clean_lines(text) if text else text


class PersonNameField(forms.CharField):
    """The name of a person. A web address or a slash is refused."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return clean_person_name(text) if text else text


class RecipientField(LineField):
    """Whom a parcel is for: a person or a studio. A web address is refused, but not c/o or A/S."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text and has_address(SHORT_SLASH.sub(" ", text)):
            raise ValidationError(ADDRESS_IN_NAME, code="address")
        return text


class LongText(MultiLineField):
    """A message or a note: a text area, with a message that counts if the text is too long."""

    def __init__(self, *, rows: int = 8, max_length: int = MAX_LONG_TEXT_LENGTH, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"class": "input", "rows": rows, "maxlength": max_length}))
        kwargs["max_length"] = max_length
        kwargs.setdefault("error_messages", {}).setdefault(
            "max_length", _("Please use at most %(limit_value)d characters. You have %(show_value)d.")
        )
        super().__init__(**kwargs)


class AmountField(forms.Field):
    """An amount of money as a Decimal, with the separators of any language; None if it is left empty."""

    def __init__(self, *, max_digits: int, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"class": "input", "inputmode": "decimal", "autocomplete": "off"})
        super().__init__(widget=widget, **kwargs)
        self.max_digits = max_digits

    def to_python(self, value: Any) -> Decimal | None:
        text = str(value or "").replace("\x00", "").strip()
        if not text:
            return None
        try:
            amount = read_amount(text[:100])
        except ValueError:
            raise ValidationError(
                _("Type only the amount, in digits and without the currency. Commas and points are both fine."),
                code="invalid",
            ) from None
        if len(str(int(amount))) > self.max_digits - 2:
            raise ValidationError(_("This amount is too large. Check the number of digits."), code="large")
        return amount


class PastedEmailInput(forms.EmailInput):
    """Reads an address without what comes along when it is pasted: names, brackets, blanks, invisible signs."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        value = super().value_from_datadict(data, files, name)
        cleaned = clean_email(value) if isinstance(value, str) else ""
        return cleaned if "@" in cleaned else value


def text_field_class(column: models.Field[Any, Any]) -> type[forms.CharField] | None:
    """The form field for a column of free text; None for choices, addresses, slugs and everything else."""
    if column.choices:
        return None
    return {models.CharField: LineField, models.TextField: MultiLineField}.get(type(column))


class DatePartsWidget(forms.MultiWidget):
    """Day, month and year in three inputs."""

    template_name = "django/forms/widgets/date_parts.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = {"inputmode": "numeric", "autocomplete": "off"}
        super().__init__(
            {
                "day": forms.TextInput({**number, "maxlength": "2"}),
                "month": forms.TextInput({**number, "maxlength": "2"}),
                "year": forms.TextInput({**number, "maxlength": "4", "class": "input input--year"}),
            },
            attrs,
        )

    def decompress(self, value: date | None) -> list[int | None]:
        return [value.day, value.month, value.year] if value else [None, None, None]

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0" if id_ else ""


class DatePartsField(forms.MultiValueField):
    """A date in three parts. Its errors name the part that is wrong."""

    widget = DatePartsWidget

    def __init__(self, **kwargs: Any) -> None:
        parts = tuple(forms.CharField(required=False, max_length=4) for _part in range(3))
        super().__init__(parts, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> date | None:
        texts = [text.strip() for text in data_list or []]
        if not any(texts):
            return None
        names = (_("day"), _("month"), _("year"))
        missing = [name for name, text in zip(names, texts, strict=False) if not text]
        if missing:
            raise ValidationError(_("The %(part)s is missing.") % {"part": missing[0]}, code="incomplete")
        if not all(text.isdecimal() for text in texts) or len(texts[2]) != 4:
            raise ValidationError(_("Type the date in digits, for example 31 10 2025."), code="invalid")
        day, month, year = (int(text) for text in texts)
        try:
            return date(year, month, day)
        except ValueError:
            raise ValidationError(_("There’s no such date. Check the day and the month."), code="invalid") from None
