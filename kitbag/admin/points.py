"""The desk's pages of the ledger and what staff add to it."""

from django.contrib import admin

from cps_portal.lib.admin import ReadOnlyAdmin
from kitbag.models import PointsEntry


@admin.register(PointsEntry)
class PointsEntryAdmin(ReadOnlyAdmin[PointsEntry]):
    list_display = ["at", "member", "registration", "amount", "cause", "stage", "by"]
    list_filter = ["cause", "stage", "at"]
    list_select_related = ["member", "registration__product", "by"]
    search_fields = ["=member__number", "=member__user__email", "registration__product__name"]
    date_hierarchy = "at"
