"""Planned changes of the programme of a country (R1), announced in advance like any change of points (R22)."""

from datetime import timedelta

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.dates import write_day
from members.enums import OPEN_CHANGES, ChangeState, Programme, ServiceLevel
from members.models.people import User
from members.models.programme import CountryProgramme


class CountryPlanQuerySet(models.QuerySet["CountryPlan"]):
    def planned(self) -> "CountryPlanQuerySet":
        return self.filter(state=ChangeState.PLANNED).order_by("effective_on")

    def open(self) -> "CountryPlanQuerySet":
        """Planned, or being told to the members of the country on its day."""
        return self.filter(state__in=OPEN_CHANGES).order_by("effective_on")


@pghistory.track(exclude=["cursor", "told", "moved", "stepped_at"])
class CountryPlan(models.Model):
    """Another programme, or service level, of a country from a day on (R1).

    On that day it becomes a row of CountryProgramme. Who was told has a notice with the key `country-<plan>-<member>`.
    `cursor` is the key of the last member, or notice, that the run in progress has processed.
    """

    country = CountryField(verbose_name=_("country"))
    kind = models.CharField(_("programme"), max_length=12, choices=Programme)
    service_level = models.CharField(_("service level"), max_length=6, choices=ServiceLevel, blank=True)
    link = models.URLField(
        _("page of the country"), blank=True, help_text=_("Of its own programme: members are sent there.")
    )
    effective_on = models.DateField(_("from"))
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
    finished_at = models.DateTimeField(_("all members told that it has"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    recalled_at = models.DateTimeField(
        _("all members notified of the cancellation"), null=True, blank=True, editable=False
    )
    told = models.PositiveIntegerField(_("members notified"), default=0, editable=False)
    moved = models.PositiveIntegerField(_("members told on the day"), default=0, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    stepped_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CountryPlanQuerySet.as_manager()

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
            models.CheckConstraint(
                name="country_plan_state_and_times",
                condition=Q(state=ChangeState.PLANNED, begun_at=None, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.RUNNING, begun_at__isnull=False, finished_at=None, cancelled_at=None)
                | Q(state=ChangeState.DONE, begun_at__isnull=False, finished_at__isnull=False, cancelled_at=None)
                | Q(state=ChangeState.CANCELLED, begun_at=None, finished_at=None, cancelled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country.name}, {write_day(self.effective_on)}"

    @property
    def told_in_time(self) -> bool:
        """Whether members got NOTICE_DAYS of notice, or nobody was affected, or staff gave a reason (R22)."""
        if self.announced_at is None:
            return False
        early = timezone.localdate(self.announced_at) + timedelta(days=settings.NOTICE_DAYS) <= self.effective_on
        return early or not self.told or bool(self.short_notice_reason)

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
