"""Admin list of sales that retailers confirmed (R55). Staff review checks that a withdrawn sale alone had settled."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.admin import ReadOnlyAdmin
from kitbag.admin.sale_files import LOAD, SaleFiles
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
class SaleAdmin(SaleFiles, ReadOnlyAdmin[Sale]):
    change_list_template = "admin/kitbag/sale/change_list.html"
    list_display = ["product", "serial", "partner", "sold_on", "confirmed_at", "matched_at", "settled", "withdrawn_at"]
    ordering = ["-pk"]
    list_filter = [StatusFilter, "partner", "settled", "confirmed_at"]
    list_select_related = ["product", "partner"]
    search_fields = ["serial", "serial_key", "receipt", "external_id", "product__name"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("by-file/", view(self.by_file), name="kitbag_sale_by_file"),
            path("by-file/template/", view(require_safe(self.by_file_template)), name="kitbag_sale_template"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_load": request.user.has_perm(LOAD), **(extra_context or {})})
