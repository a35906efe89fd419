"""Admin list of sales that retailers confirmed (R55). Staff review checks that a withdrawn sale alone had settled."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from kitbag.models import Sale


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("review", _("Withdrawn after it settled a check")),
            ("matched", _("Matched")),
            ("waiting", _("Not registered yet")),
            ("withdrawn", _("Withdrawn")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Sale]) -> QuerySet[Sale]:
        match self.value():
            case "review":
                return queryset.filter(withdrawn_at__isnull=False, registration__state="validated").exclude(settled="")
            case "matched":
                return queryset.filter(withdrawn_at=None, registration__isnull=False)
            case "waiting":
                return queryset.filter(withdrawn_at=None, registration=None)
            case "withdrawn":
                return queryset.filter(withdrawn_at__isnull=False)
        return queryset


@admin.register(Sale)
class SaleAdmin(ReadOnlyAdmin[Sale]):
    list_display = ["product", "serial", "partner", "sold_on", "confirmed_at", "matched_at", "settled", "withdrawn_at"]
    ordering = ["-pk"]
    list_filter = [StatusFilter, "partner", "settled", "confirmed_at"]
    list_select_related = ["product", "partner"]
    search_fields = ["serial", "serial_key", "receipt", "external_id", "product__name"]
