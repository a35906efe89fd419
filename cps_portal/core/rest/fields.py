"""Serializers and fields that are stricter than those of REST framework."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rest_framework import serializers

from cps_portal.core.lib.forms import clean_line, clean_lines, clean_person_name
from cps_portal.core.lib.text import clean_email


class AwareDateTimeField(serializers.DateTimeField):
    """A date and time with an offset from UTC. Without one the value is ambiguous and refused."""

    default_error_messages = {
        "naive": "Add the offset from UTC, such as 2026-03-02T09:30:00Z.",
        "far": "This date is out of range.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("naive")
        try:
            return value.astimezone(UTC)  # PostgreSQL accepts fewer offsets than Python
        except OverflowError:
            self.fail("far")


class LineField(serializers.CharField):
    """One line of text, cleaned like the fields of the HTML forms."""

    def to_internal_value(self, data: Any) -> str:
        return clean_line(super().to_internal_value(data))


class MultiLineField(serializers.CharField):
    """Text of several lines, cleaned like the fields of the HTML forms."""

    def to_internal_value(self, data: Any) -> str:
        text = clean_lines(super().to_internal_value(data))
        if not text and not self.allow_blank:
            self.fail("blank")
        return text


class PersonNameField(serializers.CharField):
    """The name of a person, without web addresses."""

    def to_internal_value(self, data: Any) -> str:
        return clean_person_name(super().to_internal_value(data))


class EmailField(serializers.EmailField):
    """An e-mail address as it was pasted, also with the name of its owner."""

    def to_internal_value(self, data: Any) -> str:
        return clean_email(super().to_internal_value(data))


# REST framework would convert these. A serial number sent as a JSON number has lost its leading zeros by then.
JSON_TYPES: tuple[tuple[type[Any], type[Any], str], ...] = (
    (serializers.CharField, str, "Send this as text, in quotes."),
    (serializers.DecimalField, str, "Send this as text, in quotes."),
    (serializers.IntegerField, float, "Send this as a number, without quotes."),
    (serializers.BooleanField, bool, "Send true or false, without quotes."),
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields, because a misspelt one would be ignored, and JSON values of the wrong type.

    Forms are exempt from the latter: all their values are text.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data, MultiValueDict):
            self._refuse_wrong_types(data)
        validated = super().to_internal_value(data)
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError({str(name): ["There is no such field."] for name in sorted(unknown)})
        return validated

    def _refuse_wrong_types(self, data: dict[str, Any]) -> None:
        wrong = {}
        for name, value in data.items():
            json_type = float if type(value) is int else type(value)
            for field_class, expected, sentence in JSON_TYPES if value is not None else ():
                if isinstance(self.fields.get(name), field_class) and json_type is not expected:
                    wrong[name] = [sentence]
        if wrong:
            raise serializers.ValidationError(wrong)
