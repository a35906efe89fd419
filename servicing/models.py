"""Where members send their kit."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from members.enums import Programme
from servicing.enums import CentreKind, CentreStatus


class ServiceCentreQuerySet(models.QuerySet["ServiceCentre"]):
    def open(self) -> Self:
        return self.filter(status=CentreStatus.OPEN)


class ServiceCentre(models.Model):
    """A service centre or partner (R42)."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=3, choices=CentreKind)
    country = CountryField(verbose_name=_("country"))
    city = models.CharField(_("city"), max_length=80)
    latitude = models.DecimalField(_("latitude"), max_digits=8, decimal_places=5)
    longitude = models.DecimalField(_("longitude"), max_digits=8, decimal_places=5)
    programme = models.CharField(_("programme"), max_length=12, choices=Programme)
    status = models.CharField(_("status"), max_length=10, choices=CentreStatus, default=CentreStatus.OPEN)
    notice = models.CharField(_("notice"), max_length=200, blank=True)
    sample = models.BooleanField(_("sample"), default=False)

    objects = ServiceCentreQuerySet.as_manager()

    class Meta:
        verbose_name = _("service centre")
        verbose_name_plural = _("service centres")
        ordering = ["country", "name"]
        constraints = [
            models.CheckConstraint(
                name="service_centre_position",
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                violation_error_message=_("Latitude is from -90 to 90, longitude from -180 to 180."),
            )
        ]

    def __str__(self) -> str:
        return self.name
