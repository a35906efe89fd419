from django.contrib import admin

from cps_portal.lib.admin import DeskAdmin
from servicing.models import ServiceCentre


@admin.register(ServiceCentre)
class ServiceCentreAdmin(DeskAdmin[ServiceCentre]):
    list_display = ["name", "kind", "country", "city", "programme", "status", "sample"]
    list_filter = ["kind", "status", "programme", "sample"]
    search_fields = ["name", "city", "country"]
