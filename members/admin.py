"""The desk's pages of accounts, countries, levels and terms. The page of a member is in cps_portal.admin."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.admin import DeskAdmin, EventAdmin, ReadOnlyAdmin, event_model
from members.enums import Level
from members.models import (
    CountryProgramme,
    LevelBenefit,
    LevelChange,
    LevelThreshold,
    Member,
    Notice,
    TermsAcceptance,
    TermsVersion,
    User,
)

POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


# --- Accounts ------------------------------------------------------------------------------------


class NewUserForm(AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ["email"]

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exists():
            raise ValidationError(_("This address is taken."))
        return email


class UserForm(UserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"  # the admin names the fields


@admin.register(User)
class PortalUserAdmin(DeskAdmin[User], UserAdmin[User]):
    """Accounts of staff and members. Only a superuser makes staff, gives powers or touches an account of staff."""

    form = UserForm
    add_form = NewUserForm
    list_display = ["email", "is_staff", "is_superuser", "is_active", "date_joined", "last_login"]
    list_filter = ["is_staff", "is_superuser", "is_active", "groups"]
    search_fields = ["email"]
    ordering = ["email"]
    fieldsets = [
        (None, {"fields": ["email", "password", "is_active"]}),
        (_("Powers"), {"fields": POWERS}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        # A sign-in address is changed by its owner, who confirms the new one.
        fixed = ["email", "last_login", "date_joined"] if obj else []
        return fixed if request.user.is_superuser else [*fixed, *POWERS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Whoever sets a password or an address of somebody with more powers has these powers.
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


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin[Authenticator]):
    """Second factors, without their secrets. One that was lost with its device can be deleted."""

    fields = ["user", "type", "created_at", "last_used_at"]
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__email"]

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


# --- The programme -------------------------------------------------------------------------------


@admin.register(CountryProgramme)
class CountryProgrammeAdmin(DeskAdmin[CountryProgramme]):
    list_display = ["country", "region", "kind", "service_level", "valid_from", "sample"]
    list_filter = ["kind", "service_level", "region", "sample", "valid_from"]
    search_fields = ["country", "region", "note"]
    date_hierarchy = "valid_from"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(LevelBenefit)
class LevelBenefitAdmin(DeskAdmin[LevelBenefit]):
    list_display = [
        "level", "service_level", "country", "fast_track_days", "maintenance_discount", "free_return",
        "courtesy_loan", "first_answer_hours", "sample",
    ]  # fmt: skip
    list_filter = ["level", "service_level", "sample"]
    search_fields = ["level", "country"]
    ordering = ["service_level", "first_answer_hours"]


class ThresholdForm(forms.ModelForm[LevelThreshold]):
    class Meta:
        model = LevelThreshold
        fields = ["level", "points_from", "valid_from"]

    def clean_valid_from(self) -> date:
        day: date = self.cleaned_data["valid_from"]
        if day < timezone.localdate() + timedelta(days=1):
            raise ValidationError(_("Members have to be able to know it before: choose tomorrow or a later day."))
        return day

    def clean(self) -> dict[str, Any] | None:
        """The levels have to stay in their order on the day the row comes into force (R10)."""
        values = super().clean()
        if values and not self.errors:
            others = LevelThreshold.objects.exclude(pk=self.instance.pk)
            found = {**others.in_force(values["valid_from"]), values["level"]: values["points_from"]}
            ladder = [found[level] for level in Level.values if level in found]
            if any(upper <= lower for lower, upper in pairwise(ladder)):
                self.add_error("points_from", _("Each level has to start above the one before it on that day."))
        return values


@admin.register(LevelThreshold)
class LevelThresholdAdmin(DeskAdmin[LevelThreshold]):
    """A new threshold is a new row in the future; the rows in force are history and stay (R10)."""

    form = ThresholdForm
    list_display = ["level", "points_from", "valid_from", "is_in_force"]
    list_filter = ["level", "valid_from"]
    search_fields = ["level"]
    ordering = ["-valid_from", "points_from"]

    @admin.display(description=_("has begun"), boolean=True)
    def is_in_force(self, row: LevelThreshold) -> bool:
        return row.valid_from <= timezone.localdate()

    def has_change_permission(self, request: HttpRequest, obj: LevelThreshold | None = None) -> bool:
        return (obj is None or not self.is_in_force(obj)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: LevelThreshold | None = None) -> bool:
        if obj is None or self.is_in_force(obj):
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


class TermsForm(forms.ModelForm[TermsVersion]):
    class Meta:
        model = TermsVersion
        fields = ["version", "valid_from"]

    def clean_valid_from(self) -> datetime:
        moment: datetime = self.cleaned_data["valid_from"]
        if moment <= timezone.now():
            raise ValidationError(_("A version is published before it comes into force: choose a later moment."))
        return moment


@admin.register(TermsVersion)
class TermsVersionAdmin(DeskAdmin[TermsVersion]):
    """Versions in force have been accepted by members: they stay as they are (R9)."""

    form = TermsForm
    list_display = ["version", "valid_from"]
    search_fields = ["version"]
    date_hierarchy = "valid_from"

    def has_change_permission(self, request: HttpRequest, obj: TermsVersion | None = None) -> bool:
        return (obj is None or obj.valid_from > timezone.now()) and super().has_change_permission(request, obj)


# --- Logs ----------------------------------------------------------------------------------------


@admin.register(LevelChange)
class LevelChangeAdmin(ReadOnlyAdmin[LevelChange]):
    list_display = ["at", "member", "from_level", "to_level", "points", "cause"]
    list_filter = ["to_level", "cause", "at"]
    list_select_related = ["member"]
    search_fields = ["=member__number", "member__last_name", "=member__user__email"]
    date_hierarchy = "at"


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(ReadOnlyAdmin[TermsAcceptance]):
    list_display = ["at", "member", "terms"]
    list_filter = ["terms", "at"]
    list_select_related = ["member", "terms"]
    search_fields = ["=member__number", "member__last_name", "=member__user__email"]
    date_hierarchy = "at"
    ordering = ["-pk"]


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    list_display = ["at", "member", "code", "path", "read_at"]
    list_filter = ["code", "at", ("read_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member"]
    search_fields = ["=member__number", "member__last_name", "=member__user__email"]
    date_hierarchy = "at"


for tracked in (Member, CountryProgramme, LevelThreshold, LevelBenefit):
    admin.site.register(event_model(tracked), EventAdmin)
