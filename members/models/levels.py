"""Level thresholds, planned changes of them, and the log of members' level changes (R10, R11, R22)."""

from collections.abc import Mapping
from datetime import date

import pghistory
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from cps_portal.core.lib.dates import write_day
from members.enums import OPEN_CHANGES, Level, PointsCause
from members.models.people import Member, append_only
from members.models.plans import AnnouncedPlan, AnnouncedPlanQuerySet, state_and_times

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


@pghistory.track(exclude=["cursor", "told", "moved", "stepped_at"])
class ThresholdPlan(AnnouncedPlan):
    """New level thresholds from a day on (R10). On that day they become rows of LevelThreshold."""

    silver = models.PositiveIntegerField(_("points for Silver"))
    gold = models.PositiveIntegerField(_("points for Gold"))
    platinum = models.PositiveIntegerField(_("points for Platinum"))
    moved = models.PositiveIntegerField(_("levels changed"), default=0, editable=False)

    objects = AnnouncedPlanQuerySet["ThresholdPlan"].as_manager()

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
            state_and_times("threshold_plan_state_and_times"),
        ]

    def __str__(self) -> str:
        return f"{write_day(self.effective_on)}: {self.silver} / {self.gold} / {self.platinum}"

    @property
    def thresholds(self) -> dict[str, int]:
        return {Level.RED: 0, Level.SILVER: self.silver, Level.GOLD: self.gold, Level.PLATINUM: self.platinum}


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
