"""Lines that can be inserted into an estimate: ready sets of the centre, and the last estimate for the same product."""

from django.db.models import QuerySet

from servicing.enums import EstimateState
from servicing.models import Estimate, ReadySet, Ticket

MAX_SETS = 60


def ready_sets(ticket: Ticket) -> QuerySet[ReadySet]:
    """The sets of the centre that have lines."""
    sets = ReadySet.objects.filter(centre=ticket.centre_id, lines__isnull=False)
    return sets.distinct().prefetch_related("lines").order_by("position", "name", "pk")[:MAX_SETS]


def last_estimate_like(ticket: Ticket) -> Estimate | None:
    """What the centre last asked for another job with the same product and service, if it was not taken back."""
    of_others = Estimate.objects.filter(
        ticket__centre=ticket.centre_id, ticket__product=ticket.product_id, ticket__service=ticket.service
    ).exclude(ticket=ticket.pk)
    return of_others.exclude(state=EstimateState.WITHDRAWN).order_by("-sent_at", "-pk").first()
