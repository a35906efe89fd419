"""Admin list of all evidence, to search it. Staff look at it on the page of its registration (R25)."""

from django.contrib import admin
from django.db.models import Q

from cps_portal.core.lib.admin import ReadOnlyAdmin
from kitbag.models import Evidence
from kitbag.rules import look_up_keys
from members.models import Member


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin[Evidence]):
    list_display = ["registration", "kind", "file", "added_at"]
    list_filter = ["kind", "added_at"]
    list_select_related = ["registration__product", "file"]
    search_fields = ["=registration__serial", "=registration__member__number"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(registration__serial_key__in=look_up_keys(term)),
            Q(registration__member__in=Member.objects.search(term)),
        ]
