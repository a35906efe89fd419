"""The desk's pages of the catalogue: products, the names they are found by, shapes of serial numbers."""

import re

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.admin import DeskAdmin, EventAdmin, ReadOnlyAdmin, event_model
from kitbag.models import Product, ProductName, SerialShape


class ProductNameInline(admin.TabularInline[ProductName, Product]):
    model = ProductName
    fields = ["name"]
    extra = 1


@admin.register(Product)
class ProductAdmin(DeskAdmin[Product]):
    """What describes a product. Its points, stage and successor move holders: they change by a planned change (R22)."""

    fieldsets = [
        (None, {"fields": ["name", "slug", "category", "shelf", "mount", "video_class"]}),
        (_("Dates"), {"fields": ["released_year", "released_month", "discontinued_year", "service_end_year"]}),
        (_("Service and serial number"), {"fields": ["fast_track_model", "serial_place", "serial_optional"]}),
        (
            _("Points"),
            {
                "fields": [
                    "registrable", "stage", "successor", "points_current", "points_superseded",
                    "points_unserviceable", "sample",
                ],
                "description": _("These change with a load of the catalogue while nobody holds the product."),
            },
        ),
    ]  # fmt: skip
    readonly_fields = [
        "slug", "registrable", "stage", "successor", "points_current", "points_superseded",
        "points_unserviceable", "sample",
    ]  # fmt: skip
    inlines = [ProductNameInline]
    list_display = ["name", "category", "stage", "points_now", "registrable", "fast_track_model", "released_year"]
    list_filter = ["stage", "shelf", "registrable", "fast_track_model", "video_class", "sample"]
    search_fields = ["name", "slug", "names__name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("points"))
    def points_now(self, product: Product) -> int:
        return product.points


@admin.register(ProductName)
class ProductNameAdmin(ReadOnlyAdmin[ProductName]):
    """Which names a product is found by; they are edited on its own page."""

    list_display = ["name", "product", "search_key"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name"]
    ordering = ["name"]


class SerialShapeForm(forms.ModelForm[SerialShape]):
    class Meta:
        model = SerialShape
        fields = ["categories", "period", "year_from", "year_to", "pattern", "use", "example"]

    def clean_categories(self) -> list[str]:
        names = self.cleaned_data["categories"]
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise ValidationError(_('Write a list of names, such as ["lens-rf", "accessory-*"].'))
        return names

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValidationError(_("This is not a regular expression: %(why)s."), params={"why": error}) from error
        return pattern


@admin.register(SerialShape)
class SerialShapeAdmin(DeskAdmin[SerialShape]):
    form = SerialShapeForm
    list_display = ["period", "categories", "year_from", "year_to", "pattern", "use", "example"]
    list_filter = ["use"]
    search_fields = ["period", "categories", "pattern"]
    ordering = ["categories", "period"]


admin.site.register(event_model(Product), EventAdmin)
