"""The list of serial numbers that service centres replaced (R64). They are recorded on the page of a job."""

from typing import Any

from django.contrib import admin
from django.db.models import Q

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from kitbag import rules
from kitbag.models import SerialChange


@admin.register(SerialChange)
class SerialChangeAdmin(ReadOnlyAdmin[SerialChange]):
    list_display = ["product", "serial", "new_serial", "state", "at", "by", "partner"]
    ordering = ["-pk"]
    list_filter = ["state"]
    list_select_related = ["product", "by", "partner"]
    search_fields = ["serial"]

    def search_conditions(self, term: str) -> list[Q]:
        keys = rules.look_up_keys(term)
        return [Q(serial_key__in=keys), Q(new_key__in=keys)]


@admin.register(event_model(SerialChange))
class SerialChangeEventAdmin(EventAdmin):
    def what(self, event: Any) -> str:
        return f"{event.serial} → {event.new_serial}"
