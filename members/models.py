"""Who the members are, what their country offers and what their level gives."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from members.enums import (
    OPEN_CHANGES,
    ChangeState,
    Level,
    NoticeCode,
    PointsCause,
    Programme,
    ServiceLevel,
    Specialty,
    Theme,
)


def append_only(table: str) -> list[pgtrigger.Trigger]:
    """The triggers that make the database refuse to change or empty a log."""
    return [
        pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=f"RAISE EXCEPTION '{table} is append-only';",
        ),
    ]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in, staff or member: the e-mail address is the name."""

    email = models.EmailField(_("email"), max_length=254)
    is_staff = models.BooleanField(_("may enter the admin"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    date_joined = models.DateTimeField(_("since"), default=timezone.now)

    objects = UserManager()
    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message=_("This address is taken.")
            ),
        ]

    def __str__(self) -> str:
        return self.email


class MemberQuerySet(models.QuerySet["Member"]):
    def open(self) -> "MemberQuerySet":
        return self.filter(closed_at=None)

    def locked(self) -> "MemberQuerySet":
        """Lock the rows in key order: every action that writes for members takes this lock first."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


@pghistory.track(exclude=["points", "level", "theme"])  # the ledger and LevelChange are the history of these
class Member(models.Model):
    """A member of the programme (R8). ``points`` and ``level`` are copies that only settle_level writes (R11)."""

    user = models.OneToOneField(User, models.PROTECT, related_name="member", verbose_name=_("user"))
    number = models.CharField(_("member number"), max_length=12, unique=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80)
    country = CountryField(verbose_name=_("country"))
    specialty = models.CharField(_("mostly shoots"), max_length=20, choices=Specialty, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    theme = models.CharField(_("appearance"), max_length=5, choices=Theme, default=Theme.AUTO)
    wants_news = models.BooleanField(_("wants news of events and offers"), default=False)
    points = models.PositiveIntegerField(_("points"), default=0, editable=False)
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.RED, editable=False)
    joined_at = models.DateTimeField(_("joined"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        indexes = [
            models.Index(Lower("last_name"), name="member_last_name"),
            models.Index(fields=["level"], name="member_level"),
        ]
        constraints = [
            models.CheckConstraint(name="member_number_form", condition=Q(number__regex=r"^\d{12}$")),
            models.CheckConstraint(name="member_level_known", condition=Q(level__in=Level.values)),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} ({self.number_in_groups})"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def initials(self) -> str:
        return (self.first_name[:1] + self.last_name[:1]).upper()

    @property
    def number_in_groups(self) -> str:
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


class CountryProgrammeQuerySet(models.QuerySet["CountryProgramme"]):
    def in_force(self, on: date | None = None) -> "CountryProgrammeQuerySet":
        """Today's row of each country: the latest that is not in the future (R1)."""
        day = on or timezone.localdate()
        latest = self.filter(valid_from__lte=day).order_by("country", "-valid_from").distinct("country")
        return self.filter(pk__in=latest.values("pk"))


