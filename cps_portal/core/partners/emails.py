"""Mails to the technical contact of a partner about its webhook endpoints (R38)."""

from django.conf import settings

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.models import WebhookEndpoint

GUIDE = "/developers/webhooks"


@renderer("partners.endpoint_failing")
def endpoint_failing(*, endpoint: int) -> dict[str, str] | None:
    """Before it is suspended, with the day. None if it has answered in the meantime."""
    row = WebhookEndpoint.objects.live().select_related("partner").filter(pk=endpoint).first()
    if row is None or row.state != EndpointState.ACTIVE or row.suspends_at is None:
        return None
    return _render("endpoint_failing", row)


@renderer("partners.endpoint_suspended")
def endpoint_suspended(*, endpoint: int) -> dict[str, str] | None:
    """None if it was resumed or deleted in the meantime."""
    row = WebhookEndpoint.objects.live().select_related("partner").filter(pk=endpoint).first()
    if row is None or row.state != EndpointState.SUSPENDED:
        return None
    return _render("endpoint_suspended", row)


def _render(template: str, endpoint: WebhookEndpoint) -> dict[str, str]:
    """With what the server answered last."""
    last = endpoint.attempts.order_by("-at", "-pk").first()
    context = {
        "endpoint": endpoint,
        "status": last.status if last else 0,
        "error": last.error if last else "",
        "url": f"{settings.SITE_URL}{GUIDE}",
    }
    return render_mail(template, context, language=settings.LANGUAGE_CODE)
