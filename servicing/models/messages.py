"""What is said and shown about a ticket: its messages, photos and documents (R52, R73)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.dates import write_day
from cps_portal.core.partners.models import Partner
from members.models import User
from servicing.enums import TicketFileKind
from servicing.models.tickets import Ticket


class TicketMessage(models.Model):
    """A message between member and centre. The text can be erased (R14)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="messages", verbose_name=_("ticket"))
    from_member = models.BooleanField(_("from the member"))
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )
    text = models.TextField(_("text"), max_length=3000, blank=True)
    at = models.DateTimeField(_("at"))
    answered_at = models.DateTimeField(_("answered or marked as read"), null=True, blank=True)

    class Meta:
        verbose_name = _("ticket message")
        verbose_name_plural = _("ticket messages")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.ticket_id}, {write_day(self.at)}"


class TicketFile(models.Model):
    """A photo of the fault, a proof of purchase, or a document."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="files", verbose_name=_("ticket"))
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="+", verbose_name=_("file"))
    kind = models.CharField(_("kind"), max_length=10, choices=TicketFileKind)
    message = models.ForeignKey(
        TicketMessage, models.PROTECT, null=True, blank=True, related_name="files", verbose_name=_("message")
    )
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("ticket file")
        verbose_name_plural = _("ticket files")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.get_kind_display()}"
