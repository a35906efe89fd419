"""Registrations: the products in members' Kitbags (R17, R18), and holds on them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.addresses import address_of
from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag import rules
from kitbag.enums import (
    LIVE,
    NEEDS_MEMBER,
    SUBMITTED_STATES,
    WAITING,
    HeldState,
    HoldReason,
    RefusalReason,
    RegistrationState,
    RemovalReason,
    ReviewReason,
)
from kitbag.models.catalogue import Product, points_now
from members.models import Member, User

ANSWERS_FIRST = Case(When(asked_for="", then=1), default=0)
SECOND_PERSON_SQL = """
IF EXISTS (
    SELECT FROM kitbag_appeal
    WHERE registration_id = NEW.id AND granted IS NULL AND refused_by_id = NEW.decided_by_id
) THEN
    RAISE EXCEPTION 'an appeal has to be decided by someone other than the person who refused'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'registration_second_person';
END IF;
RETURN NEW;
"""


def own_duplicate() -> Q:
    """A draft or a refused one whose member has submitted the same product and serial number already (R31)."""
    twin = Registration.objects.filter(
        member=OuterRef("member"),
        product=OuterRef("product"),
        serial_key=OuterRef("serial_key"),
        state__in=SUBMITTED_STATES,
    )
    return Q(Exists(twin), state__in=NEEDS_MEMBER, serial_key__isnull=False)


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def of(self, member: Member) -> Self:
        return self.filter(member=member)

    def absorbed_by(self, member: Member) -> Self:
        """What ended in the accounts that became one with this one (R69)."""
        return self.filter(member__in=member.absorbed, ended_at__isnull=False).select_related("product", "member")

    def live(self) -> Self:
        return self.filter(state__in=LIVE)

    def needing(self, member: Member) -> Self:
        """Those that need the member, shown with a blue dot (R18)."""
        return self.filter(member=member, state__in=NEEDS_MEMBER)

    def undecided(self, since: datetime) -> Self:
        """Submitted until `since` and not checked yet, or to be checked again because their claim was withdrawn."""
        fell_away = Q(review_reason=ReviewReason.DUPLICATE) & ~Q(claims_made__outcome="")
        waiting = self.filter(state=RegistrationState.SUBMITTED, submitted_at__lte=since)
        return waiting.filter(Q(review_reason="") | fell_away)

    def waiting(self) -> Self:
        """Those that wait for a person, in any order."""
        waiting = self.filter(state=RegistrationState.SUBMITTED).exclude(review_reason="")
        return waiting.exclude(held_decisions__state=HeldState.HELD)

    def queue(self) -> Self:
        """Those that wait for a person: first those where staff had asked for more, then the oldest (R19).

        Without those whose decision is held (R54).
        """
        return self.waiting().order_by(ANSWERS_FIRST, "submitted_at", "pk")

    def free(self, by: User, at: datetime) -> Self:
        """Those that are not assigned to anybody else."""
        since = at - timedelta(minutes=settings.DESK_TAKEN_MINUTES)
        return self.filter(Q(taken_by=None) | Q(taken_by=by) | Q(taken_at=None) | Q(taken_at__lt=since))

    def decidable(self, by: User) -> Self:
        """Those that this person may decide: not their own, no appeal against their own refusal, no open claim."""
        return (
            self.exclude(member__user=by)
            .exclude(appeal__granted=None, appeal__refused_by=by, review_reason=ReviewReason.APPEAL)
            .exclude(claims_made__outcome="")
        )

    def with_counted(self) -> Self:
        """Annotate `counted`, the points of each according to the ledger."""
        return self.annotate(counted=Coalesce(Sum("entries__amount"), Value(0)))

    def without_own_duplicates(self) -> Self:
        """Without what its member has submitted already, as another copy with the same serial number (R31)."""
        return self.exclude(own_duplicate())


TOTALS: CompiledQuery[tuple[int, int, int, int, int, int]] = CompiledQuery(
    lambda member: (
        Registration.objects.filter(member=member)
        .order_by()
        .annotate(is_own_duplicate=own_duplicate())
        .values("member")
        .annotate(
            live=models.Count("pk", filter=Q(state__in=LIVE)),
            counting=models.Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
            needing=models.Count("pk", filter=Q(state__in=NEEDS_MEMBER)),
            waiting=models.Count("pk", filter=Q(state__in=WAITING)),
            needing_points=Coalesce(
                Sum(points_now("product__"), filter=Q(state__in=NEEDS_MEMBER, is_own_duplicate=False)), 0
            ),
            waiting_points=Coalesce(
                Sum(points_now("product__"), filter=Q(state__in=WAITING, is_own_duplicate=False)), 0
            ),
        )
        .values_list("live", "counting", "needing", "waiting", "needing_points", "waiting_points")
    )
)


NEEDING: CompiledQuery[tuple[int]] = CompiledQuery(
    lambda member: (
        Registration.objects.filter(member=member, state__in=NEEDS_MEMBER)
        .order_by()
        .values("member")
        .annotate(number=models.Count("pk"))
        .values_list("number")
    )
)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many registrations of a member there are in a Kitbag, count, need the member and wait, and their points.

    Own duplicates will never count, so that their points do not wait.
    """

    live: int = 0
    counting: int = 0
    needing: int = 0
    waiting: int = 0
    needing_points: int = 0
    waiting_points: int = 0


