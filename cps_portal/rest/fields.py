"""Fields and forms that say no where the usual ones look away."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
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


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know: a field that is misspelt would otherwise be lost without a word."""

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError({str(name): ["This field is not known."] for name in sorted(unknown)})
        return found
