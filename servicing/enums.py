from django.db import models
from django.utils.translation import gettext_lazy as _


class CentreKind(models.TextChoices):
    """R42."""

    PSC = "PSC", _("Professional Service Centre")
    CEC = "CEC", _("Customer Experience Centre")
    ASP = "ASP", _("Authorised Service Partner")


class CentreStatus(models.TextChoices):
    OPEN = "open", _("Open")
    SUSPENDED = "suspended", _("Suspended")
