"""The people of a centre who can work on its jobs (R54)."""

from django.db.models import Count, QuerySet

from members.models import User
from servicing.models import CentreStaff, Ticket


def technicians_of(centre: int) -> QuerySet[User]:
    """Those who work at the centre with this key and can sign in, by their address."""
    people = CentreStaff.objects.filter(centre=centre).values("user")
    return User.objects.filter(pk__in=people, is_active=True, is_staff=True).order_by("email")


def open_jobs_by_technician(centre: int) -> dict[int, int]:
    """How many open jobs of the centre each person has, by their key."""
    rows = Ticket.objects.filter(centre=centre, ended_at=None, technician__isnull=False).order_by()
    return dict(rows.values_list("technician").annotate(Count("pk")))
