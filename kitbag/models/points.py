"""The points ledger, adjustments by staff, and checks of the ledger (R11, R21, R54)."""

from datetime import date
from typing import Self

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, Sum, Window
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_moment
from kitbag.enums import Stage
from kitbag.models.changes import StageChange
from kitbag.models.registrations import Registration
from members.enums import PointsCause
from members.models import Member, append_only


class AdjustmentQuerySet(models.QuerySet["Adjustment"]):
    def active(self) -> Self:
        return self.filter(ended_at=None)

    def expired(self, on: date) -> Self:
        """Active ones that should have ended by that day."""
        return self.active().filter(expires_on__lte=on).order_by("pk")


@pghistory.track(exclude=["reason"])
class Adjustment(models.Model):
    """Points that staff give a member, with a reason that the member reads, forever or until a day (R21, R54).

    Never negative: a member loses these points only when the adjustment ends.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="adjustments", verbose_name=_("member"))
    points = models.PositiveIntegerField(_("points"))
    reason = models.CharField(_("reason, as the member reads it"), max_length=200)
    expires_on = models.DateField(
        _("ends on"),
        null=True,
        blank=True,
        help_text=_("From this day on the points no longer count. Leave empty to keep them."),
    )
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("ended by"),
    )

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        permissions = [("adjust_points", "Can adjust the points of a member")]
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["expires_on"], name="adjustment_active", condition=Q(ended_at=None)),
        ]
        constraints = [
            models.CheckConstraint(
                name="adjustment_adds",
                condition=Q(points__gt=0),
                violation_error_message=_("An adjustment adds points. Enter a number above 0."),
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.points}"


class PointsEntryQuerySet(models.QuerySet["PointsEntry"]):
    def of(self, member: Member) -> Self:
        """Those of a member, and of accounts that became one with theirs: they sum to the points, too (R69)."""
        return self.filter(member__in=member.accounts)

    def with_total(self) -> Self:
        """Annotate `total`, the running total after each entry.

        Keys are in the order of writing, because writers lock the member. Filter by one person (`of`) before the call,
        and by anything else in an outer query, or entries will be missing from the sums.
        """
        return self.annotate(total=Window(Sum("amount"), order_by=F("pk").asc()))


class PointsEntry(models.Model):
    """A change of a member's points (R21). Append-only: the sum of the entries is the member's total.

    It belongs to a registration or an adjustment. `stage_change` is the planned change that caused it, if any.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="entries", verbose_name=_("member"), db_index=False)
    registration = models.ForeignKey(
        Registration,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("registration"),
        db_index=False,
    )
    adjustment = models.ForeignKey(
        Adjustment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("adjustment"),
        db_index=False,
    )
    stage_change = models.ForeignKey(
        StageChange,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("planned change"),
        db_index=False,
    )
    amount = models.IntegerField(_("points"))
    cause = models.CharField(_("cause"), max_length=20, choices=PointsCause)
    stage = models.CharField(_("stage of the product"), max_length=14, choices=Stage, blank=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        db_index=False,
    )

    objects = PointsEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("points entry")
        verbose_name_plural = _("points entries")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["registration"], include=["amount"], name="points_entry_registration"),
            models.Index(fields=["member", "id"], include=["amount"], name="points_entry_member"),
            models.Index(
                fields=["adjustment"],
                include=["amount"],
                name="points_entry_adjustment",
                condition=Q(adjustment__isnull=False),
            ),
            BrinIndex(fields=["at"], name="points_entry_at"),
        ]
        constraints = [
            models.CheckConstraint(name="points_entry_moves", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="points_entry_about_one",
                condition=Q(registration__isnull=False, adjustment=None)
                | Q(registration=None, adjustment__isnull=False, stage_change=None),
            ),
        ]
        triggers = append_only("kitbag_pointsentry")

    def __str__(self) -> str:
        return f"{self.amount:+d} {self.get_cause_display()}"


class LedgerCheck(models.Model):
    """The log of a comparison of all entries, points and levels with what the rules say (R11, R21)."""

    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    members = models.PositiveIntegerField(_("members"), default=0)
    registrations = models.PositiveIntegerField(_("registrations"), default=0)
    wrong_registrations = models.PositiveIntegerField(_("registrations that differ"), default=0)
    wrong_points = models.PositiveIntegerField(_("members whose points differ"), default=0)
    wrong_levels = models.PositiveIntegerField(_("members whose level differs"), default=0)
    awaiting = models.PositiveIntegerField(_("members who await a running change"), default=0)
    untold = models.PositiveIntegerField(_("holders not notified of an announced change"), default=0)
    mended = models.PositiveIntegerField(_("members corrected"), default=0)
    differing = models.JSONField(
        _("members that differ"), default=list, help_text=_("Member numbers, the first of them.")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("ledger check")
        verbose_name_plural = _("ledger checks")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{write_moment(self.started_at)}"

    @property
    def is_clean(self) -> bool:
        return self.finished_at is not None and not (self.wrong_registrations or self.wrong_points or self.wrong_levels)
