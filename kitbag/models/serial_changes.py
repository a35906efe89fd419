"""Serial numbers that a service centre replaced (R64)."""

from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.partners.models import Partner
from kitbag.enums import SerialChangeState
from kitbag.models.catalogue import Product
from kitbag.models.ownership import Claim
from kitbag.models.registrations import Registration
from members.models import User


class SerialChangeQuerySet(models.QuerySet["SerialChange"]):
    def applied(self) -> Self:
        return self.filter(state=SerialChangeState.APPLIED)

    def waiting(self) -> Self:
        """Those whose new number somebody else holds, while no claim is open."""
        return self.filter(state=SerialChangeState.CLAIMED).exclude(claim__outcome="", claim__isnull=False)


@pghistory.track()
class SerialChange(models.Model):
    """A centre replaced a product or its main board, which has a new number now. The old one stays known.

    `registration` is the one that had the old number, if the product was in a Kitbag. `claim` is about the new number,
    if another member holds it (R32).
    """

    product = models.ForeignKey(Product, models.PROTECT, related_name="serial_changes", verbose_name=_("product"))
    registration = models.ForeignKey(
        Registration,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="serial_changes",
        verbose_name=_("registration"),
    )
    serial = models.CharField(_("old serial number"), max_length=40)
    serial_key = models.CharField(max_length=40, editable=False)
    new_serial = models.CharField(_("new serial number"), max_length=40)
    new_key = models.CharField(max_length=40, editable=False)
    state = models.CharField(_("state"), max_length=8, choices=SerialChangeState)
    claim = models.OneToOneField(
        Claim, models.PROTECT, null=True, blank=True, related_name="serial_change", verbose_name=_("claim")
    )
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )
    at = models.DateTimeField(_("at"))

    objects = SerialChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("changed serial number")
        verbose_name_plural = _("changed serial numbers")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["serial_key"], name="serial_change_old"),
            models.Index(fields=["new_key"], name="serial_change_new"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "serial_key"],
                name="serial_change_old_once",
                condition=~Q(state=SerialChangeState.DROPPED),
                violation_error_message=_("This serial number has been replaced already."),
            ),
            models.UniqueConstraint(
                fields=["product", "new_key"],
                name="serial_change_new_once",
                condition=Q(state=SerialChangeState.APPLIED),
                violation_error_message=_("This is the new number of another product."),
            ),
            models.CheckConstraint(name="serial_change_state_known", condition=Q(state__in=SerialChangeState.values)),
            models.CheckConstraint(name="serial_change_differs", condition=~Q(serial_key=F("new_key"))),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.serial} → {self.new_serial}"
