"""The member's page in the admin, which shows data of all apps, and the log of staff actions (R54)."""

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.admin_lists import country_column
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox.suppressions import find_suppression
from cps_portal.core.system.models import Tick
from cps_portal.site.account_merge_admin import AccountMergeAdmin, MergedAdjustmentAdmin, MergedRegistrationAdmin
from cps_portal.site.country_plan_admin import CountryPlanAdmin
from cps_portal.site.lost_address_admin import AccountFreezeAdmin, LostAddressAdmin, LostAddressFileAdmin
from cps_portal.site.presenters import system
from cps_portal.site.queries.figures import read_figures
from cps_portal.site.views.cases import CaseAdmin
from cps_portal.site.views.member import MemberPages
from kitbag import rules
from kitbag.models import MergedAdjustment, MergedRegistration, Registration
from members import actions
from members.models import AccountFreeze, AccountMerge, CountryPlan, LostAddress, LostAddressFile, Member
from members.models.people import SORTED_BY_NAME
from members.support.models import Case


class Closing(admin.SimpleListFilter):
    """Open, closed and erased accounts (R14)."""

    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("closing", _("Closed, can be reopened")), ("erased", _("Erased"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Member]) -> QuerySet[Member]:
        conditions = {
            "open": Q(closed_at=None),
            "closing": Q(closed_at__isnull=False, erased_at=None),
            "erased": Q(erased_at__isnull=False),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Member)
class MemberAdmin(MemberPages):
    """Search by number, e-mail address, name or serial number; the page shows the whole member."""

    change_form_template = "admin/members/member/change_form.html"
    list_display = ["number_in_groups", "full_name", "email", country_column, "level", "points", "joined_at"]
    list_display_links = ["number_in_groups", "full_name"]
    list_filter = ["level", Closing, "country", "joined_at"]
    list_select_related = ["user"]
    search_fields = ["number"]
    search_help_text = _("Member number, e-mail address, name or serial number")
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["number_in_groups", "email", "address", "mail_trouble", "level", "points"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "specialty"]}),
        (_("Email preferences"), {"fields": ["wants_news", "wants_counted", "wants_reminders"]}),
        (_("Membership"), {"fields": ["country", "language", "joined_at", "closed_at", "to_be_erased", "erased_at"]}),
    ]
    readonly_fields = [
        "number_in_groups",
        "email",
        "address",
        "mail_trouble",
        "level",
        "points",
        "country",
        "language",
        "joined_at",
        "closed_at",
        "to_be_erased",
        "erased_at",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("member number"), ordering="number")
    def number_in_groups(self, member: Member) -> str:
        return member.number_in_groups

    @admin.display(description=_("erased from"))
    def to_be_erased(self, member: Member) -> datetime | None:
        """The person asked for it, and can take it back until then (R14)."""
        return None if member.erased_at else member.reopens_until

    @admin.display(description=_("name"), ordering=SORTED_BY_NAME)
    def full_name(self, member: Member) -> str:
        return member.full_name

    @admin.display(description=_("email"), ordering="user__email")
    def email(self, member: Member) -> str:
        return member.user.email

    @admin.display(description=_("address confirmed"), boolean=True)
    def address(self, member: Member) -> bool:
        verified = EmailAddress.objects.filter(user=member.user_id, email__iexact=member.user.email, verified=True)
        return bool(verified.exists())

    @admin.display(description=_("mails"))
    def mail_trouble(self, member: Member) -> str:
        """Whether mails to the member come back or were marked as spam: then only essential ones are sent."""
        if (suppression := find_suppression(member.user.email)) is None:
            return str(_("arrive"))
        since = date_format(timezone.localtime(suppression.since), "j F Y, H:i")
        reason = suppression.get_reason_display()
        return str(_("%(reason)s since %(since)s: %(answer)s")) % {
            "reason": reason,
            "since": since,
            "answer": suppression.answer or "–",
        }

    def search_conditions(self, term: str) -> list[Q]:
        """One box (R54). Serial numbers are compared as everywhere: without spaces, signs and leading zeros (R28)."""
        keys = rules.look_up_keys(term)
        owners = Registration.objects.filter(serial_key__in=keys).values("member")
        return [Q(pk__in=Member.objects.search(term)), *([Q(pk__in=owners)] if keys else [])]

    def save_model(self, request: HttpRequest, obj: Member, form: ModelForm[Member], change: bool) -> None:  # noqa: FBT001
        actions.change_profile(member=obj, **{name: form.cleaned_data[name] for name in form.changed_data})


@admin.register(Tick)
class SystemAdmin(ReadOnlyAdmin[Tick]):
    """The System page: what the exporter tells Prometheus, for people."""

    has_list = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        shown = system.panels(read_figures(now))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("System"),
            "panels": shown,
            "problems": [line for panel in shown for line in panel.lines if line.tone != "ok"],
            "tone": system.worst(panel.tone for panel in shown),
            "at": now,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/system/tick/system.html", context)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin[LogEntry]):
    """Who did what in this admin."""

    list_display = ["action_time", "user", "content_type", "object_repr", "get_change_message"]
    ordering = ["-pk"]
    list_filter = ["action_flag", "content_type", "action_time"]
    list_select_related = ["user", "content_type"]
    search_fields = ["object_repr", "change_message", "user__email"]


admin.site.register(CountryPlan, CountryPlanAdmin)
admin.site.register(event_model(CountryPlan), EventAdmin)
admin.site.register(LostAddress, LostAddressAdmin)
admin.site.register(LostAddressFile, LostAddressFileAdmin)
admin.site.register(AccountFreeze, AccountFreezeAdmin)
admin.site.register(AccountMerge, AccountMergeAdmin)
admin.site.register(MergedRegistration, MergedRegistrationAdmin)
admin.site.register(MergedAdjustment, MergedAdjustmentAdmin)
for tracked in (LostAddress, AccountMerge):
    admin.site.register(event_model(tracked), EventAdmin)
admin.site.register(Case, CaseAdmin)
admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin[Group]):
    """Read-only: what each group may do is decided in cps_portal/groups.py and set after every migration."""

    list_display = ["name"]
    fields = ["name", "permissions"]
    search_fields = ["name"]
