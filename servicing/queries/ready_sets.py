"""What an estimate begins with: its draft, ready sets of the centre, and the last estimate for the same product."""

from django.db.models import QuerySet

from servicing.enums import EstimateState
from servicing.models import Estimate, EstimateDraft, ReadySet, ReadySetLine, Ticket

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


def draft_of(ticket: Ticket) -> EstimateDraft | None:
    return EstimateDraft.objects.filter(ticket=ticket).select_related("by").first()


def ready_line_of_part(ticket: Ticket, number: str) -> ReadySetLine | None:
    """The line of a part with this number in the ready sets of the centre, the first set first."""
    lines = ReadySetLine.objects.filter(ready_set__centre=ticket.centre_id, text__icontains=number)
    ordered = lines.order_by("ready_set__position", "ready_set__name", "ready_set", "position", "pk")
    return next((line for line in ordered if names_part(line.text, number)), None)


def names_part(text: str, number: str) -> bool:
    """Whether a text has the number of a part as a word of its own."""
    return number.casefold() in text.casefold().split() or text.casefold() == number.casefold()