def totals_of(member: Member) -> Totals:
    return Totals(*(TOTALS.first(member=member.pk) or ()))


def count_needing(member: Member) -> int:
    """How many registrations need the member (R18)."""
    (number,) = NEEDING.first(member=member.pk) or (0,)
    return number


# Nobody looks for rows of the history by these keys, and an index would cost every registration three entries.
NO_INDEX: dict[str, Any] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "db_index": False,
    "related_name": "+",
    "related_query_name": "+",
}


@pghistory.track(
    exclude=["id", "serial_key", "warning", "taken_by", "taken_at"],
    attrs={
        "product": models.ForeignKey(Product, verbose_name=_("product"), **NO_INDEX),
        "decided_by": models.ForeignKey(
            settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, verbose_name=_("decided by"), **NO_INDEX
        ),
    },
    # Keys of contexts ascend; with the empty ones behind them in the index, its pages would be left half full.
    context_field=pghistory.ContextForeignKey(db_index=False),
    meta={
        "indexes": [
            models.Index(
                fields=["pgh_context"], name="registration_event_context", condition=Q(pgh_context__isnull=False)
            )
        ]
    },
)
class Registration(models.Model):
    """A product in a member's Kitbag, in whatever state (R17, R18). It never moves to another member."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="registrations", verbose_name=_("member"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="registrations", verbose_name=_("product"))
    state = models.CharField(
        _("state"), max_length=12, choices=RegistrationState, default=RegistrationState.DRAFT, editable=False
    )
    serial = models.CharField(_("serial number"), max_length=40, blank=True)
    serial_key = models.CharField(max_length=40, null=True, blank=True, editable=False)
    no_serial = models.BooleanField(_("no serial number on this item"), default=False)
    serial_insisted = models.BooleanField(_("the member insists on the serial number"), default=False)
    date_insisted = models.BooleanField(_("the member insists on the date"), default=False)
    country = CountryField(verbose_name=_("country of purchase"), blank=True)
    purchased_on = models.DateField(_("date of purchase"), null=True, blank=True)
    store = models.CharField(_("store"), max_length=120, blank=True)
    warning = models.CharField(max_length=20, blank=True, editable=False)  # code of the SerialFinding
    review_reason = models.CharField(
        _("review reason"), max_length=20, choices=ReviewReason, blank=True, editable=False
    )
    refusal_reason = models.CharField(
        _("refused because"), max_length=20, choices=RefusalReason, blank=True, editable=False
    )
    removal_reason = models.CharField(_("removed as"), max_length=10, choices=RemovalReason, blank=True, editable=False)
    added_at = models.DateTimeField(_("added"))
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    asked_for = models.CharField(_("what is needed"), max_length=500, blank=True, db_default="")
    taken_by = models.ForeignKey(  # assigned to a member of staff, so that nobody else decides it meanwhile
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("assigned to"),
        db_index=False,
    )
    taken_at = models.DateTimeField(_("assigned"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("removed or handed over"), null=True, blank=True, editable=False)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        permissions = [("decide_registration", "Can approve and refuse registrations")]
        triggers = [
            pgtrigger.Trigger(
                name="second_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.review_reason = 'appeal' AND NEW.decided_by_id IS NOT NULL"),
                func=SECOND_PERSON_SQL,
            )
        ]
        indexes = [
            models.Index(fields=["member", "state"], name="registration_of_member"),
            models.Index(fields=["product", "member"], name="registration_holders", condition=Q(state="validated")),
            models.Index(fields=["submitted_at"], name="registration_submitted", condition=Q(state="submitted")),
            models.Index(
                fields=["submitted_at"],
                name="registration_unchecked",
                condition=Q(state="submitted", review_reason__in=["", "duplicate"]),
            ),
            models.Index(fields=["serial_key"], name="registration_serial"),
            BrinIndex(
                fields=["submitted_at", "decided_at"],
                name="registration_moments",
                opclasses=["timestamptz_minmax_multi_ops"]
                * 2,  # rows move when they change, so few blocks are in order
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "serial_key"],
                name="registration_one_validated",
                condition=Q(state="validated"),
                violation_error_message=_("This serial number is already registered."),
            ),
            models.UniqueConstraint(
                fields=["member", "product", "serial_key"],
                name="registration_submitted_once",
                condition=Q(state__in=["submitted", "validated"]),
                violation_error_message=_("You’ve already added this one."),
            ),
            models.CheckConstraint(name="registration_state_known", condition=Q(state__in=RegistrationState.values)),
            models.CheckConstraint(
                name="registration_serial_key",
                condition=Q(serial="", serial_key=None)
                | (~Q(serial="") & Q(serial_key__isnull=False) & ~Q(serial_key="")),
            ),
            models.CheckConstraint(
                name="registration_complete",
                condition=~Q(state__in=["submitted", "validated"])
                | (
                    (Q(serial_key__isnull=False) | Q(no_serial=True))
                    & ~Q(country="")
                    & ~Q(store="")
                    & Q(purchased_on__isnull=False, submitted_at__isnull=False)
                ),
                violation_error_message=_("All four details are needed."),
            ),
            models.CheckConstraint(
                name="registration_decided",
                condition=Q(state__in=["removed", "transferred"])
                | Q(state__in=["validated", "rejected"], decided_at__isnull=False)
                | Q(state__in=["draft", "submitted"], decided_at=None),
            ),
            models.CheckConstraint(name="registration_refused", condition=~Q(state="rejected") | ~Q(refusal_reason="")),
            models.CheckConstraint(
                name="registration_ended",
                condition=Q(state__in=["removed", "transferred"], ended_at__isnull=False)
                | (~Q(state__in=["removed", "transferred"]) & Q(ended_at=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.serial}".strip()

    def get_absolute_url(self) -> str:
        return address_of("kitbag:product", self.pk)

    @property
    def missing(self) -> list[str]:
        """The field names of the details that are missing (R17)."""
        return rules.missing_details(
            serial=self.serial,
            no_serial=self.no_serial,
            country=self.country.code or "",
            purchased_on=self.purchased_on,
            store=self.store,
        )

    @property
    def is_before_release(self) -> bool:
        """Whether the date of purchase is before the product came out (R66)."""
        return self.purchased_on is not None and self.product.release_date.is_after(self.purchased_on)

    @property
    def needs_member(self) -> bool:
        return self.state in NEEDS_MEMBER

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class RegistrationInReview(Registration):
    """Proxy for the admin's list of registrations that wait for a person (R19)."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("registration to decide")
        verbose_name_plural = _("registrations to decide")


class Hold(models.Model):
    """Keeps a registration from being removed or handed over while it is in service or has a loan (R50).

    `key` names what holds it, such as "ticket-17". `why` is the reason that the member reads.
    """

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="holds", verbose_name=_("registration"))
    key = models.CharField(_("held by"), max_length=40, unique=True)
    why = models.CharField(_("why"), max_length=10, choices=HoldReason)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")

    def __str__(self) -> str:
        return self.key
