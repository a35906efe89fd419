"""Admin of users, countries, levels, terms and logs. The admin of members is in cps_portal.site.admin."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, M, PortalModelAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.admin_lists import country_column
from cps_portal.core.lib.forms import PastedEmailInput
from cps_portal.core.lib.text import clean_email
from members.models import (
    CountryProgramme,
    Device,
    EmailChange,
    LevelBenefit,
    LevelChange,
    LevelThreshold,
    Member,
    MemberNote,
    MemberView,
    Notice,
    PendingLevelNotice,
    PushSubscription,
    StaffAccess,
    TermsAcceptance,
    TermsVersion,
    User,
    programme_in,
)

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


# --- Accounts ------------------------------------------------------------------------------------


class NewUserForm(AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ["email"]
        widgets = {"email": PastedEmailInput}

    def clean_email(self) -> str:
        email = clean_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError(_("Another account already uses this address."))
        return email


class UserForm(UserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"  # the admin names the fields


@admin.register(User)
class PortalUserAdmin(PortalModelAdmin[User], UserAdmin[User]):
    """Users, staff and members. Only superusers can grant permissions or change accounts of staff."""

    form = UserForm
    add_form = NewUserForm
    list_display = ["email", "is_staff", "is_superuser", "is_active", "date_joined", "last_login"]
    list_filter = ["is_staff", "is_superuser", "is_active", "groups"]
    search_fields = ["email"]
    search_help_text = _("E-mail address, or the name or number of the member")
    ordering = [Lower("email")]  # along the index that makes addresses unique
    fieldsets = [
        (None, {"fields": ["email", "password", "is_active"]}),
        (_("Permissions"), {"fields": PRIVILEGES}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})]

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(email__contains=clean_email(term)), Q(member__in=Member.objects.search(term))]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        # Only the owner can change the address, because the new one has to be confirmed.
        fixed = ["email", "last_login", "date_joined"] if obj else []
        return fixed if request.user.is_superuser else [*fixed, *PRIVILEGES]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Whoever can set the password of an account can use all of its permissions.
        if obj and (obj.is_staff or obj.is_superuser) and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)


admin.site.unregister([EmailAddress, Authenticator])


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin[EmailAddress]):
    list_display = ["email", "user", "primary", "verified"]
    list_filter = ["primary", "verified"]
    list_select_related = ["user"]
    search_fields = ["email", "user__email"]

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(email__contains=clean_email(term)), Q(user__member__in=Member.objects.search(term))]


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin[Authenticator]):
    """Second factors, without their secrets. Delete one if its device was lost."""

    fields = ["user", "type", "created_at", "last_used_at"]
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__email"]

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(user__email__contains=clean_email(term)), Q(user__member__in=Member.objects.search(term))]

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin[Device]):
    """Where accounts are or were signed in."""

    list_display = ["user", "user_agent", "address", "signed_in_at", "last_seen_at"]
    list_filter = ["last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    ordering = ["-last_seen_at"]

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(user__email__contains=clean_email(term)), Q(user__member__in=Member.objects.search(term))]


@admin.register(PushSubscription)
class PushSubscriptionAdmin(ReadOnlyAdmin[PushSubscription]):
    """Browsers that get push messages. Where they are sent to is a secret, and not shown."""

    list_display = ["user", "device", "kinds", "created_at", "sent_at"]
    list_filter = ["created_at"]
    list_select_related = ["device__user"]
    search_fields = ["device__user__email"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        email = clean_email(term)
        return [Q(device__user__email__contains=email), Q(device__user__member__in=Member.objects.search(term))]

    @admin.display(description=_("user"), ordering="device__user__email")
    def user(self, row: PushSubscription) -> str:
        return row.device.user.email


@admin.register(EmailChange)
class EmailChangeAdmin(ReadOnlyAdmin[EmailChange]):
    """Changes of address that the old address can undo, or has undone."""

    list_display = ["at", "user", "old_email", "new_email", "undone_at"]
    ordering = ["-pk"]
    list_filter = ["at", ("undone_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["old_email", "new_email"]

    def search_conditions(self, term: str) -> list[Q]:
        email = clean_email(term)
        return [
            Q(old_email__contains=email),
            Q(new_email__contains=email),
            Q(user__member__in=Member.objects.search(term)),
        ]


# --- The programme -------------------------------------------------------------------------------


class CountryProgrammeForm(forms.ModelForm[CountryProgramme]):
    class Meta:
        model = CountryProgramme
        fields = ["country", "kind", "service_level", "valid_from"]  # the admin names all

    def clean(self) -> None:
        """Another programme where members live is planned, because they get notice of it (R1, R22)."""
        super().clean()
        country, kind = str(self.cleaned_data.get("country") or ""), self.cleaned_data.get("kind")
        if not kind or not {"country", "kind", "service_level", "valid_from"} & set(self.changed_data):
            return
        now = programme_in(country)
        is_other = now is None or (now.kind, now.service_level) != (kind, self.cleaned_data.get("service_level", ""))
        is_past = self.instance.pk is not None and "country" in self.changed_data
        if (is_other or is_past) and Member.objects.open().filter(country=country).exists():
            self.add_error(
                "kind",
                _("Members live there. Plan the change under “Countries and terms”, so that they are told first."),
            )


@admin.register(CountryProgramme)
class CountryProgrammeAdmin(PortalModelAdmin[CountryProgramme]):
    form = CountryProgrammeForm
    fields = [
        *("country", "region", "kind", "service_level", "link", "valid_from", "sample", "note"),
        *("served_with", "on_hold", "hold_reason"),
    ]
    list_display = [country_column, "region", "kind", "service_level", "served_with", "on_hold", "valid_from", "sample"]
    list_filter = ["kind", "service_level", "region", "on_hold", "sample", "valid_from"]
    search_fields = ["country", "region", "note"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(LevelBenefit)
class LevelBenefitAdmin(PortalModelAdmin[LevelBenefit]):
    list_display = [
        "level",
        "service_level",
        "country",
        "fast_track_days",
        "maintenance_discount",
        "free_return",
        "courtesy_loan",
        "first_answer_hours",
        "sample",
    ]
    list_filter = ["level", "service_level", "sample"]
    search_fields = ["level", "country"]
    ordering = ["service_level", "first_answer_hours"]


@admin.register(LevelThreshold)
class LevelThresholdAdmin(ReadOnlyAdmin[LevelThreshold]):
    """Present and past thresholds. Changes have to be planned, because members get notice of them (R10, R22)."""

    list_display = ["level", "points_from", "valid_from"]
    list_filter = ["level", "valid_from"]
    search_fields = ["level"]
    ordering = ["-valid_from", "points_from"]


class TermsForm(forms.ModelForm[TermsVersion]):
    class Meta:
        model = TermsVersion
        fields = ["version", "country", "valid_from", "text", "translations"]

    def clean_valid_from(self) -> datetime:
        moment: datetime = self.cleaned_data["valid_from"]
        if moment <= timezone.now():
            raise ValidationError(_("A version has to be published before it comes into force. Choose a later time."))
        return moment


@admin.register(TermsVersion)
class TermsVersionAdmin(PortalModelAdmin[TermsVersion]):
    """Versions in force cannot be changed, because members have accepted them (R9)."""

    form = TermsForm
    fields = ["version", "country", "valid_from", "text", "translations"]
    list_display = ["version", "country", "valid_from"]
    list_filter = ["country"]
    search_fields = ["version", "=country"]

    def has_change_permission(self, request: HttpRequest, obj: TermsVersion | None = None) -> bool:
        return (obj is None or obj.valid_from > timezone.now()) and super().has_change_permission(request, obj)


# --- Logs ----------------------------------------------------------------------------------------


class MemberLogAdmin(ReadOnlyAdmin[M]):
    """Rows about a member, found by the member's name, number or e-mail address (R54)."""

    search_fields = ["member__number"]
    search_help_text = _("Member number, e-mail address or name")

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(member__in=Member.objects.search(term))]


