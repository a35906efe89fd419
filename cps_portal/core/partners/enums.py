from django.db import models
from django.utils.translation import gettext_lazy as _


class PartnerKind(models.TextChoices):
    """R55."""

    FULFILMENT = "fulfilment", _("Fulfilment partner")
    CENTRE = "centre", _("Service centre")
    RETAILER = "retailer", _("Retailer")


class EndpointState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")


class Version(models.IntegerChoices):
    """What a webhook looks like. A new version is made for a change that could break a receiver."""

    FIRST = 1, _("1: type, timestamp, subject, sequence, data")
    SECOND = 2, _("2: also id, version, when it happened, and the address of the object")


LATEST_VERSION = Version.SECOND


class Payload(models.TextChoices):
    """What a webhook contains: the data, or only the address to read them at."""

    FULL = "full", _("Full: with the data")
    THIN = "thin", _("Thin: only the address to read the data at")


class Scope(models.TextChoices):
    """What a credential may do (R55)."""

    TICKETS_READ = "tickets:read", _("Read tickets and all that belongs to them")
    TICKETS_WRITE = "tickets:write", _("Record what happens to tickets")
    LOANS_READ = "loans:read", _("Read loans and the units of the pool")
    LOANS_WRITE = "loans:write", _("Hand out and take back loans")
    INTAKE = "intake", _("Check what is brought in, open jobs at the counter, visiting members")
    CARDS = "cards", _("Check membership cards")
    SALES_READ = "sales:read", _("Read the own sales")
    SALES_WRITE = "sales:write", _("Confirm and withdraw sales")
    PACKS_READ = "packs:read", _("Read the requests for Welcome Packs")
    PACKS_WRITE = "packs:write", _("Report on Welcome Packs")
    CATALOGUE = "catalogue", _("Read the catalogue")
    WEBHOOKS = "webhooks", _("Manage the own webhook endpoints")


COMMON = (Scope.CATALOGUE, Scope.WEBHOOKS)
SCOPES: dict[str, tuple[Scope, ...]] = {  # what a partner of each kind may be given at most
    PartnerKind.CENTRE: (
        Scope.TICKETS_READ,
        Scope.TICKETS_WRITE,
        Scope.LOANS_READ,
        Scope.LOANS_WRITE,
        Scope.INTAKE,
        Scope.CARDS,
        *COMMON,
    ),
    PartnerKind.RETAILER: (Scope.SALES_READ, Scope.SALES_WRITE, *COMMON),
    PartnerKind.FULFILMENT: (Scope.PACKS_READ, Scope.PACKS_WRITE, *COMMON),
}
