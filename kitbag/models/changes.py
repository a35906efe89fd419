"""Planned changes of a product's stage and points, and which members were notified of them (R20, R22)."""

from datetime import date, timedelta
from typing import Self

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from kitbag.enums import Stage
from kitbag.models.catalogue import Product
from members.enums import OPEN_CHANGES, ChangeState, PointsCause
from members.models import Member

POINTS_FIELDS = {stage: f"points_{stage.value}" for stage in Stage}


class StageChangeQuerySet(models.QuerySet["StageChange"]):
    def open(self) -> Self:
        """Planned or running, in the order in which they take effect."""
        return self.filter(state__in=OPEN_CHANGES).order_by("effective_on", "pk")

    def planned(self) -> Self:
        return self.filter(state=ChangeState.PLANNED).order_by("effective_on", "pk")

    def due(self, on: date) -> Self:
        """Planned and announced, and their day has come. Check `told_in_time` of each before you begin it."""
        return self.planned().filter(effective_on__lte=on, announced_at__isnull=False)


@pghistory.track(exclude=["cursor", "told", "settled", "stepped_at"])
class StageChange(models.Model):
    """A product changes its stage, or its points at a stage, from a day on (R20, R22).

    A plan is never edited: another date or successor is another row that `replaces` it, so that members who were
    notified of the first can be notified again. `cursor` is the key of the last member done in the current run, which
    announces, reconciles or announces the cancellation.
    """

    product = models.ForeignKey(Product, models.PROTECT, related_name="stage_changes", verbose_name=_("product"))
    to_stage = models.CharField(_("stage"), max_length=14, choices=Stage)
    successor = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("successor")
    )
    points_current = models.PositiveIntegerField(_("points when current"), null=True, blank=True)
    points_superseded = models.PositiveIntegerField(_("points when superseded"), null=True, blank=True)
    points_unserviceable = models.PositiveIntegerField(_("points when no longer serviceable"), null=True, blank=True)
    before = models.PositiveIntegerField(_("points before"), editable=False)
    after = models.PositiveIntegerField(_("points after"), editable=False)
    cause = models.CharField(_("cause"), max_length=20, choices=PointsCause, editable=False)
    effective_on = models.DateField(_("from"))
    short_notice_reason = models.CharField(
        _("reason for short notice"),
        max_length=200,
        blank=True,
        help_text=_("Needed if members get less than the notice period. Kept with the change."),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ChangeState, default=ChangeState.PLANNED, editable=False
    )
    replaces = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
        verbose_name=_("instead of"),
    )
    planned_at = models.DateTimeField(_("planned"))
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("planned by"),
    )
    announced_at = models.DateTimeField(_("everybody notified"), null=True, blank=True, editable=False)
    flipped_at = models.DateTimeField(_("took effect"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("applied to everybody"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    recalled_at = models.DateTimeField(
        _("everybody notified of the cancellation"), null=True, blank=True, editable=False
    )
    told = models.PositiveIntegerField(_("members notified"), default=0, editable=False)
    holders = models.PositiveIntegerField(_("registrations when it took effect"), null=True, blank=True, editable=False)
    settled = models.PositiveIntegerField(_("registrations reconciled"), default=0, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    stepped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = StageChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("planned change")
        verbose_name_plural = _("planned changes")
        permissions = [
            ("plan_stagechange", "Can plan, change and cancel changes of products"),
            ("view_programme_numbers", "Can see and download the numbers of the programme"),
        ]
        ordering = ["-effective_on", "-pk"]
        indexes = [
            models.Index(fields=["effective_on"], name="stage_change_open", condition=Q(state__in=OPEN_CHANGES)),
            models.Index(fields=["product"], name="stage_change_of_product", condition=Q(state__in=OPEN_CHANGES)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "effective_on"],
                name="stage_change_once_a_day",
                condition=Q(state__in=OPEN_CHANGES),
                violation_error_message=_("A change of this product is already planned for that day."),
            ),
            models.CheckConstraint(name="stage_change_stage_known", condition=Q(to_stage__in=Stage.values)),
            models.CheckConstraint(
                name="stage_change_never_to_nothing",
                condition=Q(before=0) | Q(after__gt=0),
                violation_error_message=_("Points never fall to 0."),
            ),
            models.CheckConstraint(
                name="stage_change_state_and_times",
                condition=Q(state=ChangeState.PLANNED, flipped_at=None, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.RUNNING, flipped_at__isnull=False, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.DONE, flipped_at__isnull=False, finished_at__isnull=False, cancelled_at=None)
                | Q(state=ChangeState.CANCELLED, flipped_at=None, finished_at=None, cancelled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="stage_change_not_itself",
                condition=Q(successor=None) | ~Q(successor=F("product")),
                violation_error_message=_("A product cannot succeed itself."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.get_to_stage_display()}, {write_day(self.effective_on)}"

    @property
    def falls(self) -> bool:
        return self.after < self.before

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_CHANGES

    @property
    def told_in_time(self) -> bool:
        """Whether it may take effect (R22): announced early enough, or no holders, or no loss of points.

        A reason for short notice waives the notice period.
        """
        if not self.falls or not self.told or self.short_notice_reason:
            return True
        if self.announced_at is None:
            return False
        return timezone.localdate(self.announced_at) + timedelta(days=settings.NOTICE_DAYS) <= self.effective_on


class Announcement(models.Model):
    """A member was notified of a planned change (R22). Withdrawn once they were notified of its cancellation.

    `letter` is the key of the e-mail and of the notice on the dashboard.
    """

    change = models.ForeignKey(StageChange, models.PROTECT, related_name="announcements", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="announcements")
    letter = models.CharField(max_length=80)
    at = models.DateTimeField(_("at"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        constraints = [models.UniqueConstraint(fields=["change", "member"], name="announcement_once")]

    def __str__(self) -> str:
        return self.letter
