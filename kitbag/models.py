"""What members own and what it is worth."""

from datetime import datetime
from typing import Self

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, IntegerField, Q, Sum, Value, When, Window
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from kitbag import rules
from kitbag.enums import (
    LIVE,
    NEEDS_MEMBER,
    WAITING,
    PointsCause,
    ProposalState,
    RefusalReason,
    RegistrationState,
    RemovalReason,
    ReviewReason,
    SerialPlace,
    ShapeUse,
    Shelf,
    Stage,
    VideoClass,
)
from members.models import Member, append_only


def points_now(prefix: str = "") -> Case:
    """The points of a product's present stage, for queries on products or (with a prefix) on what points to one."""
    return Case(
        When(**{f"{prefix}stage": Stage.CURRENT}, then=F(f"{prefix}points_current")),
        When(**{f"{prefix}stage": Stage.SUPERSEDED}, then=F(f"{prefix}points_superseded")),
        default=F(f"{prefix}points_unserviceable"),
        output_field=IntegerField(),
    )


class ProductQuerySet(models.QuerySet["Product"]):
    def registrable(self) -> Self:
        return self.filter(registrable=True)

    def fast_track(self) -> Self:
        """Eligible for Fast Track and still serviceable (R43)."""
        return self.filter(fast_track_model=True).exclude(stage=Stage.UNSERVICEABLE)


