"""Webhook endpoints in the admin, with their secrets, waiting messages and delivery attempts (R38, R55)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.enums import OPEN, State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.forms import EndpointForm, SuspendForm
from cps_portal.core.partners.models import Attempt, EndpointSecret, WebhookEndpoint

OPERATE = "partners.operate_webhookendpoint"
SHOWN = 20


class TroubleFilter(admin.SimpleListFilter):
    title = _("deliveries")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Failing or suspended")), ("no", _("Healthy"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "no":
            return queryset.live().filter(failing_since=None, state=EndpointState.ACTIVE)
        return queryset.in_trouble(timezone.now()) if self.value() else queryset


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(PortalModelAdmin[WebhookEndpoint]):
    """The secret is shown once, when it is made. The buttons below the form call actions."""

    form = EndpointForm
    change_form_template = "admin/partners/webhookendpoint/change_form.html"
    secret_template = "admin/partners/webhookendpoint/secret.html"  # noqa: S105
    list_display = ["url", "partner", "state", "failing_since", "suspended_at", "since", "ended_at"]
    list_filter = [TroubleFilter, "state", ("ended_at", admin.EmptyFieldListFilter), "partner"]
    list_select_related = ["partner"]
    search_fields = ["url", "partner__name"]
    readonly_fields = [
        "state",
        "reason",
        "suspended_at",
        "failing_since",
        "quiet_until",
        "suspends_at",
        "since",
        "ended_at",
    ]

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[Any]:
        own = ["partner", "url", "types", "version", "payload"]
        return [*own, *self.readonly_fields] if obj else own

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[Any]:
        return ["partner", *self.readonly_fields] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        """A deleted endpoint is read-only."""
        return super().has_change_permission(request, obj) and not (obj and obj.ended_at)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE)

    def get_urls(self) -> list[URLPattern]:
        operate = self.admin_site.admin_view(self.operate)
        own = [path("<int:pk>/operate/", operate, name="partners_webhookendpoint_operate")]
        return [*own, *super().get_urls()]

    # Add

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        if change:
            super().save_model(request, obj, form, change)
            return
        endpoint, secret = actions.add_endpoint(
            partner=obj.partner,
            url=obj.url,
            types=obj.types,
            version=obj.version,
            payload=obj.payload,
            by=_user(request),
            at=timezone.now(),
        )
        obj.pk, obj.since = endpoint.pk, endpoint.since
        obj.shown_once = secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show(request, obj, obj.shown_once)  # type: ignore[attr-defined]

    @sensitive_variables("secret")
    def _show(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        """Show the secret in this response only; it is not stored anywhere, not even in the session."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The secret of this endpoint"),
            "original": endpoint,
            "secret": secret,
            "live": EndpointSecret.objects.filter(endpoint=endpoint).live(timezone.now()),
        }
        return TemplateResponse(request, self.secret_template, context)

    # Operate

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        endpoint = kwargs.get("obj")
        if endpoint is not None:
            waiting = Message.objects.filter(ordering_key=endpoint.ordering_key, state__in=OPEN)
            context |= {
                "may_operate": self.has_operate_permission(request) and not endpoint.ended_at,
                "may_rotate": self.has_change_permission(request, endpoint),
                "suspend_form": SuspendForm(),
                "waiting": waiting.order_by("next_at", "pk")[:SHOWN],
                "waiting_count": waiting.count(),
                "attempts": endpoint.attempts.all()[:SHOWN],
                "live": EndpointSecret.objects.filter(endpoint=endpoint).live(timezone.now()),
                "sent": Message.objects.filter(ordering_key=endpoint.ordering_key, state=State.SENT).order_by(
                    "-sent_at"
                )[:SHOWN],
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def operate(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint.objects.select_related("partner"), pk=pk)
        page = HttpResponseRedirect(reverse("admin:partners_webhookendpoint_change", args=[pk]))
        command = request.POST.get("do", "")
        rotates = command in {"rotate", "rotate_at_once"}
        changes = rotates or command == "end"
        allowed = self.has_change_permission(request, endpoint) if changes else self.has_operate_permission(request)
        if request.method == "POST" and not allowed:
            raise PermissionDenied
        try:
            if rotates:
                return self._rotate(request, endpoint, at_once=command == "rotate_at_once")
            note = self._operate(request, endpoint, command)
        except Refusal as refusal:
            self.message_user(request, str(refusal.message), messages.ERROR)
            return page
        if note:
            self.log_change(request, endpoint, note)
            self.message_user(request, note, messages.SUCCESS)
        return page

    def _operate(self, request: HttpRequest, endpoint: WebhookEndpoint, command: str) -> str:
        """Run a command and return the sentence that confirms it; "" for an unknown command."""
        by, now = _user(request), timezone.now()
        if command == "suspend":
            form = SuspendForm(request.POST)
            if not form.is_valid():
                raise Refusal("reason", "; ".join(str(error) for error in form.errors["reason"]), "reason")
            actions.suspend_endpoint(endpoint=endpoint, reason=form.cleaned_data["reason"], by=by, at=now)
            return gettext("Suspended. Messages wait until you resume it.")
        if command == "resume":
            actions.resume_endpoint(endpoint=endpoint, by=by, at=now)
            return gettext("Resumed. Waiting messages are sent now.")
        if command == "ping":
            message = actions.ping_endpoint(endpoint=endpoint, by=by, at=now)
            return gettext("Test %(key)s is being sent. See the result below.") % {"key": message.key}
        if command == "end":
            actions.delete_endpoint(endpoint=endpoint, by=by, at=now)
            return gettext("Deleted. Nothing is sent there any more.")
        if command.startswith("resend:"):
            key = command.removeprefix("resend:")
            rows = Message.objects.filter(ordering_key=endpoint.ordering_key)
            message = get_object_or_404(rows, pk=int(key) if key.isdecimal() and len(key) < 19 else 0)
            actions.resend_webhook(message=message, by=by, at=now)
            return gettext("%(key)s is sent again.") % {"key": message.key}
        return ""

    def _rotate(self, request: HttpRequest, endpoint: WebhookEndpoint, *, at_once: bool) -> HttpResponse:
        secret = actions.rotate_secret(endpoint=endpoint, by=_user(request), at=timezone.now(), at_once=at_once)
        self.log_change(request, endpoint, gettext("New secret."))
        return self._show(request, endpoint, secret)


def _user(request: HttpRequest) -> Any:
    return request.user


@admin.register(EndpointSecret)
class EndpointSecretAdmin(ReadOnlyAdmin[EndpointSecret]):
    """Lists the secrets without their content."""

    list_display = ["endpoint", "since", "expires_at"]
    list_filter = ["since", "expires_at"]
    list_select_related = ["endpoint"]
    search_fields = ["endpoint__url"]


class AnswerFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Acknowledged")), ("no", _("Not acknowledged")), ("none", _("No answer"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(status__range=(200, 299))
        if self.value() == "no":
            return queryset.exclude(status__range=(200, 299)).exclude(status=0)
        return queryset.filter(status=0) if self.value() else queryset


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Deliveries and what the partner's server answered."""

    list_display = ["at", "endpoint", "type", "key", "status", "took_ms", "error"]
    list_display_links = ["at", "key"]
    list_filter = [AnswerFilter, "at", "endpoint__partner"]
    list_select_related = ["endpoint"]
    search_fields = ["key", "answer", "error"]


@admin.register(event_model(WebhookEndpoint))
class WebhookEndpointEventAdmin(EventAdmin):
    pass


@admin.register(event_model(EndpointSecret))
class EndpointSecretEventAdmin(EventAdmin):
    """When secrets were made and ended, and by whom, without the secrets."""
