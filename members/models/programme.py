"""The programme of each country, and the benefits of each level there (R1, R3, R44, R51)."""

from datetime import date

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.compiled_queries import CompiledModels
from members.enums import Level, Programme, ServiceLevel

PROGRAMME: CompiledModels["CountryProgramme"] = CompiledModels(
    lambda country, day: CountryProgramme.objects.filter(country=country, valid_from__lte=day).order_by("-valid_from")[
        :1
    ]
)


def programme_in(country: str | None, on: date | None = None) -> "CountryProgramme | None":
    """What is offered in a country today, or on the given day; None for a country without a row (R1)."""
    return PROGRAMME.first(country=country or "", day=on or timezone.localdate())


class CountryProgrammeQuerySet(models.QuerySet["CountryProgramme"]):
    def in_force(self, on: date | None = None) -> "CountryProgrammeQuerySet":
        """The row of each country that is valid today, or on the given day (R1)."""
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
    served_with = CountryField(
        verbose_name=_("served with"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Of an island or a very small country: the one whose centres and programme people there go to."),
    )
    on_hold = models.BooleanField(
        _("on hold"),
        default=False,
        db_default=False,
        help_text=_("Nobody can join there, and pages promise no service. Members who live there keep their accounts."),
    )
    hold_reason = models.CharField(
        _("why it is on hold"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("For staff only: people read one sentence in their language."),
    )

    objects = CountryProgrammeQuerySet.as_manager()

    class Meta:
        verbose_name = _("country programme")
        verbose_name_plural = _("country programmes")
        ordering = ["country", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "valid_from"],
                name="country_programme_once_a_day",
                violation_error_message=_("This country already has an entry for that day."),
            ),
            models.CheckConstraint(
                name="country_programme_service_level",
                condition=Q(kind=Programme.FREE, service_level__in=ServiceLevel.values)
                | (~Q(kind=Programme.FREE) & Q(service_level="")),
                violation_error_message=_("Countries of the free programme need a service level; others have none."),
            ),
            models.CheckConstraint(
                name="country_programme_hold_has_a_reason",
                condition=Q(on_hold=False, hold_reason="") | Q(on_hold=True) & ~Q(hold_reason=""),
                violation_error_message=_("Say why a country is on hold; without a hold leave the reason empty."),
            ),
            models.CheckConstraint(
                name="country_programme_served_with_another",
                condition=~Q(served_with=F("country")),
                violation_error_message=_("A country isn’t served with itself. Choose another one, or leave it empty."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country.name}: {self.get_kind_display()}"


BENEFITS: CompiledModels["LevelBenefit"] = CompiledModels(
    lambda level, country, service_level: (
        LevelBenefit.objects.filter(level=level, service_level=service_level)
        .filter(Q(country=country) | Q(country=""))
        .order_by("-country")[:1]
    )
)


class LevelBenefitManager(models.Manager["LevelBenefit"]):
    def of(self, level: str, country: str, service_level: str) -> "LevelBenefit | None":
        """The benefits of a level in a country: the country's own row, or else that of its service level (R3, R4)."""
        return BENEFITS.first(level=level, country=country, service_level=service_level)


@pghistory.track()
class LevelBenefit(models.Model):
    """The benefits of a level where a service level is offered (R3, R44, R51), with exceptions by country."""

    level = models.CharField(_("level"), max_length=10, choices=Level)
    service_level = models.CharField(_("service level"), max_length=6, choices=ServiceLevel)
    country = CountryField(verbose_name=_("only in"), blank=True, default="")
    fast_track_days = models.PositiveSmallIntegerField(
        _("Fast Track target"),
        null=True,
        blank=True,
        help_text=_("Working days at the service centre. Leave empty for no Fast Track."),
    )
    maintenance_discount = models.PositiveSmallIntegerField(_("maintenance discount in percent"), default=0)
    free_return = models.BooleanField(_("free return shipping"), default=False)
    courtesy_loan = models.BooleanField(_("courtesy loan"), default=False)
    first_answer_hours = models.PositiveSmallIntegerField(_("first answer in working hours"))
    sample = models.BooleanField(_("sample"), default=True)

    objects = LevelBenefitManager()

    class Meta:
        verbose_name = _("level benefit")
        verbose_name_plural = _("level benefits")
        constraints = [
            models.UniqueConstraint(
                fields=["level", "service_level", "country"],
                name="level_benefit_once",
                violation_error_message=_("This level already has an entry for that service level and country."),
            ),
            models.CheckConstraint(
                name="level_benefit_discount",
                condition=Q(maintenance_discount__lte=100),
                violation_error_message=_("A discount can be 100 percent at most."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()}, {self.get_service_level_display()} {self.country.code}".strip()
