"""Equipment that a centre lends while a repair takes longer than its target (R48, R53)."""

from datetime import date
from typing import Self

import pghistory
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.translations import Translated, TranslationsField
from cps_portal.core.partners.models import Partner
from kitbag.models import Product
from members.models import Member, User
from servicing.enums import OPEN_LOANS, LoanState, TicketState
from servicing.models.centres import ServiceCentre
from servicing.models.tickets import Ticket


class LoanUnitQuerySet(models.QuerySet["LoanUnit"]):
    def seen_by(self, user: User) -> Self:
        """Those of the centres where the user works; all of them for users who may see every centre."""
        return self if user.has_perm("servicing.view_every_ticket") else self.filter(centre__staff__user=user)

    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(centre__partner=partner)

    def with_lent(self) -> Self:
        """Adds ``is_lent``."""
        return self.annotate(is_lent=Exists(Loan.objects.open().filter(unit=OuterRef("pk"))))

    def in_stock(self, *, free: bool) -> Self:
        """After `with_lent`: the units that can be lent, or all others."""
        can_be_lent = Q(in_pool=True, is_lent=False)
        return self.filter(can_be_lent if free else ~can_be_lent)

    def free(self) -> Self:
        return self.filter(in_pool=True).exclude(loans__state__in=OPEN_LOANS)


@pghistory.track()
class LoanUnit(Translated, models.Model):
    """One item that a centre can lend."""

    centre = models.ForeignKey(ServiceCentre, models.PROTECT, related_name="loan_units", verbose_name=_("centre"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    serial = models.CharField(_("serial number"), max_length=40)
    condition = models.CharField(_("condition"), max_length=300, blank=True)
    translations = TranslationsField(of=("condition",))
    in_pool = models.BooleanField(_("in the pool"), default=True)
    sample = models.BooleanField(_("sample"), default=False)

    objects = LoanUnitQuerySet.as_manager()

    class Meta:
        verbose_name = _("loan unit")
        verbose_name_plural = _("loan units")
        ordering = ["centre", "product", "serial"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "serial"],
                name="loan_unit_once",
                violation_error_message=_("This item is in a pool already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.product}, {self.serial}"


class LoanQuerySet(models.QuerySet["Loan"]):
    def seen_by(self, user: User) -> Self:
        """The same centres as for units."""
        return self if user.has_perm("servicing.view_every_ticket") else self.of_staff(user.pk)

    def of_staff(self, user: int) -> Self:
        """Those of the centres where the user works."""
        return self.filter(unit__centre__staff__user=user)

    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(unit__centre__partner=partner)

    def open(self) -> Self:
        return self.filter(state__in=OPEN_LOANS)

    def overdue(self, on: date) -> Self:
        return self.filter(state=LoanState.OUT, due_back__lt=on)


@pghistory.track(fields=["state", "due_back"], model_name="LoanHistoryEvent")
class Loan(models.Model):
    """A unit that a member has reserved or borrowed. A constraint lends each unit to one member only.

    `due_back` is the day that the member has been told; None while the loan follows the repair (R53).
    """

    unit = models.ForeignKey(LoanUnit, models.PROTECT, related_name="loans", verbose_name=_("unit"))
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="loans", verbose_name=_("ticket"))
    member = models.ForeignKey(Member, models.PROTECT, related_name="loans", verbose_name=_("member"))
    state = models.CharField(_("state"), max_length=10, choices=LoanState, default=LoanState.RESERVED)
    reserved_at = models.DateTimeField(_("reserved"))
    agreed_at = models.DateTimeField(_("agreement accepted"), null=True, blank=True)
    agreement = models.CharField(_("version of the agreement"), max_length=20, blank=True)
    out_at = models.DateTimeField(_("handed out"), null=True, blank=True)
    condition_out = models.CharField(_("condition when handed out"), max_length=500, blank=True)
    due_back = models.DateField(_("due back"), null=True, blank=True)
    reminded_on = models.DateField(_("last reminded"), null=True, blank=True)
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    condition_in = models.CharField(_("condition when returned"), max_length=500, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))

    objects = LoanQuerySet.as_manager()

    class Meta:
        verbose_name = _("loan")
        verbose_name_plural = _("loans")
        ordering = ["-reserved_at", "-pk"]
        indexes = [models.Index(fields=["due_back"], name="loan_due_back", condition=Q(state=LoanState.OUT))]
        constraints = [
            models.UniqueConstraint(
                fields=["unit"],
                name="loan_one_a_unit",
                condition=Q(state__in=OPEN_LOANS),
                violation_error_message=_("Someone else has this unit."),
            ),
            models.UniqueConstraint(fields=["ticket"], name="loan_one_a_ticket", condition=Q(state__in=OPEN_LOANS)),
            models.CheckConstraint(
                name="loan_state_agrees",
                condition=Q(state=LoanState.RESERVED, out_at=None, returned_at=None, cancelled_at=None)
                | Q(
                    state=LoanState.OUT,
                    agreed_at__isnull=False,
                    out_at__isnull=False,
                    returned_at=None,
                    cancelled_at=None,
                )
                | Q(state=LoanState.RETURNED, out_at__isnull=False, returned_at__gte=F("out_at"), cancelled_at=None)
                | Q(state=LoanState.CANCELLED, out_at=None, returned_at=None, cancelled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.ticket_id}"

    @property
    def waits_for_own(self) -> bool:
        """Whether the member’s own product is still with the centre, so that nobody asks for the loan yet (R53)."""
        ticket = self.ticket
        if ticket.ended_at or ticket.state == TicketState.SHIPPED:
            return False
        return ticket.ready_at is None or ticket.parcel.returns

    @property
    def is_day_final(self) -> bool:
        """Whether the member has their own product again, so that the day no longer moves with the job (R53)."""
        boxes = self.ticket.shipments.to_customer()
        is_own_back = self.ticket.ended_at is not None or boxes.exclude(delivered_at=None).exists()
        return self.due_back is not None and is_own_back

    def is_overdue(self, on: date) -> bool:
        is_past = self.state == LoanState.OUT and self.due_back is not None and self.due_back < on
        return is_past and not self.waits_for_own
