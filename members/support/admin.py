"""Admin of messages, attachments, readers and canned answers. The inbox of cases is in cps_portal.site.views.cases."""

from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.languages import NAMES
from members.support.forms import CannedAnswerForm
from members.support.models import CannedAnswer, Case, CaseAttachment, CaseMessage, CaseReader


@admin.register(CaseMessage)
class CaseMessageAdmin(ReadOnlyAdmin[CaseMessage]):
    """All messages, for searching. They are read on the page of their case."""

    list_display = ["at", "case", "author", "by", "internal", "beginning"]
    list_filter = ["author", "internal", "at"]
    list_select_related = ["case", "by"]
    search_fields = ["text", "=by__email"]
    ordering = ["-pk"]

    @admin.display(description=_("text"))
    def beginning(self, message: CaseMessage) -> str:
        return message.text[:80]


@admin.register(CaseAttachment)
class CaseAttachmentAdmin(ReadOnlyAdmin[CaseAttachment]):
    """All attachments. They are opened on the page of their case."""

    list_display = ["message", "case", "file"]
    list_select_related = ["message__case", "file"]
    search_fields = ["=message__case__reference"]
    ordering = ["-pk"]

    @admin.display(description=_("case"))
    def case(self, attachment: CaseAttachment) -> str:
        return str(attachment.message.case)


@admin.register(CaseReader)
class CaseReaderAdmin(ReadOnlyAdmin[CaseReader]):
    """Who of staff was at which case. What they have not sent is shown to them only."""

    fields = ["case", "user", "seen_at", "typing_at"]
    list_display = ["seen_at", "case", "user", "typing_at"]
    list_select_related = ["case", "user"]
    search_fields = ["=case__reference", "=user__email"]


@admin.register(CannedAnswer)
class CannedAnswerAdmin(PortalModelAdmin[CannedAnswer]):
    form = CannedAnswerForm
    list_display = ["title", "language", "for_centres", "length", "not_translated"]
    list_filter = ["for_centres", "language"]
    search_fields = ["title", "text"]

    def has_delete_permission(self, request: HttpRequest, obj: CannedAnswer | None = None) -> bool:
        return request.user.has_perm("cases.delete_cannedanswer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CannedAnswer]:
        same = CannedAnswer.objects.filter(title=OuterRef("title")).order_by("language")
        return super().get_queryset(request).annotate(in_languages=ArraySubquery(same.values("language")))

    @admin.display(description=_("not translated"))
    def not_translated(self, canned: Any) -> str:
        """The languages in which there is no answer of this title: its readers get the English one."""
        return ", ".join(name for language, name in NAMES.items() if language not in canned.in_languages)

    @admin.display(description=_("length"))
    def length(self, canned: CannedAnswer) -> str:
        return ngettext("%(n)d character", "%(n)d characters", len(canned.text)) % {"n": len(canned.text)}


admin.site.register(event_model(Case), EventAdmin)
