"""What was done to a product, which stays with its serial number (R64)."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.partners.models import Partner
from kitbag.models import Product
from members.models import User
from servicing.models.tickets import Ticket

MAX_TEXT_LENGTH = 2000
MAX_TECHNICIAN_LENGTH = 80


@pghistory.track(fields=["at"], model_name="ServiceReportHistoryEvent")
class ServiceReport(models.Model):
    """The report of one job. `product` and `serial_key` are those of the product that went back to the customer.

    They stay when the customer is erased, so that the next owner still sees what was done (R14, R35).
    """

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="report", verbose_name=_("ticket"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    serial_key = models.CharField(max_length=40, null=True, blank=True, editable=False)
    done = models.TextField(_("what was done"), max_length=MAX_TEXT_LENGTH, help_text=_("The next owner reads it too."))
    notes = models.TextField(_("measurements and notes"), max_length=MAX_TEXT_LENGTH, blank=True)
    parts = models.TextField(_("parts used"), max_length=MAX_TEXT_LENGTH, blank=True, help_text=_("One in each line."))
    technician = models.CharField(_("technician or team"), max_length=MAX_TECHNICIAN_LENGTH, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )
    at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("service report")
        verbose_name_plural = _("service reports")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["product", "serial_key"], name="service_report_serial")]

    def __str__(self) -> str:
        return f"{self.ticket}"

    @property
    def part_lines(self) -> list[str]:
        return [line.strip() for line in self.parts.splitlines() if line.strip()]

    @property
    def note_lines(self) -> list[str]:
        return [line.strip() for line in self.notes.splitlines() if line.strip()]
