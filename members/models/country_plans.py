"""Planned changes of the programme of a country (R1), announced in advance like any change of points (R22)."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.dates import write_day
from members.enums import OPEN_CHANGES, Programme, ServiceLevel
from members.models.plans import AnnouncedPlan, AnnouncedPlanQuerySet, state_and_times
from members.models.programme import CountryProgramme


@pghistory.track(exclude=["cursor", "told", "moved", "stepped_at"])
class CountryPlan(AnnouncedPlan):
    """Another programme, or service level, of a country from a day on (R1).

    On that day it becomes a row of CountryProgramme. Who was told has a notice with the key `country-<plan>-<member>`.
    """

    country = CountryField(verbose_name=_("country"))
    kind = models.CharField(_("programme"), max_length=12, choices=Programme)
    service_level = models.CharField(_("service level"), max_length=6, choices=ServiceLevel, blank=True)
    link = models.URLField(
        _("page of the country"), blank=True, help_text=_("Of its own programme: members are sent there.")
    )
    finished_at = models.DateTimeField(_("all members told that it has"), null=True, blank=True, editable=False)
    moved = models.PositiveIntegerField(_("members told on the day"), default=0, editable=False)

    objects = AnnouncedPlanQuerySet["CountryPlan"].as_manager()

    class Meta:
        verbose_name = _("planned change of a country")
        verbose_name_plural = _("planned changes of countries")
        permissions = [("plan_countries", "Can plan and cancel changes of countries")]
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["country"],
                name="country_plan_one_at_a_time",
                condition=Q(state__in=OPEN_CHANGES),
                violation_error_message=_("Another change of this country is already planned."),
            ),
            models.CheckConstraint(
                name="country_plan_service_level",
                condition=Q(kind=Programme.FREE, service_level__in=ServiceLevel.values)
                | (~Q(kind=Programme.FREE) & Q(service_level="")),
                violation_error_message=_("Countries of the free programme need a service level; others have none."),
            ),
            state_and_times("country_plan_state_and_times"),
        ]

    def __str__(self) -> str:
        return f"{self.country.name}, {write_day(self.effective_on)}"

    def as_programme(self, region: str = "") -> CountryProgramme:
        """The row that it becomes on its day, not saved."""
        return CountryProgramme(
            country=self.country.code,
            region=region,
            kind=self.kind,
            service_level=self.service_level,
            link=self.link,
            valid_from=self.effective_on,
        )

    def notice_keys(self, what: str) -> str:
        """How the keys begin of notices and mails: `will`, `stays` or `has`; the key of the member follows."""
        return f"country-{what}-{self.pk}-"
