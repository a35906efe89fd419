"""Members of the programme in other world regions (R5)."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.name_search import FoundByName, NameWordsField, words_index
from cps_portal.core.partners.models import Partner
from members.models import User
from servicing.enums import CardRegion
from servicing.models.centres import ServiceCentre


class VisitingMemberQuerySet(models.QuerySet["VisitingMember"]):
    def visible_to_partner(self, partner: Partner) -> Self:
        """Those whose card was checked at one of the partner's centres (R55)."""
        return self.filter(centre__partner=partner)


class VisitingMember(FoundByName):
    """A member of the programme in another world region, whose card was checked at a centre or by support (R5)."""

    region = models.CharField(_("region of the card"), max_length=60, choices=CardRegion)
    region_text = models.CharField(
        _("region, as on the card"), max_length=60, blank=True, db_default="", help_text=_("If it is another region.")
    )
    card_number = models.CharField(_("number on the card"), max_length=40)
    expires_on = models.DateField(_("card valid until"))
    photo = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("photo of the card")
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    name_words = NameWordsField(sources=("name",))
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=16, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    centre = models.ForeignKey(
        ServiceCentre, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("checked by")
    )
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )
    at = models.DateTimeField(_("at"))
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    objects = VisitingMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("visiting member")
        verbose_name_plural = _("visiting members")
        ordering = ["-at", "-pk"]
        indexes = [words_index("visiting_member_name_words")]
        constraints = [
            models.CheckConstraint(
                name="visiting_member_erased_is_nobody",
                condition=Q(erased_at=None) & ~Q(name="")
                | Q(erased_at__isnull=False, name="", email="", phone="", photo=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_name} {self.card_number}"

    @property
    def region_name(self) -> str:
        """The name of the region; of another one what is on the card, if it is known."""
        return self.region_text or str(self.get_region_display())
