"""Admin list of all evidence, to search it. Staff look at it on the page of its registration (R25)."""

from django.contrib import admin

from cps_portal.core.lib.admin import ReadOnlyAdmin
from kitbag.models import Evidence


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin[Evidence]):
    list_display = ["registration", "kind", "file", "added_at"]
    list_filter = ["kind", "added_at"]
    list_select_related = ["registration__product", "file"]
    search_fields = ["=registration__serial", "=registration__member__number"]
    ordering = ["-pk"]
