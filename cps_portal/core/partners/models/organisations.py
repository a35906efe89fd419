"""Organisations that work with the portal (R55)."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.partners.enums import PartnerKind


@pghistory.track()
class Partner(models.Model):  # type: ignore[django-manager-missing]  # a base of Credential is untyped
    """A fulfilment partner, an organisation that runs service centres, or a retailer."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=PartnerKind)
    active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_(
            "A partner that is not active gets no webhooks and no access to the API, at once. "
            "Webhooks wait until it is active again; then its credentials work again, too."
        ),
    )
    technical_contact = models.EmailField(
        _("technical contact"),
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "Who looks after their systems. We write to this address if an endpoint does not answer, "
            "before we suspend it. Without an address we never suspend an endpoint for that."
        ),
    )
    since = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="partner_kind_known", condition=Q(kind__in=PartnerKind.values))]

    def __str__(self) -> str:
        return self.name
