"""Estimates and parts of a repair (R47, R48, R52)."""

from decimal import Decimal

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import User
from servicing.enums import EstimateState, LineKind
from servicing.models.tickets import Ticket

CENT = Decimal("0.01")


@pghistory.track(fields=["state"], model_name="EstimateHistoryEvent")
class Estimate(models.Model):
    """What the centre charges for the work. One is open at a time: a new one withdraws the one before it."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="estimates", verbose_name=_("ticket"))
    number = models.PositiveSmallIntegerField(_("number"))
    currency = models.CharField(_("currency"), max_length=3)
    valid_until = models.DateField(_("valid until"))
    note = models.TextField(_("findings"), blank=True, max_length=2000)
    state = models.CharField(_("state"), max_length=10, choices=EstimateState, default=EstimateState.OPEN)
    sent_at = models.DateTimeField(_("sent"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True, editable=False)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("estimate")
        verbose_name_plural = _("estimates")
        ordering = ["ticket", "number"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "number"], name="estimate_number"),
            models.UniqueConstraint(fields=["ticket"], name="estimate_one_open", condition=Q(state=EstimateState.OPEN)),
            models.CheckConstraint(name="estimate_currency", condition=Q(currency__regex=r"^[A-Z]{3}$")),
            models.CheckConstraint(
                name="estimate_answered",
                condition=Q(state=EstimateState.OPEN, answered_at=None)
                | (~Q(state=EstimateState.OPEN) & Q(answered_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket}/{self.number}"

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines.all()), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines.all()), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


class EstimateLine(models.Model):
    """One line: a part, labour, or the discount of the member's level (below zero, with its percent and no text).

    Amounts are rounded to the cent in each line.
    """

    estimate = models.ForeignKey(Estimate, models.PROTECT, related_name="lines", verbose_name=_("estimate"))
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=12, choices=LineKind, default=LineKind.WORK, db_default=LineKind.WORK)
    text = models.CharField(_("text"), max_length=200, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=7, decimal_places=2, default=Decimal(1))
    price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=2)
    tax_percent = models.DecimalField(
        _("tax in percent"),
        max_digits=4,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(99))],
    )
    discount_percent = models.PositiveSmallIntegerField(_("discount in percent"), null=True, blank=True)

    class Meta:
        verbose_name = _("estimate line")
        verbose_name_plural = _("estimate lines")
        ordering = ["estimate", "position"]
        constraints = [
            models.UniqueConstraint(fields=["estimate", "position"], name="estimate_line_position"),
            models.CheckConstraint(
                name="estimate_line_quantity",
                condition=Q(quantity__gt=0),
                violation_error_message=_("The quantity must be above 0."),
            ),
            models.CheckConstraint(name="estimate_line_tax", condition=Q(tax_percent__range=(0, 99))),
            models.CheckConstraint(name="estimate_line_kind_known", condition=Q(kind__in=LineKind.values)),
            models.CheckConstraint(
                name="estimate_line_discount",
                condition=Q(kind=LineKind.DISCOUNT, price__lte=0, text="", discount_percent__gt=0)
                | ~Q(kind=LineKind.DISCOUNT) & Q(price__gte=0, discount_percent=None) & ~Q(text=""),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What the customer reads; the discount in the reader's language."""
        if self.kind == LineKind.DISCOUNT:
            return str(_("%(percent)s percent off maintenance") % {"percent": self.discount_percent})
        return self.text

    @property
    def net(self) -> Decimal:
        return (self.quantity * self.price).quantize(CENT)

    @property
    def tax(self) -> Decimal:
        return (self.net * self.tax_percent / 100).quantize(CENT)


class EstimateDraft(models.Model):
    """What a centre has typed of an estimate and not sent, one for each job. Only its staff see it.

    `lines` has the fields of each line by name as they were typed, finished or not; so has the rest.
    """

    ticket = models.OneToOneField(
        Ticket, models.PROTECT, related_name="estimate_draft", verbose_name=_("ticket"), editable=False
    )
    lines = models.JSONField(_("lines"), default=list)
    valid_until = models.CharField(_("valid until"), max_length=40, blank=True)
    note = models.TextField(_("findings"), blank=True, max_length=2000)
    occurred_at = models.CharField(_("when, if earlier"), max_length=40, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    saved_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("draft of an estimate")
        verbose_name_plural = _("drafts of estimates")
        ordering = ["-saved_at"]

    def __str__(self) -> str:
        return str(self.ticket)

    @property
    def version(self) -> str:
        """Changes whenever it is saved."""
        return self.saved_at.isoformat()


class Part(models.Model):
    """A part that a repair waits for."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="parts", verbose_name=_("ticket"))
    name = models.CharField(_("part"), max_length=120)
    ordered_at = models.DateTimeField(_("ordered"))
    expected_on = models.DateField(_("expected"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        ordering = ["ticket", "ordered_at", "pk"]

    def __str__(self) -> str:
        return self.name
