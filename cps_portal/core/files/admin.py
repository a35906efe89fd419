"""Stored files in the admin."""

from django.conf import settings
from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.admin_lists import value_filter

PurposeFilter = value_filter(
    "purpose", _("purpose"), lambda: sorted({*settings.FILES_PURPOSES, *settings.FILES_CACHED_PURPOSES})
)


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin[StoredFile]):
    fields = ["purpose", "kind", "size", "original_name", "owner", "created_at", "attached_at", "erased_at", "content"]
    list_display = ["created_at", "purpose", "kind", "size", "owner", "attached_at", "erased_at", "content"]
    list_filter = [PurposeFilter, "kind", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["owner__email", "original_name"]

    @admin.display(description=_("content"))
    def content(self, row: StoredFile) -> str:
        if row.erased_at:
            return str(_("erased"))
        return format_html('<a href="{}">{}</a>', row.get_absolute_url(), _("Open"))
