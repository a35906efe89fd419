"""The people of a centre who can work on its jobs (R54)."""

from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.db.models import BigIntegerField, Count, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from members.models import User
from servicing.models import CentreStaff, Ticket


@dataclass(frozen=True)
class TechnicianChange:
    """When somebody gave the job to whom. `technician` and `by` are addresses, "" for nobody and for the portal."""

    at: datetime
    technician: str
    by: str


def technicians_of(centre: int) -> QuerySet[User]:
    """Those who work at the centre with this key and can sign in, by their address."""
    people = CentreStaff.objects.filter(centre=centre).values("user")
    return User.objects.filter(pk__in=people, is_active=True, is_staff=True).order_by("email")


def open_jobs_by_technician(centre: int) -> dict[int, int]:
    """How many open jobs of the centre each person has, by their key."""
    rows = Ticket.objects.filter(centre=centre, ended_at=None, technician__isnull=False).order_by()
    return dict(rows.values_list("technician").annotate(Count("pk")))


def technician_changes(ticket: Ticket) -> list[TechnicianChange]:
    """Who had the job when, from the history of the ticket, in one query."""
    actor = Cast(KeyTextTransform("user", "pgh_context__metadata"), BigIntegerField())
    history = apps.get_model("servicing", "TicketHistoryEvent")
    rows = history._default_manager.filter(pgh_obj=ticket.pk).order_by("pgh_id").annotate(actor=actor)
    named = rows.annotate(
        by=Subquery(User.objects.filter(pk=OuterRef("actor")).values("email")),
        who=Subquery(User.objects.filter(pk=OuterRef("technician_id")).values("email")),
    )
    changes, before = [], None
    for at, technician, by in named.values_list("pgh_created_at", "who", "by"):
        if technician != before:
            changes.append(TechnicianChange(at, technician or "", by or ""))
        before = technician
    return changes
