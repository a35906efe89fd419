"""What partners asked for and did: to look at only (R55)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.admin_lists import value_filter
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import ApiCall, IdempotencyRecord

MethodFilter = value_filter("method", _("method"), lambda: ["DELETE", "GET", "PATCH", "POST", "PUT"])


class StatusFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "answered"
    ranges = {"well": (200, 399), "refused": (400, 499), "failed": (500, 599)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("well", _("Done (2xx, 3xx)")),
            ("refused", _("Refused (4xx)")),
            ("failed", _("Our fault (5xx)")),
            ("errors", _("Any error")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiCall]) -> QuerySet[ApiCall]:
        status = self.value() or ""
        if status == "errors":
            return queryset.filter(status__gte=400)
        return queryset.filter(status__range=self.ranges[status]) if status in self.ranges else queryset


class KindFilter(admin.SimpleListFilter):
    title = _("kind of partner")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.value, kind.label) for kind in PartnerKind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(credential__partner__kind=self.value()) if self.value() else queryset


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnlyAdmin[ApiCall]):
    list_display = ["at", "partner", "method", "path", "status", "code", "took_ms", "address"]
    list_display_links = ["at", "path"]
    list_filter = [StatusFilter, "at", KindFilter, "credential__partner", MethodFilter]
    list_select_related = ["credential__partner"]
    search_fields = ["request_id__exact", "path__contains", "code__exact"]
    search_help_text = _("The id of a request, an error code, or part of a path")

    @admin.display(description=_("partner"), ordering="credential__partner__name")
    def partner(self, call: ApiCall) -> str:
        return str(call.credential.partner)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The page of a credential links here with this filter."""
        return lookup == "credential__id__exact" or super().lookup_allowed(lookup, value, request)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin[IdempotencyRecord]):
    """Shows that a record exists, but not the response: it may hold personal data."""

    list_display = ["at", "partner", "key", "status"]
    list_display_links = ["at", "key"]
    list_filter = ["at", "partner"]
    list_select_related = ["partner"]
    search_fields = ["key__exact"]
    search_help_text = _("The Idempotency-Key of a request")
    fields = ["partner", "key", "at", "status", "request_hash"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyRecord]:
        return super().get_queryset(request).defer("headers", "body")
