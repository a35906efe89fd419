"""Sales confirmed by retailers (R55)."""

from datetime import date, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.partners.models import Partner
from kitbag.enums import RegistrationState, ReviewReason, SaleWithdrawal
from kitbag.models.catalogue import Product
from kitbag.models.registrations import Registration

MAX_DATE_DIFFERENCE = timedelta(days=7)  # between the member's date of purchase and the receipt's


class SaleQuerySet(models.QuerySet["Sale"]):
    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(partner=partner)

    def active(self) -> Self:
        return self.filter(withdrawn_at=None)

    def fitting(self, product: int, serial_key: str, country: str, purchased_on: date) -> Self:
        """Those that match the purchase that a member entered."""
        days = (purchased_on - MAX_DATE_DIFFERENCE, purchased_on + MAX_DATE_DIFFERENCE)
        return self.active().filter(product=product, serial_key=serial_key, country=country, sold_on__range=days)

    def to_match(self) -> Self:
        """Those that match a submitted or validated registration and have not been linked to one."""
        live = [RegistrationState.SUBMITTED, RegistrationState.VALIDATED]
        same = Registration.objects.filter(
            product=OuterRef("product"),
            serial_key=OuterRef("serial_key"),
            country=OuterRef("country"),
            state__in=live,
            purchased_on__range=(OuterRef("sold_on") - MAX_DATE_DIFFERENCE, OuterRef("sold_on") + MAX_DATE_DIFFERENCE),
        )
        return self.active().filter(Exists(same), registration=None)


class Sale(models.Model):
    """A sale confirmed by a retailer: a registration with the same details of purchase needs no other proof.

    `settled` is the review reason that it made unnecessary. A withdrawn sale is kept.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="sales", verbose_name=_("partner"))
    external_id = models.CharField(_("number at the partner"), max_length=100)
    product = models.ForeignKey(Product, models.PROTECT, related_name="sales", verbose_name=_("product"))
    serial = models.CharField(_("serial number"), max_length=40)
    serial_key = models.CharField(max_length=40, editable=False)
    country = CountryField(verbose_name=_("country"))
    sold_on = models.DateField(_("sold"))
    receipt = models.CharField(_("receipt number"), max_length=60)
    confirmed_at = models.DateTimeField(_("confirmed"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    why_withdrawn = models.CharField(_("why withdrawn"), max_length=10, choices=SaleWithdrawal, blank=True)
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, blank=True, related_name="sales", verbose_name=_("registration")
    )
    matched_at = models.DateTimeField(_("matched"), null=True, blank=True)
    settled = models.CharField(_("review made unnecessary"), max_length=20, choices=ReviewReason, blank=True)

    objects = SaleQuerySet.as_manager()

    class Meta:
        verbose_name = _("sale")
        verbose_name_plural = _("sales")
        ordering = ["-confirmed_at", "-pk"]
        permissions = [("load_sale", "Can load a retailer’s sales from a file")]
        indexes = [models.Index(fields=["partner", "confirmed_at", "id"], name="sale_of_partner")]
        constraints = [
            models.UniqueConstraint(fields=["partner", "external_id"], name="sale_heard_once"),
            models.UniqueConstraint(
                fields=["product", "serial_key"],
                name="sale_one_standing",
                condition=Q(withdrawn_at=None),
                violation_error_message=_("There is already a sale of this serial number."),
            ),
            models.CheckConstraint(
                name="sale_withdrawn",
                condition=Q(withdrawn_at=None, why_withdrawn="")
                | (Q(withdrawn_at__gte=F("confirmed_at")) & ~Q(why_withdrawn="")),
            ),
            models.CheckConstraint(
                name="sale_matched",
                condition=Q(registration=None, matched_at=None, settled="")
                | Q(registration__isnull=False, matched_at__isnull=False),
            ),
            models.CheckConstraint(name="sale_serial_key", condition=~Q(serial_key="")),
        ]

    def __str__(self) -> str:
        return f"{self.product}, {self.serial}"

    @property
    def state(self) -> str:
        return "withdrawn" if self.withdrawn_at else "matched" if self.registration_id else "confirmed"
