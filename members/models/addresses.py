"""The columns of a postal address that can be erased (R14, R36, R61)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from members.addresses import PARTS, Address, phone_in_groups

BLANK_ADDRESS = {**dict.fromkeys(("name", *PARTS, "phone"), "")}
IS_BLANK = Q(**BLANK_ADDRESS)
IS_E164_OR_BLANK = Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$")


class PostalAddress(models.Model):
    """Where a parcel goes. The country is no personal detail by itself and stays when the rest is erased."""

    name = models.CharField(_("name on the parcel"), max_length=120, blank=True)
    country = CountryField(verbose_name=_("country"))
    street = models.TextField(_("street address"), max_length=300, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    city_area = models.CharField(_("district"), max_length=120, blank=True)
    country_area = models.CharField(_("region"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    sorting_code = models.CharField(_("sorting code"), max_length=20, blank=True)
    phone = models.CharField(_("phone for the courier"), max_length=16, blank=True)

    class Meta:
        abstract = True

    @property
    def address(self) -> Address:
        return Address(
            name=self.name,
            country=self.country.code,
            phone=self.phone,
            **{part: getattr(self, part) for part in PARTS},
        )

    @property
    def phone_in_groups(self) -> str:
        """The phone number with spaces; "" if there is none."""
        return phone_in_groups(self.phone) if self.phone else ""