@pghistory.track()
class CountryProgramme(models.Model):
    """Which programme a country takes part in from a day on, and what it offers (R1, R3)."""

    country = CountryField(verbose_name=_("country"))
    region = models.CharField(_("region"), max_length=40)
    kind = models.CharField(_("programme"), max_length=12, choices=Programme)
    service_level = models.CharField(_("service level"), max_length=6, choices=ServiceLevel, blank=True)
    link = models.URLField(_("page of the country"), blank=True)
    valid_from = models.DateField(_("from"))
    sample = models.BooleanField(_("sample"), default=False, help_text=_("Assumed, not published by the programme."))
    note = models.CharField(_("note"), max_length=200, blank=True)

    objects = CountryProgrammeQuerySet.as_manager()

    class Meta:
        verbose_name = _("country programme")
        verbose_name_plural = _("country programmes")
        ordering = ["country", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "valid_from"], name="country_programme_once_a_day",
                violation_error_message=_("This country already has a row from that day."),
            ),
            models.CheckConstraint(
                name="country_programme_service_level",
                condition=Q(kind=Programme.FREE, service_level__in=ServiceLevel.values)
                | (~Q(kind=Programme.FREE) & Q(service_level="")),
                violation_error_message=_("A free country has a service level, any other has none."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.country.name}: {self.get_kind_display()}"


class LevelThresholdQuerySet(models.QuerySet["LevelThreshold"]):
    def in_force(self, on: date | None = None) -> dict[str, int]:
        """Level to the points it starts at, today or on a day: the latest row of each that is not in the future."""
        day = on or timezone.localdate()
        rows = self.filter(valid_from__lte=day).order_by("level", "-valid_from").distinct("level")
        found = {row.level: row.points_from for row in rows}
        return {level: found[level] for level in Level.values if level in found}


@pghistory.track()
class LevelThreshold(models.Model):
    """From how many points a level is reached, from a day on (R10)."""

    level = models.CharField(_("level"), max_length=10, choices=Level)
    points_from = models.PositiveIntegerField(_("points from"))
    valid_from = models.DateField(_("from"))

    objects = LevelThresholdQuerySet.as_manager()

    class Meta:
        verbose_name = _("level threshold")
        verbose_name_plural = _("level thresholds")
        ordering = ["points_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "valid_from"], name="level_threshold_once_a_day",
                violation_error_message=_("This level already has a threshold from that day."),
            ),
            models.CheckConstraint(
                name="level_threshold_red_is_zero",
                condition=Q(level=Level.RED, points_from=0) | (~Q(level=Level.RED) & Q(points_from__gt=0)),
                violation_error_message=_("Red starts at 0, every other level above it."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_level_display()}: {self.points_from}"


class ThresholdPlanQuerySet(models.QuerySet["ThresholdPlan"]):
    def planned(self) -> "ThresholdPlanQuerySet":
        return self.filter(state=ChangeState.PLANNED).order_by("effective_on")


@pghistory.track(exclude=["cursor", "told", "moved", "stepped_at"])
class ThresholdPlan(models.Model):
    """Other points for the levels from a day on (R10), announced like any change of points (R22).

    The day it takes effect its thresholds become rows of LevelThreshold. ``cursor`` is the last member that the
    step at hand has done.
    """

    effective_on = models.DateField(_("from"))
    silver = models.PositiveIntegerField(_("points for Silver"))
    gold = models.PositiveIntegerField(_("points for Gold"))
    platinum = models.PositiveIntegerField(_("points for Platinum"))
    short_notice_reason = models.CharField(_("why at short notice"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ChangeState, default=ChangeState.PLANNED, editable=False
    )
    planned_at = models.DateTimeField(_("planned"))
    planned_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("planned by")
    )
    announced_at = models.DateTimeField(_("everybody told"), null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(_("took effect"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("applied to everybody"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    recalled_at = models.DateTimeField(_("everybody told that it was cancelled"), null=True, blank=True, editable=False)
    told = models.PositiveIntegerField(_("members told"), default=0, editable=False)
    moved = models.PositiveIntegerField(_("levels moved"), default=0, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    stepped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ThresholdPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("planned change of the levels")
        verbose_name_plural = _("planned changes of the levels")
        permissions = [("plan_thresholds", "Can plan and cancel changes of the levels")]
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["effective_on"], name="threshold_plan_once_a_day", condition=Q(state__in=OPEN_CHANGES),
                violation_error_message=_("A change of the levels is planned for that day already."),
            ),
            models.CheckConstraint(
                name="threshold_plan_rises",
                condition=Q(silver__gt=0, gold__gt=F("silver"), platinum__gt=F("gold")),
                violation_error_message=_("Each level starts above the one before it."),
            ),
            models.CheckConstraint(
                name="threshold_plan_state_and_times",
                condition=Q(state=ChangeState.PLANNED, begun_at=None, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.RUNNING, begun_at__isnull=False, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.DONE, begun_at__isnull=False, finished_at__isnull=False, cancelled_at=None)
                | Q(state=ChangeState.CANCELLED, begun_at=None, finished_at=None, cancelled_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.effective_on:%Y-%m-%d}: {self.silver} / {self.gold} / {self.platinum}"

    @property
    def thresholds(self) -> dict[str, int]:
        return {Level.RED: 0, Level.SILVER: self.silver, Level.GOLD: self.gold, Level.PLATINUM: self.platinum}

    @property
    def told_in_time(self) -> bool:
        """Whether nobody is surprised (R22)."""
        if self.announced_at is None:
            return False
        early = timezone.localdate(self.announced_at) + timedelta(days=settings.NOTICE_DAYS) <= self.effective_on
        return early or not self.told or bool(self.short_notice_reason)


class ThresholdAnnouncement(models.Model):
    """A member has been told of a planned change of the levels. Taken back when it was dropped and they know it."""

    plan = models.ForeignKey(ThresholdPlan, models.PROTECT, related_name="announcements", db_index=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="+")
    letter = models.CharField(max_length=80)
    at = models.DateTimeField(_("at"))
    withdrawn_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("announcement of levels")
        verbose_name_plural = _("announcements of levels")
        constraints = [models.UniqueConstraint(fields=["plan", "member"], name="threshold_announcement_once")]

    def __str__(self) -> str:
        return self.letter


def level_by(thresholds: Mapping[str, int]) -> Case:
    """The level that points give under these thresholds, for queries on members (R10)."""
    falling = sorted(thresholds.items(), key=lambda each: -each[1])
    return Case(*(When(points__gte=points, then=Value(level)) for level, points in falling), output_field=CharField())


def threshold_rows() -> list[tuple[str, int, date]]:
    """(level, points from, valid from) of everything in force and planned, for `rules.thresholds_on`."""
    rows = list(LevelThreshold.objects.values_list("level", "points_from", "valid_from"))
    for plan in ThresholdPlan.objects.planned():
        rows += [(level, points, plan.effective_on) for level, points in plan.thresholds.items()]
    return rows


class LevelBenefitQuerySet(models.QuerySet["LevelBenefit"]):
    def of(self, level: str, country: str, service_level: str) -> "LevelBenefit | None":
        """What a level gives in a country: the country's own row, or else that of its service level (R3, R4)."""
        return (
            self.filter(level=level, service_level=service_level)
            .filter(Q(country=country) | Q(country=""))
            .order_by("-country")
            .first()
        )


@pghistory.track()
class LevelBenefit(models.Model):
    """What a level gives where this service level is offered (R3, R44, R51), with exceptions by country."""

    level = models.CharField(_("level"), max_length=10, choices=Level)
    service_level = models.CharField(_("service level"), max_length=6, choices=ServiceLevel)
    country = CountryField(verbose_name=_("only in"), blank=True, default="")
    fast_track_days = models.PositiveSmallIntegerField(
        _("Fast Track target"),
        null=True,
        blank=True,
        help_text=_("Working days at the centre; empty: no Fast Track."),
    )
    maintenance_discount = models.PositiveSmallIntegerField(_("maintenance discount in percent"), default=0)
    free_return = models.BooleanField(_("free return shipping"), default=False)
    courtesy_loan = models.BooleanField(_("courtesy loan"), default=False)
    first_answer_hours = models.PositiveSmallIntegerField(_("first answer in working hours"))
    sample = models.BooleanField(_("sample"), default=True)

    objects = LevelBenefitQuerySet.as_manager()

    class Meta:
        verbose_name = _("level benefit")
        verbose_name_plural = _("level benefits")
        constraints = [
            models.UniqueConstraint(
                fields=["level", "service_level", "country"], name="level_benefit_once",
                violation_error_message=_("This level already has a row for that service level and country."),
            ),
            models.CheckConstraint(
                name="level_benefit_discount", condition=Q(maintenance_discount__lte=100),
                violation_error_message=_("A discount is at most 100 percent."),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {self.get_service_level_display()} {self.country.code}".strip()


class LevelChange(models.Model):
    """A member's level moved (R11). Append-only."""

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
        indexes = [models.Index(fields=["member", "-at"], name="level_change_by_member")]
        constraints = [
            models.CheckConstraint(name="level_change_is_one", condition=~Q(from_level=F("to_level"))),
        ]
        triggers = append_only("members_levelchange")

    def __str__(self) -> str:
        return f"{self.get_from_level_display()} → {self.get_to_level_display()}"


class UntoldLevelChange(models.Model):
    """A level change that its member has yet to be told of (R56): written with it, deleted when told.

    Telling thousands while their rows are locked would keep them waiting, so a job does it after the run.
    """

    change = models.OneToOneField(LevelChange, models.CASCADE, primary_key=True, related_name="untold")
    member = models.ForeignKey(Member, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("untold level change")
        verbose_name_plural = _("untold level changes")

    def __str__(self) -> str:
        return str(self.change_id)


class TermsVersion(models.Model):
    """A version of the Terms of Use, in force from a moment on (R9)."""

    version = models.CharField(_("version"), max_length=20, unique=True)
    valid_from = models.DateTimeField(_("in force from"))

    class Meta:
        verbose_name = _("version of the terms")
        verbose_name_plural = _("versions of the terms")
        ordering = ["-valid_from"]
        get_latest_by = "valid_from"

    def __str__(self) -> str:
        return self.version


class TermsAcceptance(models.Model):
    """A member accepted a version of the Terms of Use (R9). Append-only."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="terms_accepted", verbose_name=_("member"))
    terms = models.ForeignKey(TermsVersion, models.PROTECT, verbose_name=_("version"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("acceptance of the terms")
        verbose_name_plural = _("acceptances of the terms")
        constraints = [models.UniqueConstraint(fields=["member", "terms"], name="terms_accepted_once")]
        triggers = append_only("members_termsacceptance")

    def __str__(self) -> str:
        return f"{self.terms}: {self.member_id}"


class Notice(models.Model):
    """What the dashboard tells a member of its own accord (R56). The unique key makes a replay harmless."""

    key = models.CharField(max_length=200, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="notices", verbose_name=_("member"))
    code = models.CharField(_("what"), max_length=40, choices=NoticeCode)
    params = models.JSONField(_("details"), default=dict)
    path = models.CharField(_("leads to"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["member", "-at"], name="notice_unread", condition=Q(read_at=None))]

    def __str__(self) -> str:
        return f"{self.get_code_display()} ({self.member_id})"
