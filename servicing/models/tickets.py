"""Tickets and their events (R43 to R52, R60)."""

from datetime import datetime
from typing import Any, Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib import reference as references
from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery
from cps_portal.core.partners.models import Partner, live_endpoints
from kitbag.models import Product, Registration
from members.enums import Level
from members.models import Member, User, append_only
from servicing.enums import (
    IN_WORKSHOP,
    NOT_OVER,
    OPEN_TICKETS,
    OVER,
    Charge,
    EventKind,
    PlaceWish,
    ServiceKind,
    TicketState,
    Track,
    WaitingFor,
    Warranty,
    WhyNoWarranty,
    WhyStandard,
    Writer,
)
from servicing.models.centres import ServiceCentre
from servicing.models.parcels import REFERENCE_FORM, Parcel
from servicing.models.persons import ACCOUNTS, places_of_a_person
from servicing.models.visitors import VisitingMember
from servicing.rules import places as rules
from servicing.rules.charge import SETTLED


class TicketQuerySet(models.QuerySet["Ticket"]):
    def of(self, member: Member) -> Self:
        return self.filter(member__in=member.accounts)  # also of accounts that became one with theirs (R69)

    def open(self) -> Self:
        return self.exclude(state__in=OVER)

    def seen_by(self, user: User) -> Self:
        """The tickets of the centres where the user works; all of them for users who may see every centre (R55)."""
        if user.has_perm("servicing.view_every_ticket"):
            return self
        return self.filter(centre__staff__user=user)

    def visible_to_partner(self, partner: Partner) -> Self:
        return self.filter(centre__partner=partner)

    def locked(self, pk: int) -> "Ticket":
        """The ticket, locked after all accounts of its member, as everywhere. Raises Ticket.DoesNotExist.

        Actions use `servicing.actions.events.lock_ticket`, which also tells other actions of the lock.
        """
        return self.locked_where(pk=pk)

    def locked_where(self, **which: Any) -> "Ticket":
        """The same for a lookup that finds one ticket at most."""
        if self.query.where:
            raise ValueError("call this on Ticket.objects: the compiled query ignores other filters")
        LOCKED_MEMBER.all(**which)
        row = LOCKED.first(**which)
        if row is None:
            raise Ticket.DoesNotExist
        return row

    def to_flag(self, at: datetime) -> Self:
        """In the workshop with the clock running, past their target and not flagged yet (R48)."""
        return self.filter(state__in=IN_WORKSHOP, paused=False, missed_at=None, due_at__lte=at)

    def unanswered(self) -> Self:
        """With a message of the customer that nobody at the centre has answered or marked as read (R73)."""
        return self.filter(unread_since__isnull=False)

    def to_lapse(self, before: datetime) -> Self:
        """With a place, and not booked in in time (R49)."""
        return self.filter(place__isnull=False, booked_in_at=None, place_since__lt=before)


LOCKED_MEMBER: CompiledQuery[tuple[int]] = CompiledQuery(
    lambda **which: (
        Member.objects.locked()
        .filter(pk__in=Ticket.objects.filter(**which).order_by().values(account=ACCOUNTS))
        .only("pk")
    ),
    locks=True,
)
LOCKED_WITH = ["member__user", "visitor", "centre__partner", "product", "registration", "parcel"]


def endpoints_of_centre() -> dict[str, Subquery]:
    """Annotations for `centre_endpoints`."""
    return {"centre_endpoints": live_endpoints("centre__partner")}


LOCKED: CompiledModels["Ticket"] = CompiledModels(
    lambda **which: (
        Ticket.objects.select_related(*LOCKED_WITH)
        .annotate(**endpoints_of_centre())
        .filter(**which)
        .order_by()
        .select_for_update(of=("self",), no_key=True)
    ),
    related=LOCKED_WITH,
    annotations=["centre_endpoints"],
    locks=True,
)


