"""What a member keeps about a product for themselves (R25): a photo of it. No rule of the programme reads it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from kitbag.models.registrations import Registration


class OwnerDetails(models.Model):
    """Private to the member. `thumbnail` is the same photo, small, for lists; there are both or neither."""

    registration = models.OneToOneField(
        Registration, models.PROTECT, related_name="owner_details", verbose_name=_("registration")
    )
    photo = models.OneToOneField(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="product_photo", verbose_name=_("photo")
    )
    thumbnail = models.OneToOneField(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="product_thumbnail", verbose_name=_("thumbnail")
    )

    class Meta:
        verbose_name = _("private details of a product")
        verbose_name_plural = _("private details of products")
        constraints = [
            models.CheckConstraint(
                name="owner_details_photo_and_thumbnail",
                condition=Q(photo=None, thumbnail=None) | Q(photo__isnull=False, thumbnail__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.registration_id)


def own_details(registration: Registration) -> OwnerDetails | None:
    """What the member keeps about it, if anything. For a list, select `owner_details` with it."""
    return getattr(registration, "owner_details", None)
