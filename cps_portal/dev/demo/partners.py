"""A partner of each kind to try the API with. The secret is public, so never create them outside development."""

from django.db import transaction
from django.utils import timezone

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import SCOPES, PartnerKind
from cps_portal.core.partners.models import Credential, Partner
from cps_portal.dev.demo.service import HOME
from servicing.models import ServiceCentre

SECRET = "sandbox-secret-known-to-everybody"  # noqa: S105
SANDBOX = {
    PartnerKind.CENTRE: ("sample-centre", "Sample service centre"),
    PartnerKind.RETAILER: ("sample-retailer", "Sample retailer"),
    PartnerKind.FULFILMENT: ("sample-fulfilment", "Sample fulfilment partner"),  # the simulator that `make run` starts
}


@transaction.atomic
def make_partners() -> None:
    """Each client id is the partner's slug. The centre gets the tickets of Johannesburg."""
    now = timezone.now()
    for kind, (slug, name) in SANDBOX.items():
        defaults = {"name": name, "kind": kind, "since": now}
        partner, _created = Partner.objects.get_or_create(slug=slug, defaults=defaults)
        if not Credential.objects.filter(client_id=slug).exists():
            scopes = [scope.value for scope in SCOPES[kind]]
            partners.issue_credential(
                partner=partner, name="Sandbox", scopes=scopes, by=None, at=now, fixed=(slug, SECRET)
            )
        if kind == PartnerKind.CENTRE:
            ServiceCentre.objects.filter(slug=HOME, partner=None).update(partner=partner)
