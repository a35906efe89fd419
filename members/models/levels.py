"""Level thresholds, planned changes of them, and the log of members' level changes (R10, R11, R22)."""

from collections.abc import Mapping
from datetime import date, timedelta

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from cps_portal.core.lib.dates import write_day
from members.enums import OPEN_CHANGES, ChangeState, Level, PointsCause
from members.models.people import Member, User, append_only

IN_FORCE: CompiledQuery[tuple[str, int]] = CompiledQuery(
    lambda day: (
        LevelThreshold.objects.filter(valid_from__lte=day)
        .order_by("level", "-valid_from")
        .distinct("level")
        .values_list("level", "points_from")
    )
)


class LevelThresholdManager(models.Manager["LevelThreshold"]):
    def in_force(self, on: date | None = None) -> dict[str, int]:
        """Map each level to the points it starts at, today or on the given day. Lowest level first."""
        points = dict(IN_FORCE.all(day=on or timezone.localdate()))
        return {level: points[level] for level in Level.values if level in points}


@pghistory.track()
class LevelThreshold(models.Model):
    """The points at which a level starts, valid from a day on (R10)."""

    level = models.CharField(_("level"), max_length=10, choices=Level)
    points_from = models.PositiveIntegerField(_("points from"))
    valid_from = models.DateField(_("from"))

    objects = LevelThresholdManager()

    class Meta:
        verbose_name = _("level threshold")
        verbose_name_plural = _("level thresholds")
        ordering = ["points_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "valid_from"],
                name="level_threshold_once_a_day",
                violation_error_message=_("This level already has a threshold from that day."),
            ),
            models.CheckConstraint(
                name="level_threshold_red_is_zero",
                condition=Q(level=Level.RED, points_from=0) | (~Q(level=Level.RED) & Q(points_from__gt=0)),
                violation_error_message=_("Red starts at 0 points, every other level above 0."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()}: {self.points_from}"


class ThresholdPlanQuerySet(models.QuerySet["ThresholdPlan"]):
    def planned(self) -> "ThresholdPlanQuerySet":
        return self.filter(state=ChangeState.PLANNED).order_by("effective_on")


@pghistory.track(exclude=["cursor", "told", "moved", "stepped_at"])
class ThresholdPlan(models.Model):
    """New level thresholds from a day on (R10), announced in advance like any change of points (R22).

    On that day its thresholds become rows of LevelThreshold. `cursor` is the key of the last member that the run in
    progress has processed, so that it can go on where it stopped.
    """

    effective_on = models.DateField(_("from"))
    silver = models.PositiveIntegerField(_("points for Silver"))
    gold = models.PositiveIntegerField(_("points for Gold"))
    platinum = models.PositiveIntegerField(_("points for Platinum"))
    short_notice_reason = models.CharField(_("reason for short notice"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ChangeState, default=ChangeState.PLANNED, editable=False
    )
    planned_at = models.DateTimeField(_("planned"))
    planned_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("planned by")
    )
    announced_at = models.DateTimeField(_("all members notified"), null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(_("took effect"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("applied to all members"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    recalled_at = models.DateTimeField(
        _("all members notified of the cancellation"), null=True, blank=True, editable=False
    )
    told = models.PositiveIntegerField(_("members notified"), default=0, editable=False)
    moved = models.PositiveIntegerField(_("levels changed"), default=0, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    stepped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ThresholdPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("planned threshold change")
        verbose_name_plural = _("planned threshold changes")
        permissions = [("plan_thresholds", "Can plan and cancel threshold changes")]
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["effective_on"],
                name="threshold_plan_once_a_day",
                condition=Q(state__in=OPEN_CHANGES),
                violation_error_message=_("Another threshold change is already planned for that day."),
            ),
            models.CheckConstraint(
                name="threshold_plan_rises",
                condition=Q(silver__gt=0, gold__gt=F("silver"), platinum__gt=F("gold")),
                violation_error_message=_("Each level has to start above the level below it."),
            ),
            models.CheckConstraint(
                name="threshold_plan_state_and_times",
                condition=Q(state=ChangeState.PLANNED, begun_at=None, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.RUNNING, begun_at__isnull=False, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.DONE, begun_at__isnull=False, finished_at__isnull=False, cancelled_at=None)
                | Q(state=ChangeState.CANCELLED, begun_at=None, finished_at=None, cancelled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{write_day(self.effective_on)}: {self.silver} / {self.gold} / {self.platinum}"

    @property
    def thresholds(self) -> dict[str, int]:
        return {Level.RED: 0, Level.SILVER: self.silver, Level.GOLD: self.gold, Level.PLATINUM: self.platinum}

    @property
    def told_in_time(self) -> bool:
        """Whether members got NOTICE_DAYS of notice, or nobody was affected, or staff gave a reason (R22)."""
        if self.announced_at is None:
            return False
        early = timezone.localdate(self.announced_at) + timedelta(days=settings.NOTICE_DAYS) <= self.effective_on
        return early or not self.told or bool(self.short_notice_reason)


class ThresholdAnnouncement(models.Model):
    """A member was notified of a planned threshold change. Withdrawn once they know that it was cancelled."""

    plan = models.ForeignKey(ThresholdPlan, models.PROTECT, related_name="announcements", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="+")
    letter = models.CharField(max_length=80)
    at = models.DateTimeField(_("at"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("threshold announcement")
        verbose_name_plural = _("threshold announcements")
        constraints = [models.UniqueConstraint(fields=["plan", "member"], name="threshold_announcement_once")]

    def __str__(self) -> str:
        return self.letter


def level_by(thresholds: Mapping[str, int]) -> Case:
    """The level that a member's points give under these thresholds, as an expression for queries on members (R10)."""
    highest_first = sorted(thresholds.items(), key=lambda threshold: -threshold[1])
    return Case(
        *(When(points__gte=points, then=Value(level)) for level, points in highest_first), output_field=CharField()
    )


ALL_THRESHOLDS: CompiledQuery[tuple[str, int, date]] = CompiledQuery(
    lambda: LevelThreshold.objects.values_list("level", "points_from", "valid_from")
)
PLANS: CompiledModels[ThresholdPlan] = CompiledModels(ThresholdPlan.objects.planned)


def threshold_rows() -> list[tuple[str, int, date]]:
    """All thresholds, past, present and planned, as (level, points from, valid from) for `rules.thresholds_on`."""
    rows = ALL_THRESHOLDS.all()
    for plan in PLANS.all():
        rows += [(level, points, plan.effective_on) for level, points in plan.thresholds.items()]
    return rows


class LevelChange(models.Model):
    """A member reached or lost a level (R11). Append-only."""

    member = models.ForeignKey(
        Member, models.PROTECT, related_name="level_changes", verbose_name=_("member"), db_index=False
    )
    from_level = models.CharField(_("from"), max_length=10, choices=Level)
    to_level = models.CharField(_("to"), max_length=10, choices=Level)
    points = models.PositiveIntegerField(_("points"))
    cause = models.CharField(_("cause"), max_length=20, choices=PointsCause)
    about = models.CharField(_("product"), max_length=120, blank=True, db_default="")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("level change")
        verbose_name_plural = _("level changes")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["member", "-at"], name="level_change_by_member"),
            BrinIndex(fields=["at"], name="level_change_at"),
        ]
        constraints = [
            models.CheckConstraint(name="level_change_is_one", condition=~Q(from_level=F("to_level"))),
        ]
        triggers = append_only("members_levelchange")

    def __str__(self) -> str:
        return f"{self.get_from_level_display()} → {self.get_to_level_display()}"


class PendingLevelNotice(models.Model):
    """A level change whose member has not been notified yet (R56). Written with the change, deleted once notified."""

    # No foreign key constraints: neither row is ever deleted, and a run over thousands of members would pay for two
    # checks per row.
    change = models.OneToOneField(
        LevelChange, models.CASCADE, primary_key=True, related_name="pending_notice", db_constraint=False
    )
    member = models.ForeignKey(Member, models.CASCADE, related_name="+", db_constraint=False)

    class Meta:
        db_table = "members_untoldlevelchange"
        verbose_name = _("level change to be announced")
        verbose_name_plural = _("level changes to be announced")

    def __str__(self) -> str:
        return str(self.change_id)
