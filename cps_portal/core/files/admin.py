"""Stored files in the admin."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.admin import ReadOnlyAdmin


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin[StoredFile]):
    fields = ["purpose", "kind", "size", "original_name", "owner", "created_at", "attached_at", "erased_at", "content"]
    list_display = ["created_at", "purpose", "kind", "size", "owner", "attached_at", "erased_at", "content"]
    list_filter = ["purpose", "kind", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["owner__email", "original_name"]
    date_hierarchy = "created_at"

    @admin.display(description=_("content"))
    def content(self, row: StoredFile) -> str:
        if row.erased_at:
            return str(_("erased"))
        return format_html('<a href="{}">{}</a>', row.get_absolute_url(), _("Open"))
