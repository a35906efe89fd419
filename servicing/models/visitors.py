"""Members of the programme in other world regions (R5)."""

from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.name_search import FoundByName, NameWordsField, words_index
from cps_portal.core.partners.models import Partner
from members.models import User
from members.offers.models import Offer
from servicing.enums import CardOutcome, CardRegion
from servicing.models.centres import ServiceCentre
from servicing.rules.visitors import shapes_of

MAX_YEARS_VALID = 30


class CardRule(models.Model):
    """How a card of a region is recognised, and what to tell its holder (R5). A region without a rule takes any card.

    A card that does not follow its rule is asked about, never refused: the other region may have changed its cards.
    """

    region = models.CharField(_("region of the card"), max_length=60, choices=CardRegion, unique=True)
    number_shapes = models.TextField(
        _("numbers look like"),
        blank=True,
        max_length=400,
        help_text=_(
            "One shape on each line: 9 is any digit, A any letter, and every other sign is itself. Spaces and hyphens "
            "do not count. Leave it empty if any number can be right."
        ),
    )
    max_years_valid = models.PositiveSmallIntegerField(
        _("valid for at most, in years"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_YEARS_VALID)],
        help_text=_("Somebody is asked to look again at a card that is valid for longer."),
    )
    check_on_card = models.TextField(
        _("what to check"), blank=True, max_length=500, help_text=_("What staff look at on the card, in plain words.")
    )
    what_they_get = models.TextField(
        _("what they get"),
        blank=True,
        max_length=500,
        help_text=_("What to tell them beside what every visiting member gets."),
    )
    sample = models.BooleanField(_("sample"), default=False, help_text=_("To be checked with the region."))

    class Meta:
        verbose_name = _("card rule of a region")
        verbose_name_plural = _("card rules by region")
        ordering = ["region"]
        constraints = [
            models.CheckConstraint(name="card_rule_region_known", condition=Q(region__in=CardRegion.values)),
            models.CheckConstraint(
                name="card_rule_years",
                condition=Q(max_years_valid=None) | Q(max_years_valid__range=(1, MAX_YEARS_VALID)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_region_display())

    @property
    def shapes(self) -> tuple[str, ...]:
        return shapes_of(self.number_shapes)


class VisitingMemberQuerySet(models.QuerySet["VisitingMember"]):
    def visible_to_partner(self, partner: Partner) -> Self:
        """Those whose card was checked at one of the partner's centres, or by support for it (R55)."""
        return self.filter(centre__partner=partner)

    def seen_by(self, user: User) -> Self:
        """Those whose card was checked at the user's centres, or who have a job there; support sees all (R54)."""
        if user.has_perm("servicing.view_every_ticket"):
            return self
        known = Q(centre__staff__user=user) | Q(tickets__centre__staff__user=user)
        return self.filter(pk__in=VisitingMember.objects.filter(known).values("pk"))


class VisitingMember(FoundByName):
    """A member of the programme in another world region, whose card was checked at a centre or by support (R5).

    Each check is a row: `outcome` is what was found, `event` the one at whose door the card was shown.
    """

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
    event = models.ForeignKey(
        Offer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("event"), db_index=False
    )
    outcome = models.CharField(
        _("outcome"),
        max_length=13,
        choices=CardOutcome,
        default=CardOutcome.SERVED,
        db_default=CardOutcome.SERVED,
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
            models.CheckConstraint(name="visiting_member_region_known", condition=Q(region__in=CardRegion.values)),
            models.CheckConstraint(name="visiting_member_outcome_known", condition=Q(outcome__in=CardOutcome.values)),
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
