"""The Welcome Pack: one per member, ever (R36 to R40)."""

from datetime import datetime
from typing import Self

import pghistory
import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib import reference as references
from cps_portal.core.lib.translations import Translated, TranslationsField
from cps_portal.core.partners.models import Partner
from members.enums import Level
from members.models import IS_BLANK, IS_E164_OR_BLANK, Member, PostalAddress, User, append_only
from members.offers import rules
from members.offers.enums import CancelReason, PackState, PackStep, ReturnReason
from members.offers.models.tracking import HAS_TRACKING, tracking_index, tracking_key
from members.support.models import Case


class PackItem(Translated, models.Model):
    """An item of the Welcome Pack (R39). `included` items go into new requests."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    included = models.BooleanField(_("included"), default=True)
    translations = TranslationsField(of=("name",))

    class Meta:
        verbose_name = _("pack item")
        verbose_name_plural = _("pack items")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


# The one-to-one relation refuses a second pack of an account. This refuses one of the same person.
ONE_A_PERSON_SQL = """
IF EXISTS (
    SELECT 1 FROM members_member m JOIN offers_welcomepack p ON p.member_id = ANY(m.absorbed)
    WHERE m.id = NEW.member_id AND p.state <> 'cancelled'
) THEN RAISE EXCEPTION 'this person has had a welcome pack in another account';
END IF;
RETURN NEW;
"""


class WelcomePackQuerySet(models.QuerySet["WelcomePack"]):
    def tracked_as(self, key: str) -> Self:
        """Those with this tracking number, given as capitals and digits."""
        return self.alias(tracking_key=tracking_key()).filter(HAS_TRACKING, tracking_key=key)

    def lock_members(self) -> None:
        """Lock the members of these packs, and the accounts that they went into (R69), in the order of their keys.

        Before several packs are locked in one transaction: member by member, their order could be another one in each.
        """
        accounts = {key for row in self.values_list("member", "member__merged_into") for key in row if key}
        list(Member.objects.filter(pk__in=accounts).locked())

    def locked(self, pk: int) -> "WelcomePack":
        """Lock the pack. The member is locked first, as in all actions, with the account that it went into (R69)."""
        self.filter(pk=pk).lock_members()
        return self.select_for_update(of=("self",), no_key=True).select_related("member__user").get(pk=pk)

    def of_person(self, member: Member) -> Self:
        """The pack of a member, and that of an account that became one with theirs: one a person, ever (R37, R69).

        One that was cancelled before it left is no pack; it comes last.
        """
        theirs = Q(member__in=member.absorbed) & ~Q(state=PackState.CANCELLED)
        own_last = models.Case(models.When(state=PackState.CANCELLED, then=1), default=0)
        return self.filter(Q(member=member) | theirs).order_by(own_last, "pk")

    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(partner=partner)

    def unacknowledged(self, before: datetime) -> Self:
        """Requests made before that moment that no fulfilment partner has accepted yet."""
        return self.filter(state=PackState.REQUESTED, sending_since__lt=before)

    def to_blank(self, before: datetime) -> Self:
        """Packs whose last step was before that moment and whose address is no longer needed."""
        final_states = [PackState.RECEIVED, PackState.CANCELLED, PackState.DISPATCHED]
        return self.filter(state__in=final_states, blanked_at=None, changed_at__lt=before)


@pghistory.track(
    exclude=[
        "name",
        "street",
        "city",
        "city_area",
        "country_area",
        "postal_code",
        "sorting_code",
        "phone",
        "carrier",
        "tracking",
        "tracking_url",
        "changed_at",
    ]
)
class WelcomePack(PostalAddress):
    """A member's Welcome Pack, from the request on. A pack that is returned and sent again is the same row (R37).

    State, times and tracking are derived from the steps (`PackEvent`) and copied here. `contents` are codes of
    PackItem.
    """

    member = models.OneToOneField(Member, models.PROTECT, related_name="welcome_pack", verbose_name=_("member"))
    reference = models.CharField(_("reference"), max_length=references.LENGTH, unique=True, editable=False)
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        null=True,
        blank=True,
        db_column="house_id",
        related_name="welcome_packs",
        verbose_name=_("fulfilment partner"),
    )
    level_when_asked = models.CharField(_("level when requested"), max_length=10, choices=Level)
    contents = models.JSONField(_("contents"), default=list)
    language = models.CharField(_("language of the letter"), max_length=10)

    state = models.CharField(_("state"), max_length=12, choices=PackState, default=PackState.REQUESTED)
    sending = models.PositiveSmallIntegerField(_("sending"), default=1)
    asked_at = models.DateTimeField(_("requested"))
    sending_since = models.DateTimeField(_("this sending requested"))
    changed_at = models.DateTimeField(_("last step"))
    dispatched_at = models.DateTimeField(_("dispatched"), null=True, blank=True)
    carrier = models.CharField(_("carrier"), max_length=60, blank=True)
    tracking = models.CharField(_("tracking number"), max_length=60, blank=True)
    tracking_url = models.URLField(_("tracking page"), max_length=300, blank=True)
    return_reason = models.CharField(_("reason for return"), max_length=20, choices=ReturnReason, blank=True)
    missing_case = models.OneToOneField(
        Case, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("case about the missing pack")
    )
    late_case = models.OneToOneField(
        Case,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("case about the late confirmation"),
    )
    blanked_at = models.DateTimeField(_("address deleted"), null=True, blank=True)

    objects = WelcomePackQuerySet.as_manager()

    class Meta:
        verbose_name = _("Welcome Pack")
        triggers = [
            pgtrigger.Trigger(
                name="one_a_person", when=pgtrigger.Before, operation=pgtrigger.Insert, func=ONE_A_PERSON_SQL
            )
        ]
        verbose_name_plural = _("Welcome Packs")
        ordering = ["-asked_at", "-pk"]
        indexes = [
            models.Index(fields=["partner", "sending_since", "id"], name="welcome_pack_of_house"),
            models.Index(
                fields=["sending_since"],
                name="welcome_pack_waiting",
                condition=Q(state__in=[PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED]),
            ),
            models.Index(fields=["changed_at"], name="welcome_pack_to_blank", condition=Q(blanked_at=None)),
            tracking_index("welcome_pack_tracking"),
        ]
        constraints = [
            models.CheckConstraint(name="welcome_pack_reference", condition=Q(reference__regex=r"^[0-9A-Z]{8}$")),
            models.CheckConstraint(name="welcome_pack_state_known", condition=Q(state__in=PackState.values)),
            models.CheckConstraint(name="welcome_pack_sending", condition=Q(sending__gte=1)),
            models.CheckConstraint(
                name="welcome_pack_dispatched_at",
                condition=~Q(state=PackState.DISPATCHED) | Q(dispatched_at__isnull=False),
            ),
            models.CheckConstraint(
                name="welcome_pack_not_before_asked",
                condition=Q(sending_since__gte=F("asked_at")),
            ),
            models.CheckConstraint(
                name="welcome_pack_phone",
                condition=IS_E164_OR_BLANK,
                violation_error_message=_("Give the number with its country code, such as +27 82 000 0000."),
            ),
            models.CheckConstraint(
                name="welcome_pack_address",
                condition=Q(blanked_at=None) & ~Q(name="") & ~Q(street="") | Q(blanked_at__isnull=False) & IS_BLANK,
            ),
        ]

    def __str__(self) -> str:
        return self.reference_in_groups

    def get_absolute_url(self) -> str:
        return reverse("offers:pack")

    @property
    def person(self) -> Member:
        """The account that the member signs in to: the own one, or the one that it went into (R69)."""
        return self.member.account_in_use

    @property
    def reference_in_groups(self) -> str:
        return references.format_reference(self.reference)

    @property
    def key(self) -> str:
        """The idempotency key of this sending, so that the fulfilment partner counts it once (R38)."""
        return f"{self.reference}-{self.sending}"

    @property
    def missing_from(self) -> datetime:
        """When the member can start to report it as not received (R40)."""
        return self.sending_since + rules.MISSING_AFTER

    @property
    def can_be_received(self) -> bool:
        """Whether the member can confirm receipt: a partner has accepted it, or had an earlier sending of it."""
        return self.state in rules.UNDELIVERED_STATES and (self.state != PackState.REQUESTED or self.sending > 1)

    @property
    def can_be_requested_again(self) -> bool:
        """Whether it was cancelled before it was packed, because the membership rested (R37, R65)."""
        if self.state != PackState.CANCELLED:
            return False
        cancelled = self.story.filter(step=PackStep.CANCELLED, sending=self.sending)
        return cancelled.filter(data__reason=CancelReason.RESTING).exists()

    def can_be_missing(self, at: datetime) -> bool:
        return self.state in rules.UNDELIVERED_STATES and at >= self.missing_from


class PackEvent(models.Model):
    """A step of a Welcome Pack, with when it happened and when it was reported. Append-only.

    Holds keys and codes, and how a parcel is followed: that is taken out when the person is erased (R14).
    """

    pack = models.ForeignKey(WelcomePack, models.PROTECT, related_name="story", verbose_name=_("Welcome Pack"))
    step = models.CharField(_("step"), max_length=12, choices=PackStep)
    sending = models.PositiveSmallIntegerField(_("sending"))
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("reported"))
    external_id = models.CharField(_("partner's own number"), max_length=100, null=True, blank=True)
    data = models.JSONField(_("details"), default=dict)
    by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )

    class Meta:
        verbose_name = _("Welcome Pack step")
        verbose_name_plural = _("Welcome Pack steps")
        ordering = ["received_at", "pk"]
        indexes = [BrinIndex(fields=["occurred_at"], name="pack_event_occurred")]
        constraints = [
            models.UniqueConstraint(fields=["pack", "external_id"], name="pack_event_heard_once"),
            models.CheckConstraint(name="pack_event_step_known", condition=Q(step__in=PackStep.values)),
            models.CheckConstraint(name="pack_event_one_author", condition=Q(by=None) | Q(partner=None)),
        ]
        triggers = append_only("offers_packevent")

    def __str__(self) -> str:
        return f"{self.pack_id}: {self.get_step_display()}"
