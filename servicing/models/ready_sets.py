"""Lines that a centre reuses in its estimates (R62)."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from servicing.enums import LineKind
from servicing.models.centres import ServiceCentre

MAX_NAME_LENGTH = 40  # what fits on a button
READY_KINDS = [kind for kind in LineKind if kind != LineKind.DISCOUNT]


class ReadySet(models.Model):
    """Lines that are inserted into an estimate with one press, and can be edited there."""

    centre = models.ForeignKey(ServiceCentre, models.CASCADE, related_name="ready_sets", verbose_name=_("centre"))
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, help_text=_("For the staff of the centre only."))
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The sets with the lowest numbers come first.")
    )

    class Meta:
        verbose_name = _("ready set")
        verbose_name_plural = _("ready sets")
        ordering = ["centre", "position", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["centre", "name"],
                name="ready_set_once",
                violation_error_message=_("This centre has a ready set with this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ReadySetLine(models.Model):
    """A line of a ready set. Its tax is the centre’s."""

    ready_set = models.ForeignKey(ReadySet, models.CASCADE, related_name="lines", verbose_name=_("ready set"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(
        _("for"), max_length=12, choices=[(kind.value, kind.label) for kind in READY_KINDS], default=LineKind.WORK
    )
    text = models.CharField(_("what"), max_length=200, help_text=_("The customer reads it."))
    quantity = models.DecimalField(
        _("quantity"),
        max_digits=7,
        decimal_places=2,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    price = models.DecimalField(
        _("unit price"), max_digits=9, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )

    class Meta:
        verbose_name = _("line of a ready set")
        verbose_name_plural = _("lines of ready sets")
        ordering = ["ready_set", "position", "pk"]
        constraints = [
            models.CheckConstraint(
                name="ready_set_line_quantity",
                condition=Q(quantity__gt=0),
                violation_error_message=_("The quantity must be above 0."),
            ),
            models.CheckConstraint(
                name="ready_set_line_price",
                condition=Q(price__gte=0),
                violation_error_message=_("Enter a price of 0 or more. The member’s discount is added by itself."),
            ),
            models.CheckConstraint(name="ready_set_line_kind_known", condition=Q(kind__in=READY_KINDS)),
        ]

    def __str__(self) -> str:
        return self.text
