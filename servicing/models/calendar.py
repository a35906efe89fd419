"""What differs from the weekly hours of centres, and what staff know better than the library of holidays (R72)."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.opening_hours import Hours, parse_week
from cps_portal.core.lib.public_holidays import HolidayRegion, check_country, check_region
from cps_portal.core.lib.translations import Translated, TranslationsField
from members.models import User
from servicing.enums import DayKind, HolidayAnswer

HOURS_EXAMPLE = "Mo-Th 09:00-18:00; Fr 09:00-12:00"
MAX_DAYS_OFF = 31  # in one row
MAX_SEASON_DAYS = 200
NO_TIMES = Q(opens=None, closes=None)
BOTH_TIMES = Q(opens__isnull=False, closes__isnull=False) & (Q(closes__gt=F("opens")))


def check_week(text: str) -> None:
    """Raises ValidationError if this is not a week as `parse_week` reads it."""
    try:
        parse_week(text)
    except ValueError as error:
        params = {"example": HOURS_EXAMPLE, "error": error}
        raise ValidationError(_("Write the hours like “%(example)s” (%(error)s)."), params=params) from None


def check_holiday_country(code: str) -> None:
    """Raises ValidationError if the public holidays of this country are not known."""
    try:
        check_country(code)
    except ValueError:
        raise ValidationError(
            _("The public holidays of this country aren’t known, so no target can be counted.")
        ) from None


def check_holiday_region(country: str, subdivision: str, categories: Iterable[str]) -> None:
    """Raises ValidationError beside the field that the library of holidays does not know for this country."""
    check_holiday_country(country)
    for field, region in (
        ("subdivision", HolidayRegion(country, subdivision)),
        ("holiday_categories", HolidayRegion(country, "", tuple(categories))),
    ):
        try:
            check_region(region)
        except ValueError as error:
            raise ValidationError({field: str(error)}) from None


class CalendarException(Translated, models.Model):
    """Days that differ from the weekly hours and public holidays of one centre, or of all centres of a country.

    `last` is included. What is said of the centre wins over what is said of its country; of two rows for the same day,
    the later one wins.
    """

    centre = models.ForeignKey(
        "servicing.ServiceCentre",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="exceptions",
        verbose_name=_("centre"),
    )
    country = CountryField(
        verbose_name=_("country"), blank=True, help_text=_("Instead of a centre: all centres of this country.")
    )
    kind = models.CharField(_("what"), max_length=8, choices=DayKind, default=DayKind.CLOSED)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    opens = models.TimeField(_("opens"), null=True, blank=True)
    closes = models.TimeField(_("closes"), null=True, blank=True)
    why = models.CharField(_("reason"), max_length=120, blank=True, help_text=_("Members read it."))
    translations = TranslationsField(of=("why",))

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")
        ordering = ["first", "pk"]
        indexes = [models.Index("country", name="calendar_exception_country", condition=~Q(country=""))]
        constraints = [
            models.CheckConstraint(
                name="calendar_exception_scope",
                condition=Q(centre__isnull=False, country="") | Q(Q(centre=None), ~Q(country="")),
                violation_error_message=_("Choose either a centre or a country."),
            ),
            models.CheckConstraint(
                name="calendar_exception_days",
                condition=Q(last__gte=F("first"))
                & Q(
                    Q(kind=DayKind.SEASON, last__lte=F("first") + timedelta(days=MAX_SEASON_DAYS))
                    | Q(last__lte=F("first") + timedelta(days=MAX_DAYS_OFF - 1))
                ),
                violation_error_message=_("The last day must not be before the first, nor so much later."),
            ),
            models.CheckConstraint(
                name="calendar_exception_times",
                condition=Q(NO_TIMES, kind=DayKind.CLOSED)
                | Q(kind=DayKind.HALF, opens=None, closes__isnull=False)
                | Q(BOTH_TIMES, kind__in=(DayKind.SEASON, DayKind.OPEN))
                | Q(NO_TIMES, kind=DayKind.OPEN),
                violation_error_message=_("The times don’t fit what is said of the day."),
            ),
            models.CheckConstraint(name="calendar_exception_kind", condition=Q(kind__in=DayKind.values)),
        ]

    def __str__(self) -> str:
        first, last = write_day(self.first), write_day(self.last)
        return f"{self.get_kind_display()}: {first}" + ("" if self.last == self.first else f" – {last}")

    def clean(self) -> None:
        """Raises ValidationError beside the field that does not fit the others."""
        if self.country:
            try:
                check_holiday_country(self.country.code)
            except ValidationError as error:
                raise ValidationError({"country": error}) from None
        self._check_days()
        self._check_times()

    def _check_days(self) -> None:
        if not self.first or not self.last:
            return
        max_days = MAX_SEASON_DAYS if self.kind == DayKind.SEASON else MAX_DAYS_OFF
        if self.last < self.first:
            raise ValidationError({"last": _("The last day must not be before the first.")})
        if self.last >= self.first + timedelta(days=max_days):
            message = ValidationError(_("At most %(days)s days in one row."), params={"days": max_days})
            raise ValidationError({"last": message})

    def _check_times(self) -> None:
        needs_opening = self.kind == DayKind.SEASON or (self.kind == DayKind.OPEN and self.closes is not None)
        needs_closing = self.kind in (DayKind.SEASON, DayKind.HALF) or (self.kind == DayKind.OPEN and self.opens)
        if needs_opening and self.opens is None:
            raise ValidationError({"opens": _("Say from when.")})
        if needs_closing and self.closes is None:
            raise ValidationError({"closes": _("Say until when.")})
        if self.opens and self.closes and self.closes <= self.opens:
            raise ValidationError({"closes": _("The closing time must be after the opening time.")})
        if self.kind == DayKind.CLOSED and (self.opens or self.closes):
            raise ValidationError({"opens" if self.opens else "closes": _("A day that is closed has no hours.")})
        if self.kind == DayKind.HALF and self.opens:
            raise ValidationError({"opens": _("A half day opens as usual: say only until when.")})

    @property
    def hours(self) -> Hours | None:
        return Hours(self.opens, self.closes) if self.opens and self.closes else None

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


class EstimatedHoliday(models.Model):
    """A holiday of which the library knows the day only roughly, and what staff answered (R72)."""

    country = CountryField(verbose_name=_("country"))
    day = models.DateField(_("estimated for"))
    name = models.CharField(_("holiday"), max_length=200)
    asked_at = models.DateTimeField(_("asked"))
    answer = models.CharField(_("answer"), max_length=10, choices=HolidayAnswer, blank=True)
    moved_to = models.DateField(_("moved to"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("answered by")
    )

    class Meta:
        verbose_name = _("estimated holiday")
        verbose_name_plural = _("estimated holidays")
        ordering = ["day", "country"]
        constraints = [
            models.UniqueConstraint(fields=["country", "day"], name="estimated_holiday_once"),
            models.CheckConstraint(
                name="estimated_holiday_moved",
                condition=Q(answer=HolidayAnswer.MOVED, moved_to__isnull=False)
                | Q(~Q(answer=HolidayAnswer.MOVED), moved_to=None),
                violation_error_message=_("Say to which day it has moved, if it has."),
            ),
            models.CheckConstraint(
                name="estimated_holiday_answer", condition=Q(answer__in=("", *HolidayAnswer.values))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.country.name}"


class CalendarSnapshot(models.Model):
    """The calendar of a centre for which the targets of its open jobs were computed (R72).

    `facts` as `servicing.rules.calendars.to_facts` makes them; `next_facts` are those that differ since `differs_since`
    and were last seen to change at `changed_at`.
    """

    centre = models.OneToOneField(
        "servicing.ServiceCentre", models.CASCADE, primary_key=True, related_name="snapshot", verbose_name=_("centre")
    )
    facts = models.JSONField(_("facts"))
    next_facts = models.JSONField(_("next facts"), null=True)
    differs_since = models.DateTimeField(_("differs since"), null=True)
    changed_at = models.DateTimeField(_("last change"), null=True)

    class Meta:
        verbose_name = _("calendar snapshot")
        verbose_name_plural = _("calendar snapshots")

    def __str__(self) -> str:
        return str(self.centre)
