"""Form fields that several apps use."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


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
            raise ValidationError(_("There is no such date. Check day and month."), code="invalid") from None
