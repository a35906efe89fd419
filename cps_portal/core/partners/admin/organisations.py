"""Partners in the admin: what belongs to them, and their API calls of the last day (R55)."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, PortalTabularInline, event_model
from cps_portal.core.partners.admin.credentials import ISSUE, status_of
from cps_portal.core.partners.models import ApiCall, Credential, Partner, WebhookEndpoint

SHOWN = 20
MIN_ERROR_STATUS = 400
DAY = timedelta(days=1)


class ReadOnlyInline(PortalTabularInline):
    """Rows are added and changed on pages of their own."""

    extra = 0
    show_change_link = True
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EndpointInline(ReadOnlyInline):
    model = WebhookEndpoint
    fields = ["url", "state", "failing_since", "since"]
    readonly_fields = ["url", "state", "failing_since", "since"]


class CredentialInline(ReadOnlyInline):
    model = Credential
    fields = ["name", "scopes", "expires_at", "last_used_at", "how"]
    readonly_fields = ["name", "scopes", "expires_at", "last_used_at", "how"]
    ordering = ["-created"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("partner")

    @admin.display(description=_("works"))
    def how(self, credential: Credential) -> str:
        return status_of(credential, timezone.now())


@admin.register(Partner)
class PartnerAdmin(PortalModelAdmin[Partner]):
    change_form_template = "admin/partners/partner/change_form.html"
    list_display = ["name", "kind", "active", "technical_contact", "since"]
    list_filter = ["kind", "active"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["since"]

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> list[Any]:
        """Kind and short name cannot be changed: scopes depend on the one, histories name the other."""
        return ["kind", "slug", "since"] if obj else ["since"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Partner | None = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def get_inlines(self, request: HttpRequest, obj: Partner | None) -> list[Any]:
        return [CredentialInline, EndpointInline] if obj else []

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        partner = kwargs.get("obj")
        if partner is not None:
            context |= {
                "may_issue": partner.active and request.user.has_perm(ISSUE),
                "centres": _centres(partner),
            }
            if request.user.has_perm("partners.view_apicall"):
                context |= _calls(partner)
        return super().render_change_form(request, context, *args, **kwargs)


def _centres(partner: Partner) -> list[Model]:
    """The partner's service centres. `servicing` adds the relation, which this package must not import."""
    rows: Any = getattr(partner, "centres", None)
    return list(rows.all()[:SHOWN]) if rows is not None else []


def _calls(partner: Partner) -> dict[str, Any]:
    calls = ApiCall.objects.filter(credential__partner=partner)
    day = calls.filter(at__gte=timezone.now() - DAY)
    errors = day.filter(status__gte=MIN_ERROR_STATUS).values("status", "code").annotate(n=Count("pk"))
    return {
        "calls": calls.select_related("credential")[:SHOWN],
        "day_count": day.count(),
        "wrong": errors.order_by("-n", "status", "code")[:SHOWN],
    }


@admin.register(event_model(Partner))
class PartnerEventAdmin(EventAdmin):
    pass
