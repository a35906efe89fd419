"""What a member keeps about products for themselves (R18, R25): photo, price, group. No rule reads it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from kitbag.models.evidence import Evidence
from kitbag.models.registrations import Registration
from members.models import Member


class KitGroup(models.Model):
    """A part of a member's kit under a name of theirs, such as "Safari bag"."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="kit_groups", verbose_name=_("member"))
    name = models.CharField(_("name"), max_length=40)

    class Meta:
        verbose_name = _("group of products")
        verbose_name_plural = _("groups of products")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "member",
                Lower("name"),
                name="kit_group_name_once",
                violation_error_message=_("You have a group of this name already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OwnerDetails(models.Model):
    """Private to the member. `thumbnail` is the same photo, small, for lists; there are both or neither.

    `proof` is one of the files that are evidence already. A product is in one group at most: where it lies, so that the
    lists of the groups add up to the whole kit and nothing is insured twice.
    """

    registration = models.OneToOneField(
        Registration, models.PROTECT, related_name="owner_details", verbose_name=_("registration")
    )
    photo = models.OneToOneField(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="product_photo", verbose_name=_("photo")
    )
    thumbnail = models.OneToOneField(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="product_thumbnail", verbose_name=_("thumbnail")
    )

    price = models.DecimalField(_("price paid"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, db_default="")
    proof = models.ForeignKey(
        Evidence, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("proof of the price")
    )
    group = models.ForeignKey(
        KitGroup, models.SET_NULL, null=True, blank=True, related_name="products", verbose_name=_("group")
    )

    class Meta:
        verbose_name = _("private details of a product")
        verbose_name_plural = _("private details of products")
        constraints = [
            models.CheckConstraint(
                name="owner_details_photo_and_thumbnail",
                condition=Q(photo=None, thumbnail=None) | Q(photo__isnull=False, thumbnail__isnull=False),
            ),
            models.CheckConstraint(
                name="owner_details_price_and_currency",
                condition=Q(price=None, currency="")
                | Q(price__isnull=False, price__gte=0, currency__regex=r"^[A-Z]{3}$"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.registration_id)


def own_details(registration: Registration) -> OwnerDetails | None:
    """What the member keeps about it, if anything. For a list, select `owner_details` with it."""
    return getattr(registration, "owner_details", None)