@pghistory.track(exclude=["sample"])
class Product(models.Model):
    """A product of the catalogue with its points at each stage (R15, R20)."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=40, db_index=True)
    shelf = models.CharField(_("shelf"), max_length=10, choices=Shelf)
    mount = models.CharField(_("mount"), max_length=20, blank=True)
    released_year = models.PositiveSmallIntegerField(_("released"), null=True, blank=True)
    released_month = models.PositiveSmallIntegerField(_("month of release"), null=True, blank=True)
    discontinued_year = models.PositiveSmallIntegerField(_("discontinued"), null=True, blank=True)
    service_end_year = models.PositiveSmallIntegerField(_("serviced until the end of"), null=True, blank=True)
    fast_track_model = models.BooleanField(_("Fast Track model"), default=False)
    video_class = models.CharField(_("video class"), max_length=12, choices=VideoClass, blank=True)
    serial_place = models.CharField(_("place of the serial number"), max_length=16, choices=SerialPlace)
    serial_optional = models.BooleanField(_("may have no serial number"), default=False)
    registrable = models.BooleanField(_("can be registered"), default=True)
    stage = models.CharField(_("stage"), max_length=14, choices=Stage, default=Stage.CURRENT)
    successor = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="predecessors",
        verbose_name=_("successor"),
    )
    points_current = models.PositiveIntegerField(_("points when current"), default=0)
    points_superseded = models.PositiveIntegerField(_("points when superseded"), default=0)
    points_unserviceable = models.PositiveIntegerField(_("points when no longer serviceable"), default=0)
    sample = models.BooleanField(_("sample points"), default=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="product_points_fall",
                condition=Q(points_current=0, points_superseded=0, points_unserviceable=0)
                | Q(
                    points_current__gte=F("points_superseded"),
                    points_superseded__gte=F("points_unserviceable"),
                    points_unserviceable__gt=0,
                ),
                violation_error_message=_("Points only fall from stage to stage, and never to nothing."),
            ),
            models.CheckConstraint(name="product_stage_known", condition=Q(stage__in=Stage.values)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def points(self) -> int:
        """What a registration of it counts now (R20)."""
        return self.points_of(self.stage)

    def points_of(self, stage: str) -> int:
        return int(getattr(self, f"points_{stage}"))

    @property
    def is_fast_track(self) -> bool:
        """Whether the model is eligible for Fast Track and can still be serviced (R43)."""
        return self.fast_track_model and self.stage != Stage.UNSERVICEABLE


class ProductName(models.Model):
    """A name or alias that a product is found by; ``search_key`` is what the search matches."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="names", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=120)
    search_key = models.TextField(editable=False)
    words = models.PositiveSmallIntegerField(editable=False)

    class Meta:
        verbose_name = _("product name")
        verbose_name_plural = _("product names")
        indexes = [GinIndex(fields=["search_key"], opclasses=["gin_trgm_ops"], name="product_name_search")]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "name"],
                name="product_name_once",
                violation_error_message=_("It has this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.search_key = rules.search_key(self.name)
        self.words = len(rules.name_tokens(self.name))
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class SerialShape(models.Model):
    """A shape that serial numbers of some categories have (R30)."""

    categories = models.JSONField(_("categories"), help_text=_("A list; a name may end in * for all that begin so."))
    period = models.CharField(_("period"), max_length=80)
    year_from = models.PositiveSmallIntegerField(_("released from"), null=True, blank=True)
    year_to = models.PositiveSmallIntegerField(_("released until"), null=True, blank=True)
    pattern = models.CharField(_("pattern"), max_length=120)
    use = models.CharField(_("use"), max_length=8, choices=ShapeUse, default=ShapeUse.WARN)
    example = models.CharField(_("made-up example"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("serial number shape")
        verbose_name_plural = _("serial number shapes")
        constraints = [models.UniqueConstraint(fields=["categories", "period"], name="serial_shape_once")]

    def __str__(self) -> str:
        return f"{self.pattern} ({self.period})"

    def covers(self, category: str) -> bool:
        return any(
            category.startswith(name[:-1]) if name.endswith("*") else category == name for name in self.categories
        )


class CatalogueProposal(models.Model):
    """A change that a catalogue load found for a product that members hold (R22).

    A load never changes the points or the stage of such a product by itself; staff plan and announce it.
    """

    product = models.ForeignKey(Product, models.CASCADE, related_name="proposals", verbose_name=_("product"))
    changes = models.JSONField(_("changes"), help_text=_("Field to [now, proposed]."))
    state = models.CharField(_("state"), max_length=10, choices=ProposalState, default=ProposalState.OPEN)
    proposed_at = models.DateTimeField(_("proposed"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposed change")
        verbose_name_plural = _("proposed changes")
        ordering = ["-proposed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["product"], name="catalogue_proposal_one_open", condition=Q(state=ProposalState.OPEN)
            ),
            models.CheckConstraint(
                name="catalogue_proposal_state_and_date",
                condition=Q(state=ProposalState.OPEN, closed_at=None)
                | (~Q(state=ProposalState.OPEN) & Q(closed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {', '.join(self.changes)}"


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def of(self, member: Member) -> Self:
        return self.filter(member=member)

    def live(self) -> Self:
        return self.filter(state__in=LIVE)

    def needing(self, member: Member) -> Self:
        """Those that wait for the member: the blue dots (R18)."""
        return self.filter(member=member, state__in=NEEDS_MEMBER)

    def undecided(self, since: datetime) -> Self:
        """Submitted before, and neither decided nor left to a person."""
        return self.filter(state=RegistrationState.SUBMITTED, review_reason="", submitted_at__lte=since)

    def queue(self) -> Self:
        """Those a person has to decide, oldest first (R19)."""
        return self.filter(state=RegistrationState.SUBMITTED).exclude(review_reason="").order_by("submitted_at", "pk")

    def with_counted(self) -> Self:
        """Adds ``counted``: what the ledger says that each counts."""
        return self.annotate(counted=Coalesce(Sum("entries__amount"), Value(0)))

    def totals(self) -> dict[str, int]:
        """How many count, wait and need the member, and the points that wait, in one query."""
        return self.aggregate(
            live=models.Count("pk", filter=Q(state__in=LIVE)),
            counting=models.Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
            needing=models.Count("pk", filter=Q(state__in=NEEDS_MEMBER)),
            waiting=models.Count("pk", filter=Q(state__in=WAITING)),
            needing_points=Coalesce(Sum(points_now("product__"), filter=Q(state__in=NEEDS_MEMBER)), 0),
            waiting_points=Coalesce(Sum(points_now("product__"), filter=Q(state__in=WAITING)), 0),
        )


@pghistory.track(exclude=["warning"])
class Registration(models.Model):
    """One product of one member (R17, R18). It never changes its member."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="registrations", verbose_name=_("member"))
    product = models.ForeignKey(Product, models.PROTECT, related_name="registrations", verbose_name=_("product"))
    state = models.CharField(
        _("state"), max_length=12, choices=RegistrationState, default=RegistrationState.DRAFT, editable=False
    )
    serial = models.CharField(_("serial number"), max_length=40, blank=True)
    serial_key = models.CharField(max_length=40, null=True, blank=True, editable=False)
    no_serial = models.BooleanField(_("there is no serial number on this item"), default=False)
    serial_insisted = models.BooleanField(_("the member insists on the serial number"), default=False)
    country = CountryField(verbose_name=_("country of purchase"), blank=True)
    purchased_on = models.DateField(_("date of purchase"), null=True, blank=True)
    store = models.CharField(_("store"), max_length=120, blank=True)
    warning = models.CharField(max_length=20, blank=True, editable=False)  # what the check of the serial said
    review_reason = models.CharField(
        _("for a person because"), max_length=20, choices=ReviewReason, blank=True, editable=False
    )
    refusal_reason = models.CharField(
        _("refused because"), max_length=20, choices=RefusalReason, blank=True, editable=False
    )
    removal_reason = models.CharField(_("removed as"), max_length=10, choices=RemovalReason, blank=True, editable=False)
    added_at = models.DateTimeField(_("added"))
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("decided by"),
    )  # fmt: skip
    ended_at = models.DateTimeField(_("removed or handed over"), null=True, blank=True, editable=False)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        permissions = [("decide_registration", "Can approve and refuse registrations")]
        indexes = [
            models.Index(fields=["member", "state"], name="registration_of_member"),
            models.Index(fields=["product", "member"], name="registration_holders", condition=Q(state="validated")),
            models.Index(fields=["submitted_at"], name="registration_submitted", condition=Q(state="submitted")),
            models.Index(fields=["serial_key"], name="registration_serial"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "serial_key"], name="registration_one_validated", condition=Q(state="validated"),
                violation_error_message=_("This serial number is registered already."),
            ),
            models.UniqueConstraint(
                fields=["member", "product", "serial_key"], name="registration_submitted_once",
                condition=Q(state__in=["submitted", "validated"]),
                violation_error_message=_("You have added this one already."),
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
                    & ~Q(country="") & ~Q(store="")
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
            models.CheckConstraint(
                name="registration_refused", condition=~Q(state="rejected") | ~Q(refusal_reason="")
            ),
            models.CheckConstraint(
                name="registration_ended",
                condition=Q(state__in=["removed", "transferred"], ended_at__isnull=False)
                | (~Q(state__in=["removed", "transferred"]) & Q(ended_at=None)),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.product} {self.serial}".strip()

    def get_absolute_url(self) -> str:
        return reverse("kitbag:product", args=[self.pk])

    @property
    def missing(self) -> list[str]:
        """The details that are not there yet, by field name (R17)."""
        return rules.missing_details(
            serial=self.serial,
            no_serial=self.no_serial,
            country=self.country.code or "",
            purchased_on=self.purchased_on,
            store=self.store,
        )

    @property
    def needs_member(self) -> bool:
        return self.state in NEEDS_MEMBER

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class RegistrationInReview(Registration):
    """The registrations that wait for a person, for the desk's list of them (R19)."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("registration to decide")
        verbose_name_plural = _("registrations to decide")


class PointsEntryQuerySet(models.QuerySet["PointsEntry"]):
    def with_total(self) -> Self:
        """Adds ``total``, the member's running total after each entry, in the order of writing.

        The member lock makes that order one. Filter by member before, by anything else in an outer query.
        """
        return self.annotate(total=Window(Sum("amount"), partition_by=F("member"), order_by=F("pk").asc()))


class PointsEntry(models.Model):
    """One change of a member's points (R21). Append-only: the entries sum to the total."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="entries", verbose_name=_("member"))
    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="entries", verbose_name=_("registration")
    )
    amount = models.IntegerField(_("points"))
    cause = models.CharField(_("cause"), max_length=16, choices=PointsCause)
    stage = models.CharField(_("stage of the product"), max_length=14, choices=Stage)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )

    objects = PointsEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("points entry")
        verbose_name_plural = _("points entries")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["registration"], include=["amount"], name="points_entry_registration"),
            models.Index(fields=["member", "id"], include=["amount"], name="points_entry_member"),
        ]
        constraints = [models.CheckConstraint(name="points_entry_moves", condition=~Q(amount=0))]
        triggers = append_only("kitbag_pointsentry")

    def __str__(self) -> str:
        return f"{self.amount:+d} {self.get_cause_display()}"
