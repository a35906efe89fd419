"""Admin pages of the catalogue: products and their searchable names."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, PortalTabularInline, ReadOnlyAdmin, event_model
from kitbag.admin.plan_forms import MAX_PER_REQUEST
from kitbag.admin.planning import is_key, may_plan
from kitbag.models import MissedSearch, Product, ProductName, StageChange
from kitbag.queries.search import product_matches

MAX_CHANGES_SHOWN = 20


class ProductNameInline(PortalTabularInline):
    model = ProductName
    fields = ["name"]
    extra = 1


@admin.register(Product)
class ProductAdmin(PortalModelAdmin[Product]):
    """A product. Its points, stage and successor affect members, so they only change by a planned change (R22)."""

    fieldsets = [
        (None, {"fields": ["name", "slug", "category", "shelf", "mount", "video_class"]}),
        (
            _("Dates"),
            {
                "fields": [
                    "released_year",
                    "released_month",
                    "released_about",
                    "discontinued_year",
                    "service_end_year",
                ]
            },
        ),
        (_("Service and serial number"), {"fields": ["fast_track_model", "serial_place", "serial_optional"]}),
        (
            _("Points"),
            {
                "fields": [
                    "registrable",
                    "stage",
                    "successor",
                    "points_current",
                    "points_superseded",
                    "points_unserviceable",
                    "sample",
                ],
                "description": _(
                    "These change by a planned change, or when the catalogue is loaded while nobody has the product."
                ),
            },
        ),
    ]
    readonly_fields = [
        "slug",
        "registrable",
        "stage",
        "successor",
        "points_current",
        "points_superseded",
        "points_unserviceable",
        "sample",
    ]
    change_form_template = "admin/kitbag/product/change_form.html"
    actions = ["plan_chosen"]
    inlines = [ProductNameInline]
    list_display = ["name", "category", "stage", "points_now", "registrable", "fast_track_model", "released_year"]
    list_filter = ["stage", "shelf", "registrable", "fast_track_model", "video_class", "sample"]
    search_fields = ["name", "slug", "names__name"]

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(name__icontains=term), Q(slug__icontains=term), product_matches(term, product="")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("points"))
    def points_now(self, product: Product) -> int:
        return product.points

    # Planned changes

    def has_plan_permission(self, request: HttpRequest) -> bool:
        return may_plan(request)

    @admin.action(
        description=_("Plan a change: supersede the selected products or end their service…"), permissions=["plan"]
    )
    def plan_chosen(self, request: HttpRequest, queryset: QuerySet[Product]) -> HttpResponse | None:
        keys = list(queryset.values_list("pk", flat=True)[: MAX_PER_REQUEST + 1])
        if len(keys) > MAX_PER_REQUEST:
            note = _("Choose at most %(max)s products at once, or load a CSV of changes.")
            messages.error(request, note % {"max": MAX_PER_REQUEST})
            return None
        url = reverse("admin:kitbag_stagechange_plan")
        return HttpResponseRedirect(f"{url}?products={','.join(map(str, keys))}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        changes = StageChange.objects.none()
        if is_key(object_id) and request.user.has_perm("kitbag.view_stagechange"):
            changes = StageChange.objects.filter(product=int(object_id)).select_related("product").order_by("-pk")
        context = {**(extra_context or {}), "changes": changes[:MAX_CHANGES_SHOWN], "may_plan": may_plan(request)}
        return super().change_view(request, object_id, form_url, context)


@admin.register(ProductName)
class ProductNameAdmin(ReadOnlyAdmin[ProductName]):
    """The names that find a product. They are edited on the page of the product."""

    list_display = ["name", "product", "search_key"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name"]
    ordering = ["name"]


admin.site.register(event_model(Product), EventAdmin)


@admin.register(MissedSearch)
class MissedSearchAdmin(ReadOnlyAdmin[MissedSearch]):
    """What members searched and did not find, by day. Who searched is not kept."""

    list_display = ["text", "day", "count", "counted_at"]
    list_filter = ["day"]
    search_fields = ["text"]
    search_help_text = _("A part of the text")