@admin.register(LevelChange)
class LevelChangeAdmin(MemberLogAdmin[LevelChange]):
    list_display = ["at", "member", "from_level", "to_level", "points", "cause"]
    ordering = ["-pk"]
    list_filter = ["to_level", "cause", "at"]
    list_select_related = ["member"]


@admin.register(PendingLevelNotice)
class UntoldLevelChangeAdmin(MemberLogAdmin[PendingLevelNotice]):
    """Level changes of a run whose members are notified next. If the list stays long, no worker is running."""

    list_display = ["change", "member"]
    list_select_related = ["change", "member"]
    ordering = ["pk"]


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(MemberLogAdmin[TermsAcceptance]):
    list_display = ["at", "member", "terms", "language"]
    list_filter = ["terms", "at"]
    list_select_related = ["member", "terms"]
    ordering = ["-pk"]


@admin.register(Notice)
class NoticeAdmin(MemberLogAdmin[Notice]):
    list_display = ["at", "member", "code", "path", "read_at"]
    ordering = ["-pk"]
    list_filter = ["code", "at", ("read_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member"]


@admin.register(MemberNote)
class MemberNoteAdmin(MemberLogAdmin[MemberNote]):
    """What support noted. Notes are written on the page of the member."""

    list_display = ["at", "member", "by", "pinned", "beginning"]
    list_filter = ["pinned", "at"]
    list_select_related = ["member", "by"]
    ordering = ["-pk"]

    @admin.display(description=_("text"))
    def beginning(self, note: MemberNote) -> str:
        return note.text[:80]


@admin.register(StaffAccess)
class StaffAccessAdmin(MemberLogAdmin[StaffAccess]):
    """What staff opened. The trail of a member shows it among everything else."""

    list_display = ["at", "by", "kind", "member", "page", "model", "rows", "filters", "door"]
    list_filter = ["kind", "door", "at"]
    list_select_related = ["member", "by"]


@admin.register(MemberView)
class MemberViewAdmin(MemberLogAdmin[MemberView]):
    """Who looked at the portal as which member, and why."""

    list_display = ["at", "by", "member", "reason", "until", "ended_at"]
    list_filter = ["at"]
    list_select_related = ["member", "by"]


for tracked in (Member, CountryProgramme, LevelThreshold, LevelBenefit):
    admin.site.register(event_model(tracked), EventAdmin)
