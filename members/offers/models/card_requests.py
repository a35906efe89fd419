"""Cards that replace a lost one: printed and posted by a fulfilment partner, without a pack (R38, R40)."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib import reference as references
from cps_portal.core.partners.models import Partner
from members.models import IS_BLANK, IS_E164_OR_BLANK, Member, PostalAddress
from members.offers.enums import CardRequestState, ReturnReason
from members.offers.models.cards import Card
from members.offers.models.tracking import HAS_TRACKING, tracking_index, tracking_key


class CardRequestQuerySet(models.QuerySet["CardRequest"]):
    def tracked_as(self, key: str) -> Self:
        """Those with this tracking number, given as capitals and digits."""
        return self.alias(tracking_key=tracking_key()).filter(HAS_TRACKING, tracking_key=key)

    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(partner=partner)

    def returned(self) -> Self:
        """Valid cards that came back, and were not asked for again (R40)."""
        later = CardRequest.objects.filter(card=OuterRef("card"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later), state=CardRequestState.RETURNED, card__revoked_at=None)

    def unissued(self) -> Self:
        """Lost cards whose owner has said where the new one goes; staff have not issued it yet."""
        return self.filter(state=CardRequestState.REPORTED, blanked_at=None)


class CardRequest(PostalAddress):
    """Where a new card goes, from the moment its owner says so, and how far it is.

    `card` is the new card, once it is issued. Each step has one moment: reports of the same step count once.
    A card that came back is asked for again by a further request; `repeats` counts the requests before it.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="card_requests", verbose_name=_("member"))
    card = models.ForeignKey(
        Card, models.PROTECT, null=True, blank=True, related_name="requests", verbose_name=_("new card")
    )
    repeats = models.PositiveSmallIntegerField(_("sent before"), default=0, db_default=0, editable=False)
    reference = models.CharField(_("reference"), max_length=references.LENGTH, unique=True, editable=False)
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="card_requests",
        verbose_name=_("fulfilment partner"),
    )
    state = models.CharField(_("state"), max_length=12, choices=CardRequestState, default=CardRequestState.REPORTED)
    reported_at = models.DateTimeField(_("address given"))
    asked_at = models.DateTimeField(_("requested"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    packed_at = models.DateTimeField(_("packed"), null=True, blank=True)
    dispatched_at = models.DateTimeField(_("dispatched"), null=True, blank=True)
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    changed_at = models.DateTimeField(_("last step"))
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    tracking_url = models.URLField(_("tracking page"), max_length=300, blank=True)
    return_reason = models.CharField(_("reason for return"), max_length=20, choices=ReturnReason, blank=True)
    file = models.CharField(_("file"), max_length=40, blank=True, editable=False)
    blanked_at = models.DateTimeField(_("address deleted"), null=True, blank=True)

    objects = CardRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("card request")
        verbose_name_plural = _("card requests")
        ordering = ["-reported_at", "-pk"]
        indexes = [
            models.Index(fields=["partner", "asked_at", "id"], name="card_request_of_partner"),
            tracking_index("card_request_tracking"),
        ]
        constraints = [
            models.CheckConstraint(name="card_request_reference", condition=Q(reference__regex=r"^[0-9A-Z]{8}$")),
            models.CheckConstraint(name="card_request_state_known", condition=Q(state__in=CardRequestState.values)),
            models.CheckConstraint(
                name="card_request_has_its_card",
                condition=Q(state=CardRequestState.REPORTED, card=None, asked_at=None)
                | ~Q(state=CardRequestState.REPORTED) & Q(card__isnull=False, asked_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["member"], name="card_request_one_unissued", condition=Q(state=CardRequestState.REPORTED)
            ),
            models.UniqueConstraint(
                fields=["card"],
                name="card_request_one_on_its_way",
                condition=~Q(state__in=[CardRequestState.RETURNED, CardRequestState.CANCELLED]),
            ),
            models.CheckConstraint(name="card_request_phone", condition=IS_E164_OR_BLANK),
            models.CheckConstraint(
                name="card_request_address",
                condition=Q(blanked_at=None) & ~Q(name="") & ~Q(street="") | Q(blanked_at__isnull=False) & IS_BLANK,
            ),
        ]

    @property
    def key(self) -> str:
        """What the partner knows this sending by."""
        number = self.card.number if self.card else ""
        return f"card-{number}-{self.repeats + 1}" if self.repeats else f"card-{number}"

    def __str__(self) -> str:
        return references.format_reference(self.reference)
