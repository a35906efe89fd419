"""Parcels of a request, the carriers, and the shipments to the centre and back (R49, R52, R61)."""

from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib import reference as references
from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.text import clean_code
from cps_portal.core.partners.models import Partner
from members.models import IS_BLANK, IS_E164_OR_BLANK, PostalAddress, User
from servicing.enums import Direction, Travel
from servicing.models.centres import ServiceCentre

REFERENCE_FORM = r"^[0-9A-Z]{8}$"
MAX_NUMBER_LENGTH = 60
NUMBER_PLACEHOLDER = "{number}"
validate_https = URLValidator(schemes=["https"])


def check_link(link: str) -> None:
    """Raises ValidationError if this is not an https address with the placeholder for the tracking number."""
    if NUMBER_PLACEHOLDER not in link:
        message = _("Write %(placeholder)s where the tracking number belongs.")
        raise ValidationError(message, params={"placeholder": NUMBER_PLACEHOLDER})
    validate_https(link.replace(NUMBER_PLACEHOLDER, "1"))


def tracking_key(number: str) -> str:
    """A tracking number as it is compared: capitals and digits only, whatever the spaces and dashes."""
    return "".join(char for char in clean_code(number) if char.isalnum())[:MAX_NUMBER_LENGTH]


class Carrier(models.Model):
    """A courier or post whose tracking numbers we know how to link (R61)."""

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60, unique=True)
    link = models.CharField(
        _("tracking page"),
        max_length=200,
        blank=True,
        validators=[check_link],
        help_text=_("The https address of the tracking page, with {number} where the tracking number belongs."),
    )
    is_offered = models.BooleanField(_("offered"), default=True, db_default=True)
    sample = models.BooleanField(_("sample"), default=False, db_default=False)

    class Meta:
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def tracking_url(self, number: str) -> str:
        """The page of a parcel; "" if the carrier has none or the number is not known."""
        if not (self.link and number):
            return ""
        return self.link.replace(NUMBER_PLACEHOLDER, urlencode({"": number})[1:])


class Parcel(PostalAddress):
    """The products of one request, which travel together to the centre: one label, one packing list.

    The address is where they return to (R61). It can be changed until everything is shipped, and is erased some time
    after it was delivered (R14). Opened at the counter, a parcel has none until somebody enters it.
    """

    country = CountryField(verbose_name=_("country"), blank=True, default="", db_default="")
    reference = models.CharField(_("reference"), max_length=references.LENGTH, unique=True, editable=False)
    centre = models.ForeignKey(ServiceCentre, models.PROTECT, related_name="parcels", verbose_name=_("centre"))
    travel = models.CharField(
        _("way to the centre"), max_length=10, choices=Travel, default=Travel.COURIER, db_default=Travel.COURIER
    )
    collect_on = models.DateField(_("day of collection"), null=True, blank=True)
    returns = models.BooleanField(
        _("sent back"), default=True, db_default=True, help_text=_("Otherwise the customer collects it at the centre.")
    )
    made_at = models.DateTimeField(_("made"))
    blanked_at = models.DateTimeField(_("address deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")
        ordering = ["-made_at", "-pk"]
        indexes = [models.Index(fields=["-made_at", "-id"], name="parcel_made")]
        constraints = [
            models.CheckConstraint(name="parcel_reference", condition=Q(reference__regex=REFERENCE_FORM)),
            models.CheckConstraint(name="parcel_travel_known", condition=Q(travel__in=Travel.values)),
            models.CheckConstraint(
                name="parcel_collect_on", condition=Q(collect_on=None) | Q(travel=Travel.COLLECTION)
            ),
            models.CheckConstraint(name="parcel_phone", condition=IS_E164_OR_BLANK),
            models.CheckConstraint(name="parcel_blanked", condition=Q(blanked_at=None) | IS_BLANK),
        ]

    def __str__(self) -> str:
        return references.format_reference(self.reference)

    def get_absolute_url(self) -> str:
        return reverse("servicing:parcel", args=[self.reference])

    @property
    def reference_in_groups(self) -> str:
        return references.format_reference(self.reference)

    @property
    def has_address(self) -> bool:
        return bool(self.street)


class ShipmentQuerySet(models.QuerySet["Shipment"]):
    def to_centre(self) -> Self:
        return self.filter(direction=Direction.TO_CENTRE)

    def to_customer(self) -> Self:
        return self.filter(direction=Direction.TO_CUSTOMER)

    def tracked_as(self, number: str) -> Self:
        """Those with this tracking number, in any spelling."""
        key = tracking_key(number)
        return self.filter(number_key=key) if key else self.none()


class Shipment(models.Model):
    """One box on its way, to the centre or back, with what is known of it (R61). A job can have several, both ways."""

    tickets = models.ManyToManyField("servicing.Ticket", related_name="shipments", verbose_name=_("tickets"))
    direction = models.CharField(_("direction"), max_length=11, choices=Direction)
    carrier = models.ForeignKey(
        Carrier, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("carrier")
    )
    carrier_name = models.CharField(_("other carrier"), max_length=60, blank=True)
    number = models.CharField(_("tracking number"), max_length=60, blank=True)
    number_key = models.CharField(max_length=60, blank=True, editable=False)
    url = models.CharField(_("tracking page"), max_length=300, blank=True, validators=[validate_https])
    sent_at = models.DateTimeField(_("sent"))
    expected_on = models.DateField(_("expected"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )

    objects = ShipmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        ordering = ["sent_at", "pk"]
        indexes = [
            models.Index(fields=["number_key"], name="shipment_number", condition=~Q(number_key="")),
            models.Index(fields=["sent_at", "id"], name="shipment_sent"),
        ]
        constraints = [
            models.CheckConstraint(name="shipment_direction_known", condition=Q(direction__in=Direction.values)),
            models.CheckConstraint(name="shipment_one_carrier", condition=Q(carrier=None) | Q(carrier_name="")),
        ]

    def __str__(self) -> str:
        known = f"{self.carrier_text} {self.number}".strip()
        return known or f"{self.get_direction_display()}, {write_day(self.sent_at)}"

    @property
    def carrier_text(self) -> str:
        return self.carrier.name if self.carrier else self.carrier_name

    @property
    def tracking_url(self) -> str:
        """The page that was given for this shipment, else that of its carrier; "" if neither is known."""
        return self.url or (self.carrier.tracking_url(self.number) if self.carrier else "")
