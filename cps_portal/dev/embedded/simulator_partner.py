"""Register the fulfilment simulator as a partner of the development portal."""

from pathlib import Path

from django.db import transaction
from django.utils import timezone

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from cps_portal.dev.embedded.folder import write_private

TYPES = ["welcome_pack.requested", "welcome_pack.cancelled", "membership_card.requested"]


@transaction.atomic
def register_simulator(url: str, secret_file: Path) -> None:
    """Point its webhook endpoint to this start's address, and write its signing secret to the file it reads."""
    now = timezone.now()
    partner, _created = Partner.objects.get_or_create(
        slug="sample-fulfilment",
        defaults={"name": "Sample fulfilment partner", "kind": PartnerKind.FULFILMENT, "since": now},
    )
    endpoint = WebhookEndpoint.objects.live().filter(partner=partner).first()
    if endpoint is None:
        endpoint, _secret = partners.add_endpoint(partner=partner, url=url, types=TYPES, by=None, at=now)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=url, failing_since=None, quiet_until=None)
    write_private(secret_file, partners.live_secrets(endpoint=endpoint, at=now)[0])
