"""Retailers, and when they were authorised (R24, R60)."""

from datetime import date
from typing import Self

import pghistory
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.dates import write_day
from kitbag.enums import RetailerKind


class RetailerQuerySet(models.QuerySet["Retailer"]):
    def authorised(self, on: date) -> Self:
        """Those that were authorised on a day."""
        periods = AuthorisedPeriod.objects.filter(retailer=OuterRef("pk"), begins_on__lte=on)
        return self.filter(Exists(periods.filter(Q(ends_on=None) | Q(ends_on__gt=on))))


@pghistory.track(exclude=["sample"])
class Retailer(models.Model):
    """A shop that the store field suggests in its country. Members may enter any other store, too (R24)."""

    name = models.CharField(_("name"), max_length=120)
    country = CountryField(verbose_name=_("country"))
    kind = models.CharField(_("kind"), max_length=12, choices=RetailerKind, default=RetailerKind.SPECIALIST)
    sample = models.BooleanField(_("sample"), default=True, help_text=_("Assumed, not published by the programme."))

    objects = RetailerQuerySet.as_manager()

    class Meta:
        verbose_name = _("retailer")
        verbose_name_plural = _("retailers")
        ordering = ["country", "name"]
        constraints = [
            models.UniqueConstraint(
                "country",
                Lower("name"),
                name="retailer_once_a_country",
                violation_error_message=_("This country already has a retailer with this name."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.country.code})"


@pghistory.track()
class AuthorisedPeriod(models.Model):
    """A period in which a retailer is authorised (R24, R60). `ends_on` is the first day after it."""

    retailer = models.ForeignKey(Retailer, models.CASCADE, related_name="periods", verbose_name=_("retailer"))
    begins_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("authorised period")
        verbose_name_plural = _("authorised periods")
        ordering = ["retailer", "begins_on"]
        constraints = [
            models.UniqueConstraint(fields=["retailer", "begins_on"], name="authorised_period_once_a_day"),
            models.CheckConstraint(
                name="authorised_period_lasts",
                condition=Q(ends_on=None) | Q(ends_on__gt=F("begins_on")),
                violation_error_message=_("The end must be after the beginning."),
            ),
        ]

    def __str__(self) -> str:
        return f"{write_day(self.begins_on)} – {write_day(self.ends_on)}"
