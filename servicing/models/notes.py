"""What a centre writes down about a job for itself (R73)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from members.models import User
from servicing.models.tickets import Ticket


class TicketNote(models.Model):
    """An internal note. Customers never see it on a page; its text can be erased (R14)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="notes", verbose_name=_("ticket"))
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    text = models.TextField(_("text"), max_length=3000, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("internal note")
        verbose_name_plural = _("internal notes")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.ticket_id}, {write_day(self.at)}"