@pghistory.track(
    fields=["centre", "technician", "warranty", "why_no_warranty", "track", "wish"], model_name="TicketHistoryEvent"
)
class Ticket(models.Model):
    """The service of one product at one centre. The fields from `state` on are computed from the events.

    `level` is the member's level at intake, before that the one at the request (R50); blank for visiting members.
    `treatment` is how they were treated in the country of the centre at that time, a `members.rules.Treatment` (R65).
    `place` is one of the member's three Fast Track places; a constraint gives each to one ticket only (R49).
    """

    reference = models.CharField(_("reference"), max_length=references.LENGTH, unique=True, editable=False)
    parcel = models.ForeignKey(Parcel, models.PROTECT, related_name="tickets", verbose_name=_("parcel"))
    member = models.ForeignKey(
        Member, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("member")
    )
    visitor = models.ForeignKey(
        VisitingMember,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="tickets",
        verbose_name=_("visiting member"),
    )
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, blank=True, related_name="tickets", verbose_name=_("registration")
    )
    product = models.ForeignKey(Product, models.PROTECT, related_name="tickets", verbose_name=_("product"))
    serial = models.CharField(_("serial number"), max_length=40, blank=True)
    serial_key = models.CharField(max_length=40, null=True, blank=True, editable=False)
    centre = models.ForeignKey(ServiceCentre, models.PROTECT, related_name="tickets", verbose_name=_("centre"))
    technician = models.ForeignKey(  # of the centre; nobody until somebody takes the job
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("technician"),
        editable=False,
    )
    follows = models.ForeignKey(  # the same fault again (R63)
        "self", models.PROTECT, null=True, blank=True, related_name="follow_ups", verbose_name=_("follows")
    )
    service = models.CharField(_("service"), max_length=12, choices=ServiceKind)
    fault = models.TextField(_("fault"), blank=True, max_length=2000)
    condition = models.TextField(_("condition at intake"), blank=True, max_length=1000)
    accessories = models.CharField(_("accessories"), max_length=300, blank=True)

    warranty_asked = models.BooleanField(_("warranty requested"), default=False)
    warranty = models.CharField(_("warranty"), max_length=12, choices=Warranty, default=Warranty.CHARGEABLE)
    why_no_warranty = models.CharField(_("reason for no warranty"), max_length=16, choices=WhyNoWarranty, blank=True)

    # Frozen when a warranty repair is asked for: by kind of product and country of purchase (R60).
    warranty_months = models.PositiveSmallIntegerField(_("months of warranty"), null=True, blank=True, editable=False)
    warranty_until = models.DateField(_("in warranty until"), null=True, blank=True, editable=False)

    charge = models.CharField(
        _("who pays"), max_length=10, choices=Charge, default=Charge.OPEN, db_default=Charge.OPEN, editable=False
    )

    level = models.CharField(_("level at intake"), max_length=10, choices=Level, blank=True)
    treatment = models.CharField(_("treatment at intake"), max_length=14, default="", db_default="", editable=False)
    track = models.CharField(_("track"), max_length=8, choices=Track)
    why_standard = ArrayField(
        models.CharField(max_length=16, choices=WhyStandard),
        verbose_name=_("reasons for standard speed"),
        default=list,
        blank=True,
    )
    target_days = models.PositiveSmallIntegerField(_("target in working days"))
    discount = models.PositiveSmallIntegerField(_("discount in percent"), default=0)
    free_return = models.BooleanField(_("free return shipping"), default=False)
    loan_possible = models.BooleanField(_("courtesy loan possible"), default=False)
    loan_wanted = models.BooleanField(_("loan wanted if it is late"), default=False, db_default=False)

    wish = models.CharField(_("if all places are taken"), max_length=8, choices=PlaceWish, default=PlaceWish.WAIT)
    place = models.PositiveSmallIntegerField(_("place"), null=True, blank=True)
    place_since = models.DateTimeField(_("place taken on"), null=True, blank=True)
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)

    state = models.CharField(_("state"), max_length=14, choices=TicketState, default=TicketState.REQUESTED)
    opened_at = models.DateTimeField(_("requested on"))
    booked_in_at = models.DateTimeField(_("booked in on"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    paused = models.BooleanField(_("paused"), default=False)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    missed_at = models.DateTimeField(_("target missed"), null=True, blank=True)
    expected_on = models.DateField(_("last part expected"), null=True, blank=True)
    ended_at = models.DateTimeField(_("closed or cancelled"), null=True, blank=True)
    loan_out = models.BooleanField(_("loan is out"), default=False, db_default=False, editable=False)
    changed_at = models.DateTimeField(_("last change"))
    # The same fault again, and no other fault was found; something was repaired, which is covered for a time (R63).
    same_fault = models.BooleanField(_("same fault again"), default=False, db_default=False, editable=False)
    repaired = models.BooleanField(_("repaired"), default=False, db_default=False, editable=False)

    # Of the messages and questions (R73); `unread_since` is when the oldest unanswered message of the customer came.
    last_message_at = models.DateTimeField(_("last message"), null=True, blank=True, editable=False)
    last_message_by = models.CharField(
        _("last message by"), max_length=8, choices=Writer, blank=True, default="", db_default="", editable=False
    )
    unread_since = models.DateTimeField(_("unanswered since"), null=True, blank=True, editable=False)
    waiting_for = models.CharField(
        _("waiting for"),
        max_length=8,
        choices=WaitingFor,
        default=WaitingFor.NOBODY,
        db_default=WaitingFor.NOBODY,
        editable=False,
    )

    objects = TicketQuerySet.as_manager()

    # Set by `servicing.actions.events.lock_ticket` while this object is locked.
    is_locked = False
    locked_events: "list[TicketEvent] | None" = None
    centre_endpoints: str | None = ""  # read with the lock (`live_endpoints`); "" if it was not
    announcements: Any = None  # of `servicing.actions.notifications`: collected there instead of being written at once
    writes: Any = None  # of `servicing.actions.event_writes`: the same for its next event and its own columns

    class Meta:
        verbose_name = _("service ticket")
        verbose_name_plural = _("service tickets")
        ordering = ["-opened_at", "-pk"]
        permissions = [
            ("view_every_ticket", "Can see the tickets of every centre"),
            ("work_on_ticket", "Can work on the tickets of the own centre"),
        ]
        triggers = [places_of_a_person()]
        indexes = [
            models.Index(fields=["member", "-opened_at"], name="ticket_of_member"),
            models.Index(fields=["centre", "due_at"], name="ticket_centre_queue", condition=Q(ended_at=None)),
            models.Index(
                fields=["due_at"],
                name="ticket_to_flag",
                condition=Q(state__in=IN_WORKSHOP, paused=False, missed_at=None),
            ),
            models.Index(
                fields=["place_since"], name="ticket_to_lapse", condition=Q(place__isnull=False, booked_in_at=None)
            ),
            models.Index(
                fields=["member", "waiting_since", "id"], name="ticket_line", condition=Q(state=TicketState.WAITING)
            ),
            models.Index(fields=["serial_key"], name="ticket_serial"),
            models.Index(
                fields=["centre", "unread_since"], name="ticket_unread", condition=Q(unread_since__isnull=False)
            ),
            models.Index(fields=["centre", "opened_at", "id"], name="ticket_centre_opened"),
            models.Index(fields=["centre", "changed_at", "id"], name="ticket_centre_changed"),
            models.Index(fields=["ready_at"], name="ticket_ready", condition=Q(ready_at__isnull=False)),
            # The order of the desk's list: of open jobs, and of all. PostgreSQL sorts NULLS LAST in ascending order.
            models.Index(
                fields=["-same_fault", "due_at", "opened_at", "id"],
                name="ticket_queue",
                condition=Q(state__in=NOT_OVER),
            ),
            models.Index(fields=["-same_fault", "due_at", "opened_at", "id"], name="ticket_in_order"),
            # The filters of the API's list
            models.Index(fields=["centre", "serial", "opened_at", "id"], name="ticket_centre_serial"),
            models.Index(fields=["centre", "state", "opened_at", "id"], name="ticket_centre_state"),
            models.Index(fields=["centre", "opened_at", "id"], name="ticket_centre_open", condition=Q(ended_at=None)),
            models.Index(
                fields=["registration"],
                name="ticket_not_validated",
                condition=~Q(state__in=OVER)
                & Q(track=Track.STANDARD, why_standard__contains=[WhyStandard.NOT_VALIDATED]),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="ticket_reference", condition=Q(reference__regex=REFERENCE_FORM)),
            models.CheckConstraint(name="ticket_state_known", condition=Q(state__in=TicketState.values)),
            models.CheckConstraint(
                name="ticket_one_customer",
                condition=Q(member__isnull=False, visitor=None) | Q(member=None, visitor__isnull=False),
            ),
            models.CheckConstraint(
                name="ticket_registration_is_a_members", condition=Q(registration=None) | Q(member__isnull=False)
            ),
            models.CheckConstraint(
                name="ticket_three_places", condition=Q(place=None) | Q(place__range=(1, rules.PLACES))
            ),
            models.CheckConstraint(
                name="ticket_place_of_fast_track",
                condition=Q(place=None, place_since=None)
                | Q(
                    place__isnull=False,
                    place_since__isnull=False,
                    member__isnull=False,
                    track=Track.FAST,
                    state__in=[state for state in OPEN_TICKETS if state != TicketState.WAITING],
                ),
            ),
            models.UniqueConstraint(fields=["member", "place"], name="ticket_one_a_place"),
            models.CheckConstraint(
                name="ticket_waiting_since",
                condition=Q(state=TicketState.WAITING, waiting_since__isnull=False) | ~Q(state=TicketState.WAITING),
            ),
            models.CheckConstraint(
                name="ticket_ended",
                condition=Q(state__in=OVER, ended_at__isnull=False) | (~Q(state__in=OVER) & Q(ended_at=None)),
            ),
            models.CheckConstraint(name="ticket_charge_known", condition=Q(charge__in=Charge.values)),
            models.CheckConstraint(
                name="ticket_work_is_settled",
                condition=~Q(state__in=(TicketState.WAITING_PARTS, TicketState.IN_REPAIR)) | Q(charge__in=SETTLED),
            ),
            models.CheckConstraint(
                name="ticket_last_message",
                condition=Q(last_message_at=None, last_message_by="", unread_since=None)
                | Q(last_message_at__isnull=False, last_message_by__in=Writer.values),
            ),
            models.CheckConstraint(
                name="ticket_waiting_for",
                condition=Q(unread_since__isnull=False, waiting_for=WaitingFor.CENTRE)
                | Q(unread_since=None, waiting_for__in=(WaitingFor.CUSTOMER, WaitingFor.NOBODY)),
            ),
            models.CheckConstraint(
                name="ticket_clock_from_intake", condition=Q(due_at=None) | Q(booked_in_at__isnull=False)
            ),
            models.CheckConstraint(name="ticket_follows_another", condition=~Q(follows=F("pk"))),
            models.UniqueConstraint(
                fields=["follows"],
                name="ticket_one_open_follow_up",
                condition=Q(ended_at=None),
                violation_error_message=_("A job for the same fault is open already."),
            ),
            models.UniqueConstraint(
                fields=["registration"],
                name="ticket_one_open_a_registration",
                condition=Q(ended_at=None),
                violation_error_message=_("This product is in service already."),
            ),
        ]

    def __str__(self) -> str:
        return references.format_reference(self.reference)

    def get_absolute_url(self) -> str:
        return reverse("servicing:ticket", args=[self.reference])

    @property
    def reference_in_groups(self) -> str:
        return references.format_reference(self.reference)

    @property
    def person(self) -> Member | None:
        """The account that the member signs in to: the own one, or the one that it went into (R69)."""
        return self.member.account_in_use if self.member else None

    @property
    def is_fast(self) -> bool:
        return self.track == Track.FAST


class TicketEvent(models.Model):
    """One event of a ticket: when it happened and when it was reported. Append-only.

    `data` holds keys and codes only, because texts must be erasable (R14): target_days, track, why, part, expected (an
    ISO date), estimate, loan, message, reason, serial_change.
    """

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="events", verbose_name=_("ticket"))
    kind = models.CharField(_("kind"), max_length=20, choices=EventKind)
    occurred_at = models.DateTimeField(_("occurred on"))
    received_at = models.DateTimeField(_("received on"))
    external_id = models.CharField(_("external ID"), max_length=100, null=True, blank=True)
    data = models.JSONField(_("details"), default=dict)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("partner")
    )

    class Meta:
        verbose_name = _("ticket event")
        verbose_name_plural = _("ticket events")
        ordering = ["occurred_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "external_id"], name="ticket_event_heard_once"),
            models.CheckConstraint(name="ticket_event_kind_known", condition=Q(kind__in=EventKind.values)),
            models.CheckConstraint(name="ticket_event_one_author", condition=Q(by=None) | Q(partner=None)),
        ]
        triggers = append_only("servicing_ticketevent")

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.get_kind_display()}"

    def referenced_pk(self, name: str) -> int:
        """The primary key that `data` holds under this name; 0 if there is none."""
        value = str(self.data.get(name, ""))
        return int(value) if value.isdecimal() else 0
