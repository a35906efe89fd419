"""Service centres with their closures and staff, managed by the programme's staff (R42)."""

from typing import Any

from django.contrib import admin

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, PortalTabularInline, ReadOnlyAdmin, event_model
from servicing.forms.centres import CentreForm
from servicing.models import CentreStaff, Closure, ServiceCentre


class ClosureInline(PortalTabularInline):
    model = Closure
    extra = 1


class StaffInline(PortalTabularInline):
    model = CentreStaff
    extra = 1
    autocomplete_fields = ["user"]


@admin.register(ServiceCentre)
class ServiceCentreAdmin(PortalModelAdmin[ServiceCentre]):
    form = CentreForm
    list_display = ["name", "kind", "country", "city", "programme", "status", "sample"]
    list_filter = ["kind", "status", "programme", "sample"]
    search_fields = ["name", "city", "country"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["partner"]
    inlines = [ClosureInline, StaffInline]
    view_on_site = True


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin[Closure]):
    """A list of all closures. They are changed on the page of their centre."""

    list_display = ["centre", "first", "last", "why"]
    list_filter = ["first"]
    list_select_related = ["centre"]
    search_fields = ["centre__name", "why"]


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
