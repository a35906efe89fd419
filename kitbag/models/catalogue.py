"""The catalogue: products, the names they are found by, shapes of serial numbers, proposals of catalogue loads."""

from typing import Self

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, IntegerField, Q, When
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.commit_horizon import stamped_when_written
from kitbag import rules
from kitbag.enums import ProposalState, SerialPlace, ShapeUse, Shelf, Stage, VideoClass


def points_now(prefix: str = "") -> Case:
    """The points of a product at its stage, for queries on products or, with a prefix, on models that refer to one."""
    return Case(
        When(**{f"{prefix}stage": Stage.CURRENT}, then=F(f"{prefix}points_current")),
        When(**{f"{prefix}stage": Stage.SUPERSEDED}, then=F(f"{prefix}points_superseded")),
        default=F(f"{prefix}points_unserviceable"),
        output_field=IntegerField(),
    )


IS_REGISTRABLE = Q(registrable=True)
IS_FAST_TRACK = Q(fast_track_model=True) & ~Q(stage=Stage.UNSERVICEABLE)


class ProductQuerySet(models.QuerySet["Product"]):
    def registrable(self) -> Self:
        return self.filter(IS_REGISTRABLE)

    def fast_track(self) -> Self:
        """Eligible for Fast Track and still serviceable (R43)."""
        return self.filter(IS_FAST_TRACK)


@pghistory.track(exclude=["sample"], meta={"triggers": [stamped_when_written("pgh_created_at")]})
class Product(models.Model):
    """A product of the catalogue with its points at each stage (R15, R20)."""

    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=40, db_index=True)
    shelf = models.CharField(_("shelf"), max_length=10, choices=Shelf)
    mount = models.CharField(_("mount"), max_length=20, blank=True)
    released_year = models.PositiveSmallIntegerField(_("released"), null=True, blank=True)
    released_month = models.PositiveSmallIntegerField(_("month of release"), null=True, blank=True)
    released_about = models.BooleanField(_("year of release is approximate"), default=False)
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
                violation_error_message=_("Points may only fall from stage to stage, and never to 0."),
            ),
            models.CheckConstraint(name="product_stage_known", condition=Q(stage__in=Stage.values)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def points(self) -> int:
        """The points that a registration of it counts now (R20)."""
        return self.points_of(self.stage)

    def points_of(self, stage: str) -> int:
        return int(getattr(self, f"points_{stage}"))

    @property
    def release_date(self) -> rules.ReleaseDate:
        return rules.ReleaseDate(self.released_year, self.released_month, self.released_about)

    @property
    def is_fast_track(self) -> bool:
        """Whether the model is eligible for Fast Track and can still be serviced (R43)."""
        return self.fast_track_model and self.stage != Stage.UNSERVICEABLE


class ProductName(models.Model):
    """A name or alias that a product is found by. The search matches `search_key`."""

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
                violation_error_message=_("The product already has this name."),
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

    categories = models.JSONField(
        _("categories"), help_text=_("A list. A name that ends in * covers all categories that begin with it.")
    )
    period = models.CharField(_("period"), max_length=80)
    year_from = models.PositiveSmallIntegerField(_("released from"), null=True, blank=True)
    year_to = models.PositiveSmallIntegerField(_("released until"), null=True, blank=True)
    pattern = models.CharField(_("pattern"), max_length=120)
    use = models.CharField(_("use"), max_length=8, choices=ShapeUse, default=ShapeUse.WARN)
    example = models.CharField(_("made-up example"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("serial number format")
        verbose_name_plural = _("serial number formats")
        constraints = [models.UniqueConstraint(fields=["categories", "period"], name="serial_shape_once")]

    def __str__(self) -> str:
        return f"{self.pattern} ({self.period})"

    def covers(self, category: str) -> bool:
        return any(
            category.startswith(name[:-1]) if name.endswith("*") else category == name for name in self.categories
        )


class CatalogueProposal(models.Model):
    """A change in the catalogue's file to a product that members hold (R22).

    A load never changes the points or stage of such a product by itself: staff plan the change or decline it.
    """

    product = models.ForeignKey(Product, models.CASCADE, related_name="proposals", verbose_name=_("product"))
    changes = models.JSONField(_("changes"), help_text=_("Field to [now, proposed]."))
    state = models.CharField(_("state"), max_length=10, choices=ProposalState, default=ProposalState.OPEN)
    proposed_at = models.DateTimeField(_("proposed"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )

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
