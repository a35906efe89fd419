"""Admin lists of what members keep about their products (R25), for administrators: no group of staff has the right."""

from django.contrib import admin

from cps_portal.core.lib.admin import ReadOnlyAdmin
from kitbag.models import KitGroup, OwnerDetails


@admin.register(OwnerDetails)
class OwnerDetailsAdmin(ReadOnlyAdmin[OwnerDetails]):
    """Without what is for the member's eyes only."""

    list_display = ["registration", "photo"]
    list_select_related = ["registration__product", "photo"]
    fields = ["registration", "photo", "thumbnail"]
    search_fields = ["=registration__member__number"]
    ordering = ["-pk"]


@admin.register(KitGroup)
class KitGroupAdmin(ReadOnlyAdmin[KitGroup]):
    """Whose groups there are. Their names are the member's."""

    list_display = ["pk", "member"]
    list_select_related = ["member"]
    fields = ["member"]
    search_fields = ["=member__number"]
    ordering = ["-pk"]
