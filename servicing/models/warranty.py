"""How long the warranty of a kind of product lasts, by country of purchase (R60)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from kitbag.enums import Shelf

MAX_MONTHS = 120


class WarrantyPeriod(models.Model):
    """A length of warranty. Without a country it is that of all countries that have none of their own."""

    shelf = models.CharField(_("kind of product"), max_length=10, choices=Shelf)
    country = CountryField(
        verbose_name=_("country of purchase"), blank=True, help_text=_("Leave it empty for all other countries.")
    )
    months = models.PositiveSmallIntegerField(
        _("months"), validators=[MinValueValidator(1), MaxValueValidator(MAX_MONTHS)]
    )
    sample = models.BooleanField(
        _("sample"), default=False, help_text=_("To be checked against the terms of the country.")
    )

    class Meta:
        verbose_name = _("warranty period")
        verbose_name_plural = _("warranty periods")
        ordering = ["shelf", "country"]
        constraints = [
            models.UniqueConstraint(
                fields=["shelf", "country"],
                name="warranty_period_once",
                violation_error_message=_("There is a period for this kind of product and country already."),
            ),
            models.CheckConstraint(name="warranty_period_months", condition=Q(months__range=(1, MAX_MONTHS))),
        ]

    def __str__(self) -> str:
        return f"{self.get_shelf_display()}, {self.country.name or _('all other countries')}: {self.months}"
