"""Credentials in the admin: issue, change, rotate, revoke. The secret is shown once (R55)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners import actions
from cps_portal.core.partners.forms import CredentialForm
from cps_portal.core.partners.models import Credential, Partner

for model in (AccessToken, Credential, Grant, IDToken, RefreshToken):
    admin.site.unregister(model)  # django-oauth-toolkit registers them with forms that bypass our actions
ISSUE = "partners.issue_credential"
SHOWN = 20


def status_of(credential: Credential, at: datetime) -> str:
    """Whether the credential works, and if not, why."""
    if credential.revoked_at:
        return gettext("Revoked")
    if credential.expires_at and credential.expires_at <= at:
        return gettext("Expired")
    return gettext("Works") if credential.partner.active else gettext("Its partner is not active")


class WorksFilter(admin.SimpleListFilter):
    title = _("works")
    parameter_name = "works"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Works")), ("no", _("Does not work"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Credential]) -> QuerySet[Credential]:
        live = Credential.objects.live(timezone.now()).values("pk")
        if self.value() == "yes":
            return queryset.filter(pk__in=live)
        return queryset.exclude(pk__in=live) if self.value() else queryset


@admin.register(Credential)
class CredentialAdmin(PortalModelAdmin[Credential]):
    form = CredentialForm
    change_form_template = "admin/partners/credential/change_form.html"
    list_display = ["name", "partner", "scopes", "networks", "expires_at", "last_used_at", "works"]
    list_filter = [WorksFilter, "partner__kind", "partner", "expires_at", "last_used_at"]
    list_select_related = ["partner"]
    search_fields = ["name", "partner__name", "client_id__exact"]
    search_help_text = _("Name, partner or client id")
    own = ["name", "scopes", "networks", "rate", "expires_at"]
    shown = ["works", "created", "user", "replaces", "followed_by", "revoked_at", "last_used_at", "last_used_from"]

    @admin.display(description=_("works"))
    def works(self, credential: Credential) -> str:
        return status_of(credential, timezone.now())

    @admin.display(description=_("replaced by"), empty_value="-")
    def followed_by(self, credential: Credential) -> str:
        """A link to its successor; "" if there is none."""
        following = Credential.objects.filter(replaces=credential.pk).select_related("partner").first()
        if following is None:
            return ""
        return format_html('<a href="{}">{}</a>', _page_of(following), following)

    # Permissions

    def has_issue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ISSUE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_issue_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Credential | None = None) -> bool:
        return self.has_issue_permission(request) and (obj is None or obj.is_live(timezone.now()))

    def has_view_permission(self, request: HttpRequest, obj: Credential | None = None) -> bool:
        return self.has_issue_permission(request) or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(view)

        return [
            path("<int:pk>/rotate/", wrapped(self.rotate), name="partners_credential_rotate"),
            path("<int:pk>/revoke/", wrapped(self.revoke), name="partners_credential_revoke"),
            *super().get_urls(),
        ]

    # The form

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        return super().get_queryset(request).select_related("partner", "replaces__partner")

    def get_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[Any]:
        return ["partner", "client_id", *self.own, *self.shown] if obj else self.own

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> list[Any]:
        return ["partner", "client_id", *self.shown] if obj else []

    def get_form(self, request: HttpRequest, obj: Credential | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("PartnersForm", (form,), {"partner": obj.partner if obj else _partner(request)})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the partner first, because the scopes depend on it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        partner = _partner(request)
        if partner is None:
            return self._page(request, "choose.html", _("For which partner?"), partners=_active())
        title = _("A credential for %(partner)s") % {"partner": partner}
        return super().add_view(request, form_url, {"title": title, "partner": partner, **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refusal as refusal:  # it was changed by somebody else after the form was validated
            self.message_user(request, str(refusal.message), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: Credential, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        by, now, fields = _user(request), timezone.now(), form.cleaned_data
        if change:
            changes = {name: fields[name] for name in form.changed_data}
            actions.change_credential(credential=obj, changes=changes, by=by, at=now)
            return
        issued, secret = actions.issue_credential(partner=obj.partner, **fields, by=by, at=now)
        obj.pk = issued.pk
        obj.shown_once = issued, secret

    def response_add(self, request: HttpRequest, obj: Credential, post_url_continue: str | None = None) -> HttpResponse:
        return self._show(request, *obj.shown_once)

    @sensitive_variables("secret")
    def _show(self, request: HttpRequest, credential: Credential, secret: str) -> HttpResponse:
        """Show the secret in this response only; it is not stored anywhere, not even in the session."""
        title = _("The secret of this credential")
        response = self._page(request, "secret.html", title, original=credential, secret=secret)
        response["Cache-Control"] = "no-store"
        return response

    def _page(self, request: HttpRequest, template: str, title: Any, **more: Any) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **more}
        return TemplateResponse(request, f"admin/partners/credential/{template}", context)

    # Rotate and revoke

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        credential = kwargs.get("obj")
        if credential is not None:
            may_issue = self.has_issue_permission(request)
            context |= {
                "may_rotate": may_issue and credential.is_live(timezone.now()) and not self.followed_by(credential),
                "may_revoke": may_issue and not credential.revoked_at,
                "changes": _changes(request, credential),
            }
            if request.user.has_perm("partners.view_apicall"):
                context["calls"] = credential.calls.all()[:SHOWN]
        return super().render_change_form(request, context, *args, **kwargs)

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        credential = self._to_operate(request, pk)
        if request.method != "POST":
            title, days = _("Replace this credential"), settings.CREDENTIAL_OVERLAP_DAYS
            return self._page(request, "rotate.html", title, original=credential, days=days)
        try:
            successor, secret = actions.rotate_credential(credential=credential, by=_user(request), at=timezone.now())
        except Refusal as refusal:
            return self._refused(request, credential, refusal)
        self.log_change(request, credential, gettext("Replaced by %(id)s.") % {"id": successor.client_id})
        self.log_addition(request, successor, gettext("Replaces %(id)s.") % {"id": credential.client_id})
        return self._show(request, successor, secret)

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        credential = self._to_operate(request, pk)
        if request.method != "POST":
            return self._page(request, "revoke.html", _("Revoke this credential"), original=credential)
        if credential.revoked_at is None:
            actions.revoke_credential(credential=credential, by=_user(request), at=timezone.now())
            self.log_change(request, credential, gettext("Revoked."))
        self.message_user(request, gettext("Revoked. The credential no longer works."), messages.SUCCESS)
        return _to(credential)

    def _to_operate(self, request: HttpRequest, pk: int) -> Credential:
        if not self.has_issue_permission(request):
            raise PermissionDenied
        return get_object_or_404(Credential.objects.select_related("partner"), pk=pk)

    def _refused(self, request: HttpRequest, credential: Credential, refusal: Refusal) -> HttpResponse:
        self.message_user(request, str(refusal.message), messages.ERROR)
        return _to(credential)


def _to(credential: Credential) -> HttpResponse:
    return HttpResponseRedirect(_page_of(credential))


def _page_of(credential: Credential) -> str:
    return reverse("admin:partners_credential_change", args=[credential.pk])


def _user(request: HttpRequest) -> Any:
    return request.user


def _active() -> QuerySet[Partner]:
    return Partner.objects.filter(active=True)


def _partner(request: HttpRequest) -> Partner | None:
    """Whom the address names: only active ones, which a credential can be of use to."""
    key = request.GET.get("partner", "")
    return _active().filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None


def _changes(request: HttpRequest, credential: Credential) -> list[dict[str, Any]]:
    """Its history, the newest first."""
    model: Any = event_model(Credential)
    pages: Any = admin.site._registry[model]
    rows = pages.get_queryset(request).filter(pgh_obj=credential.pk)[:SHOWN]
    return [
        {"at": pages.when(row), "what": pages.change(row), "who": pages.who(row), "how": pages.differences(row)}
        for row in rows
    ]


@admin.register(event_model(Credential))
class CredentialEventAdmin(EventAdmin):
    """When credentials were made, changed and ended, and by whom; never the secrets."""

    list_select_related = ["partner", "pgh_context"]

    def what(self, event: Any) -> str:
        return f"{event.partner}: {event.name}"
