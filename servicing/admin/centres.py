"""Service centres with their special days and staff, managed by the programme's staff (R42)."""

from typing import Any

from django.contrib import admin

from cps_portal.core.lib.admin import (
    EventAdmin,
    PortalModelAdmin,
    PortalTabularInline,
    ReadOnlyAdmin,
    TranslatedAdmin,
    event_model,
)
from cps_portal.core.lib.admin_lists import country_column
from servicing.forms.centres import CentreForm
from servicing.models import CalendarException, Carrier, CentreStaff, ServiceCentre, WarrantyPeriod


class SpecialDayInline(PortalTabularInline):
    model = CalendarException
    extra = 1
    fields = ["kind", "first", "last", "opens", "closes", "why"]


class StaffInline(PortalTabularInline):
    model = CentreStaff
    extra = 1
    autocomplete_fields = ["user"]


@admin.register(ServiceCentre)
class ServiceCentreAdmin(TranslatedAdmin, PortalModelAdmin[ServiceCentre]):
    form = CentreForm
    list_display = ["name", "kind", country_column, "city", "programme", "status", "sample", "not_translated"]
    list_filter = ["kind", "status", "programme", "sample"]
    search_fields = ["name", "city", "country"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["partner"]
    inlines = [SpecialDayInline, StaffInline]
    view_on_site = True


@admin.register(CentreStaff)
class CentreStaffAdmin(ReadOnlyAdmin[CentreStaff]):
    """A list of who works where. It is changed on the page of the centre."""

    list_display = ["user", "centre"]
    list_select_related = ["user", "centre"]
    search_fields = ["user__email", "centre__name"]


@admin.register(event_model(ServiceCentre))
class ServiceCentreEventAdmin(EventAdmin):
    def what(self, event: Any) -> str:
        return str(event.name)


@admin.register(WarrantyPeriod)
class WarrantyPeriodAdmin(PortalModelAdmin[WarrantyPeriod]):
    """Programme staff enter how long the warranty lasts (R60)."""

    list_display = ["shelf", country_column, "months", "sample"]
    list_filter = ["shelf", "sample"]
    search_fields = ["country"]


@admin.register(Carrier)
class CarrierAdmin(PortalModelAdmin[Carrier]):
    list_display = ["name", "link", "is_offered", "sample"]
    list_filter = ["is_offered"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
