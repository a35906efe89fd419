"""Service centres (R42)."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.clock import Calendar
from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.partners.models import Partner
from kitbag.enums import Shelf
from members.enums import Programme
from members.models import User
from servicing.enums import CentreKind, CentreStatus, ServiceKind


def monday_to_friday() -> list[int]:
    return [1, 2, 3, 4, 5]


def check_zone(name: str) -> None:
    """Raises ValidationError if this is not an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone like Europe/Istanbul."), params={"name": name})


class ServiceCentreQuerySet(models.QuerySet["ServiceCentre"]):
    def open(self) -> Self:
        return self.filter(status=CentreStatus.OPEN)

    def seen_by(self, user: User) -> Self:
        """The centres where the user works; all of them for users who may see the jobs of every centre."""
        return self if user.has_perm("servicing.view_every_ticket") else self.filter(staff__user=user)


@pghistory.track()
class ServiceCentre(models.Model):
    """A service centre or partner (R42). `weekdays` as in ISO 8601: Monday is 1."""

    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=3, choices=CentreKind)
    country = CountryField(verbose_name=_("country"))
    city = models.CharField(_("city"), max_length=80)
    address = models.TextField(_("postal address"), max_length=300, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("email"), blank=True)
    latitude = models.DecimalField(_("latitude"), max_digits=8, decimal_places=5)
    longitude = models.DecimalField(_("longitude"), max_digits=8, decimal_places=5)
    zone = models.CharField(_("time zone"), max_length=50, default="UTC", db_default="UTC", validators=[check_zone])
    weekdays = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("working days"), default=monday_to_friday)
    opens = models.TimeField(_("opens"), default=time(9), db_default=time(9))
    closes = models.TimeField(_("closes"), default=time(17), db_default=time(17))
    services = ArrayField(
        models.CharField(max_length=12, choices=ServiceKind), verbose_name=_("services"), default=list
    )
    shelves = ArrayField(
        models.CharField(max_length=10, choices=Shelf), verbose_name=_("kinds of product"), default=list
    )
    programme = models.CharField(_("programme"), max_length=12, choices=Programme)
    # For members of the free programme, if the country of the centre is in another programme (R4).
    traveller_days = models.PositiveSmallIntegerField(
        _("Fast Track target for travellers"),
        null=True,
        blank=True,
        help_text=_("Working days. Leave empty if travellers are served at standard speed."),
    )
    traveller_discount = models.PositiveSmallIntegerField(
        _("maintenance discount for travellers in percent"), default=0, db_default=0
    )
    traveller_return = models.BooleanField(_("free return shipping for travellers"), default=False, db_default=False)
    traveller_loan = models.BooleanField(_("courtesy loan for travellers"), default=False, db_default=False)
    status = models.CharField(_("status"), max_length=10, choices=CentreStatus, default=CentreStatus.OPEN)
    notice = models.CharField(_("notice"), max_length=200, blank=True)
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="centres",
        verbose_name=_("partner"),
        help_text=_("The partner whose API credentials give access to this centre."),
    )
    sample = models.BooleanField(_("sample"), default=False)

    objects = ServiceCentreQuerySet.as_manager()

    class Meta:
        verbose_name = _("service centre")
        verbose_name_plural = _("service centres")
        ordering = ["country", "name"]
        constraints = [
            models.CheckConstraint(
                name="service_centre_position",
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                violation_error_message=_("Latitude is from -90 to 90, longitude from -180 to 180."),
            ),
            models.CheckConstraint(
                name="service_centre_week",
                condition=Q(weekdays__len__gte=1, weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]),
                violation_error_message=_("Choose at least one working day."),
            ),
            models.CheckConstraint(
                name="service_centre_hours",
                condition=Q(closes__gt=F("opens")),
                violation_error_message=_("The closing time must be after the opening time."),
            ),
            models.CheckConstraint(
                name="service_centre_traveller_discount",
                condition=Q(traveller_discount__lte=100),
                violation_error_message=_("A discount can be 100 percent at most."),
            ),
            models.CheckConstraint(name="service_centre_status", condition=Q(status__in=CentreStatus.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("servicing:centre", args=[self.slug])

    def get_services_display(self) -> list[str]:
        return [str(ServiceKind(service).label) for service in self.services]

    def get_shelves_display(self) -> list[str]:
        return [str(Shelf(shelf).label) for shelf in self.shelves]

    @cached_property
    def calendar(self) -> Calendar:
        """When it works: its weekdays and hours, without public holidays and its own closures (R44)."""
        return Calendar(
            zone=ZoneInfo(self.zone),
            weekdays=frozenset(self.weekdays),
            opens=self.opens,
            closes=self.closes,
            country=self.country.code,
            days_off=frozenset(day for closure in self._closures() for day in closure.days()),
        )

    def _closures(self) -> "Iterable[Closure]":
        """If not prefetched, read with a compiled query, because the clock of every ticket needs them."""
        prefetched = getattr(self, "_prefetched_objects_cache", {})
        return self.closures.all() if "closures" in prefetched else CLOSURES.all(centre=self.pk)

    def today(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()


class Closure(models.Model):
    """Days on which a centre is closed, apart from weekends and public holidays; `last` is included."""

    centre = models.ForeignKey(ServiceCentre, models.CASCADE, related_name="closures", verbose_name=_("centre"))
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    why = models.CharField(_("reason"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["first"]
        constraints = [
            models.CheckConstraint(
                name="closure_days",
                condition=Q(last__gte=F("first"), last__lte=F("first") + timedelta(days=30)),
                violation_error_message=_("The last day must not be before the first, nor so much later."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.first} – {self.last}"

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


CLOSURES: CompiledQuery[Closure] = CompiledQuery(lambda centre: Closure.objects.filter(centre=centre))


class CentreStaff(models.Model):
    """A person who works at a centre. They see its tickets and loans, and none of the members in the admin."""

    centre = models.ForeignKey(ServiceCentre, models.CASCADE, related_name="staff", verbose_name=_("centre"))
    user = models.ForeignKey(User, models.CASCADE, related_name="works_at", verbose_name=_("user"))

    class Meta:
        verbose_name = _("centre staff member")
        verbose_name_plural = _("centre staff")
        constraints = [models.UniqueConstraint(fields=["centre", "user"], name="centre_staff_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.centre}"
