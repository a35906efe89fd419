"""Fields and forms that say no where the usual ones look away."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rest_framework import serializers


class AwareDateTimeField(serializers.DateTimeField):
    """A moment with its offset: without one nobody knows which moment it is."""

    default_error_messages = {
        "naive": "Add the offset from UTC, such as 2026-03-02T09:30:00Z.",
        "far": "No calendar of ours reaches so far.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("naive")
        try:
            return value.astimezone(UTC)  # a database knows fewer offsets than there are numbers
        except OverflowError:
            self.fail("far")


# What the fields would take as well: a serial number sent as a number has lost its noughts by then.
KINDS: tuple[tuple[type[Any], type[Any], str], ...] = (
    (serializers.CharField, str, "Send this as text, in quotes."),
    (serializers.DecimalField, str, "Send this as text, in quotes."),
    (serializers.IntegerField, float, "Send this as a number, without quotes."),
    (serializers.BooleanField, bool, "Send true or false, without quotes."),
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know: a field that is misspelt would otherwise be lost without a word.

    JSON tells text from numbers, and so does the contract; a form has nothing but text.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data, MultiValueDict):
            self._refuse_other_kinds(data)
        found = super().to_internal_value(data)
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError({str(name): ["This field is not known."] for name in sorted(unknown)})
        return found

    def _refuse_other_kinds(self, data: dict[str, Any]) -> None:
        wrong = {}
        for name, value in data.items():
            given = float if type(value) is int else type(value)
            for kind, wanted, words in KINDS if value is not None else ():
                if isinstance(self.fields.get(name), kind) and given is not wanted:
                    wrong[name] = [words]
        if wrong:
            raise serializers.ValidationError(wrong)
