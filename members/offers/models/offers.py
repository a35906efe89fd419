"""Events, special offers and the Welcome Pack offer, by level, country and date; sign-ups (R36, R59)."""

from datetime import datetime
from typing import Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.translations import Translated, TranslationsField
from members.enums import Level
from members.models import Member
from members.offers.enums import OfferKind, OfferState, PlaceState
from members.rules import Membership

SIGNED_UP = (PlaceState.HELD, PlaceState.WAITING)


class OfferQuerySet(models.QuerySet["Offer"]):
    def current(self, at: datetime) -> Self:
        return self.filter(Q(until=None) | Q(until__gt=at), state=OfferState.PUBLISHED, since__lte=at)

    def open_to(self, membership: Membership, at: datetime) -> Self:
        """Current offers for the level and country of a member, and events abroad that welcome them (R4, R59).

        None while their membership rests (R43, R65).
        """
        if membership.benefit_level is None:
            return self.none()
        here = Q(countries=[]) | Q(countries__contains=[membership.country]) | Q(open_to_travellers=True)
        return self.current(at).filter(here, levels__contains=[membership.benefit_level])


@pghistory.track()
class Offer(Translated, models.Model):
    """An offer to members of certain levels and countries, for a time. Without `places` there is no limit."""

    kind = models.CharField(_("kind"), max_length=20, choices=OfferKind)
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(_("in one sentence"), max_length=200)
    text = models.TextField(_("text"), blank=True, max_length=5000)
    link = models.URLField(_("link"), blank=True)
    code = models.CharField(_("redemption code"), max_length=40, blank=True)
    levels = ArrayField(models.CharField(max_length=10, choices=Level), verbose_name=_("levels"))
    countries = ArrayField(models.CharField(max_length=2), verbose_name=_("countries"), default=list, blank=True)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"), null=True, blank=True)
    starts_at = models.DateTimeField(_("begins"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    venue = models.CharField(_("where"), max_length=200, blank=True)
    places = models.PositiveSmallIntegerField(_("places"), null=True, blank=True)
    open_to_travellers = models.BooleanField(
        _("members from other countries are welcome"),
        default=False,
        db_default=False,
        help_text=_("Members whose level it is for can sign up from abroad. They are shown it on “Going to …”."),
    )
    open_to_visitors = models.BooleanField(
        _("visiting members are welcome"),
        default=False,
        db_default=False,
        help_text=_("Members of CPS in another world region, with a valid card at the door."),
    )
    state = models.CharField(_("state"), max_length=10, choices=OfferState, default=OfferState.DRAFT)
    sample = models.BooleanField(_("sample"), default=False)
    translations = TranslationsField(of=("title", "summary", "text", "venue"))

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["-since", "-pk"]
        constraints = [
            models.CheckConstraint(name="offer_kind_known", condition=Q(kind__in=OfferKind.values)),
            models.CheckConstraint(name="offer_state_known", condition=Q(state__in=OfferState.values)),
            models.CheckConstraint(
                name="offer_to_some_level",
                condition=Q(levels__len__gt=0),
                violation_error_message=_("Choose at least one level."),
            ),
            models.CheckConstraint(
                name="offer_until_after_since",
                condition=Q(until=None) | Q(until__gt=F("since")),
                violation_error_message=_("The end is before the start. Choose a later end."),
            ),
            models.CheckConstraint(
                name="offer_event_has_a_time",
                condition=~Q(kind=OfferKind.EVENT) | (Q(starts_at__isnull=False) & ~Q(venue="")),
                violation_error_message=_("An event needs a place and a time."),
            ),
            models.CheckConstraint(
                name="offer_event_ends_after_start",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("The event ends before it begins. Choose a later end."),
            ),
            models.CheckConstraint(
                name="offer_guests_at_events",
                condition=Q(kind=OfferKind.EVENT) | Q(open_to_travellers=False, open_to_visitors=False),
                violation_error_message=_("Only events can welcome members from elsewhere."),
            ),
            models.UniqueConstraint(
                fields=["kind"],
                name="offer_one_welcome_pack",
                condition=Q(kind=OfferKind.WELCOME_PACK, state=OfferState.PUBLISHED),
                violation_error_message=_("Another Welcome Pack offer is published. Withdraw that one first."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        if self.kind == OfferKind.WELCOME_PACK:
            return reverse("offers:pack")
        return reverse("offers:offer", args=[self.slug])

    def takes_sign_ups(self, at: datetime) -> bool:
        """Whether members can still sign up: until the event begins or the offer ends (R59)."""
        return all(end is None or at < end for end in (self.starts_at, self.until))


class SignUp(models.Model):
    """A member signed up for an event or offer (R59).

    `place` is the number of their place; a unique constraint makes sure that each is given to one member only. Members
    on the waiting list have none; `since` is the order of the list.
    """

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="sign_ups", verbose_name=_("offer"))
    member = models.ForeignKey(Member, models.PROTECT, related_name="sign_ups", verbose_name=_("member"))
    state = models.CharField(_("state"), max_length=10, choices=PlaceState)
    place = models.PositiveSmallIntegerField(_("place"), null=True, blank=True)
    since = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("cancelled"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        ordering = ["offer", "since", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["offer", "member"], name="sign_up_once"),
            models.UniqueConstraint(fields=["offer", "place"], name="sign_up_one_a_place"),
            models.CheckConstraint(name="sign_up_place_from_1", condition=Q(place=None) | Q(place__gte=1)),
            models.CheckConstraint(
                name="sign_up_state_agrees",
                condition=Q(state=PlaceState.HELD, place__isnull=False, ended_at=None)
                | Q(state=PlaceState.WAITING, place=None, ended_at=None)
                | Q(state=PlaceState.GIVEN_BACK, place=None, ended_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["offer", "since", "id"], name="sign_up_line", condition=Q(state=PlaceState.WAITING))
        ]

    def __str__(self) -> str:
        return f"{self.offer_id}: {self.member_id}"
