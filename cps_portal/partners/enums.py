from django.db import models
from django.utils.translation import gettext_lazy as _


class PartnerKind(models.TextChoices):
    """R55."""

    FULFILMENT = "fulfilment", _("Fulfilment house")
    CENTRE = "centre", _("Service centre")
    RETAILER = "retailer", _("Retailer")


class EndpointState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
