"""Jobs that lie packed with their tracking number, until their boxes leave (R61)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models import User
from servicing.models.parcels import Carrier
from servicing.models.tickets import Ticket


class PackedTicket(models.Model):
    """A job whose product is in a box with this tracking number. Jobs of one customer can share a box, and its number.

    When the box leaves, it becomes a `Shipment`, and this row is deleted.
    """

    ticket = models.OneToOneField(Ticket, models.CASCADE, related_name="packed", verbose_name=_("ticket"))
    carrier = models.ForeignKey(
        Carrier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("carrier")
    )
    carrier_name = models.CharField(_("other carrier"), max_length=60, blank=True)
    number = models.CharField(_("tracking number"), max_length=60)
    number_key = models.CharField(max_length=60, editable=False)
    expected_on = models.DateField(_("expected"), null=True, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("packed job")
        verbose_name_plural = _("packed jobs")
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["number_key"], name="packed_ticket_number")]
        constraints = [
            models.CheckConstraint(name="packed_ticket_one_carrier", condition=Q(carrier=None) | Q(carrier_name="")),
            models.CheckConstraint(name="packed_ticket_number_known", condition=~Q(number_key="")),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}, {self.number}"

    @property
    def carrier_text(self) -> str:
        return self.carrier.name if self.carrier else self.carrier_name
