"""Admin pages of shops and the periods in which they were authorised (R24, R60)."""

from typing import Any

from django.contrib import admin

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, PortalTabularInline, ReadOnlyAdmin, event_model
from cps_portal.core.lib.admin_lists import country_column
from cps_portal.core.lib.dates import write_day
from kitbag.models import AuthorisedPeriod, Retailer


class PeriodInline(PortalTabularInline):
    model = AuthorisedPeriod
    extra = 1


@admin.register(Retailer)
class RetailerAdmin(PortalModelAdmin[Retailer]):
    list_display = ["name", country_column, "kind", "sample"]
    list_filter = ["kind", "sample", "country"]
    search_fields = ["name"]
    inlines = [PeriodInline]


@admin.register(AuthorisedPeriod)
class AuthorisedPeriodAdmin(ReadOnlyAdmin[AuthorisedPeriod]):
    """All periods in one list. They are changed on the page of their shop."""

    list_display = ["retailer", "begins_on", "ends_on"]
    list_filter = ["begins_on", "ends_on"]
    list_select_related = ["retailer"]
    search_fields = ["retailer__name"]


@admin.register(event_model(Retailer))
class RetailerEventAdmin(EventAdmin):
    pass


@admin.register(event_model(AuthorisedPeriod))
class AuthorisedPeriodEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "retailer"]

    def what(self, event: Any) -> str:
        return f"{event.retailer} {write_day(event.begins_on)}"
