"""Service centres (R42)."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.clock import Calendar
from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.opening_hours import Hours, Season, parse_week
from cps_portal.core.lib.public_holidays import PUBLIC
from cps_portal.core.lib.translations import Translated, TranslationsField
from cps_portal.core.partners.models import Partner
from kitbag.enums import Shelf
from members.addresses import Address
from members.enums import Programme
from members.models import User
from servicing.enums import CentreKind, CentreStatus, DayKind, ServiceKind
from servicing.models.calendar import (
    HOURS_EXAMPLE,
    CalendarException,
    check_holiday_region,
    check_week,
)

DEFAULT_HOURS = "Mo-Fr 09:00-17:00"


def public_holidays_only() -> list[str]:
    return [PUBLIC]


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


@pghistory.track(exclude=["messages_mailed_at"])
class ServiceCentre(Translated, models.Model):
    """A service centre or partner (R42). `hours` as `parse_week` reads them, `holiday_categories` as
    the library of holidays names them (R72)."""

    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=3, choices=CentreKind)
    country = CountryField(verbose_name=_("country"))
    city = models.CharField(_("city"), max_length=80)
    street = models.TextField(
        _("street address"),
        max_length=300,
        blank=True,
        help_text=_("Without it, nothing can be sent to the centre."),
    )
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True, default="", db_default="")
    address_is_sample = models.BooleanField(
        _("the address is a sample"), default=False, db_default=False, help_text=_("Pages say so.")
    )
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("email"), blank=True, help_text=_("Unanswered messages of customers are mailed to it."))
    latitude = models.DecimalField(_("latitude"), max_digits=8, decimal_places=5)
    longitude = models.DecimalField(_("longitude"), max_digits=8, decimal_places=5)
    zone = models.CharField(_("time zone"), max_length=50, default="UTC", db_default="UTC", validators=[check_zone])
    hours = models.CharField(
        _("opening hours"),
        max_length=200,
        default=DEFAULT_HOURS,
        db_default=DEFAULT_HOURS,
        validators=[check_week],
        help_text=format_lazy(
            _("By weekday, like “{example}”. Days that aren’t named are closed."), example=HOURS_EXAMPLE
        ),
    )
    subdivision = models.CharField(
        _("part of the country"),
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text=_("If public holidays differ within the country, for example NW in Germany or ENG in Great Britain."),
    )
    holiday_categories = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("holidays that count"),
        default=public_holidays_only,
        help_text=_("“public”, and what else is closed there, for example: half_day, de_facto, islamic."),
    )
    services = ArrayField(
        models.CharField(max_length=12, choices=ServiceKind), verbose_name=_("services"), default=list
    )
    shelves = ArrayField(
        models.CharField(max_length=10, choices=Shelf), verbose_name=_("kinds of product"), default=list
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="EUR",
        db_default="EUR",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Write the currency in three letters, like EUR."))],
    )
    tax_percent = models.DecimalField(
        _("tax in percent"),
        max_digits=4,
        decimal_places=2,
        default=Decimal(0),
        db_default=Decimal(0),
        help_text=_("Proposed for every line of an estimate."),
    )
    takes_drop_off = models.BooleanField(_("takes products at the counter"), default=True, db_default=True)
    collects = models.BooleanField(_("has products collected"), default=False, db_default=False)
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
    languages = ArrayField(
        models.CharField(max_length=2, choices=NAMES.items()),
        verbose_name=_("languages"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Which of ours people are answered in there. Members read them."),
    )
    translations = TranslationsField(of=("city", "notice"))
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
    messages_mailed_at = models.DateTimeField(_("last mail about messages"), null=True, blank=True, editable=False)

    loaded_exceptions: "list[CalendarException] | None" = None  # by `load_calendars`, for many centres at once

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
            models.CheckConstraint(name="service_centre_hours", condition=~Q(hours="")),
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

    @property
    def address(self) -> Address:
        return Address(
            name=self.name,
            country=self.country.code,
            street=self.street,
            city=self.city,
            postal_code=self.postal_code,
            phone=self.phone,
        )

    @property
    def has_address(self) -> bool:
        """Whether something can be sent to it (R61)."""
        return bool(self.street)

    @property
    def map_url(self) -> str:
        """A map of where it is, which opens on every device."""
        place = f"{self.latitude}/{self.longitude}"
        return f"https://www.openstreetmap.org/?mlat={self.latitude}&mlon={self.longitude}#map=16/{place}"

    def get_services_display(self) -> list[str]:
        return [str(ServiceKind(service).label) for service in self.services]

    def get_languages_display(self) -> list[str]:
        """Each in its own words."""
        return [NAMES[language] for language in self.languages if language in NAMES]

    def get_shelves_display(self) -> list[str]:
        return [str(Shelf(shelf).label) for shelf in self.shelves]

    def clean(self) -> None:
        """Raises ValidationError if the library does not know the holidays of the place."""
        if self.country:
            check_holiday_region(self.country.code, self.subdivision, self.holiday_categories or [])

    @cached_property
    def calendar(self) -> Calendar:
        """When it works: its hours, the public holidays, and what differs from both (R44, R72)."""
        exceptions = self.loaded_exceptions
        if exceptions is None:
            exceptions = EXCEPTIONS.all(centre=self.pk or 0, country=self.country.code)
        return build_calendar(self, exceptions)

    def is_open_at(self, at: datetime) -> bool:
        """Whether somebody is there at this moment."""
        return self.calendar.is_open(at)

    def today(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()


# Of one centre and its country; the clock of every ticket needs them.
EXCEPTIONS: CompiledModels[CalendarException] = CompiledModels(
    lambda centre, country: CalendarException.objects.filter(Q(centre=centre) | Q(country=country))
)


def load_calendars(centres: Iterable[ServiceCentre]) -> None:
    """Read what the calendars of these centres need in one query, however many there are."""
    rows = list(centres)
    countries, keys = {centre.country.code for centre in rows}, {centre.pk for centre in rows}
    exceptions = list(CalendarException.objects.filter(Q(centre__in=keys) | Q(country__in=countries))) if rows else []
    for centre in rows:
        code = centre.country.code
        centre.loaded_exceptions = [row for row in exceptions if centre.pk == row.centre_id or row.country == code]


def build_calendar(centre: ServiceCentre, exceptions: Iterable[CalendarException]) -> Calendar:
    """The calendar of a centre. Raises ValueError if its fields contradict each other."""
    days_off: dict[date, str] = {}
    days_on: dict[date, Hours | None] = {}
    early, early_because = {}, {}
    seasons: list[Season] = []
    reasons: dict[str, dict[str, str]] = {}
    for row in sorted(exceptions, key=lambda row: (row.centre_id is not None, row.pk)):
        if row.why:
            reasons[row.why] = row.translated("why")
        if row.kind == DayKind.SEASON and row.hours:
            seasons.insert(0, Season(row.first, row.last, row.hours))
        for day in row.days() if row.kind != DayKind.SEASON else ():
            if row.kind == DayKind.HALF and row.closes:
                early[day], early_because[day] = row.closes, row.why
                days_off.pop(day, None)
                continue
            for earlier in (days_off, days_on, early, early_because):
                earlier.pop(day, None)
            if row.kind == DayKind.CLOSED:
                days_off[day] = row.why
            else:
                days_on[day] = row.hours
    return Calendar(
        zone=ZoneInfo(centre.zone),
        week=parse_week(centre.hours),
        country=centre.country.code,
        subdivision=centre.subdivision,
        categories=tuple(centre.holiday_categories),
        days_off=days_off,
        days_on=days_on,
        early=early,
        early_because=early_because,
        seasons=seasons,
        reasons=reasons,
    )


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
