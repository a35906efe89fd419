"""Canned answers for messages about jobs, with their variables filled in (R73)."""

from django.conf import settings
from django.db.models import Q, QuerySet

from members.support.models import CannedAnswer
from servicing.models import Ticket


def canned_answers(ticket: Ticket) -> QuerySet[CannedAnswer]:
    """Those for service centres, in the language of the customer and in the portal's own."""
    languages = Q(language=_language(ticket)) | Q(language=settings.LANGUAGE_CODE)
    return CannedAnswer.objects.filter(languages, for_centres=True)


def fill_in(answer: CannedAnswer, ticket: Ticket) -> str:
    """The text for this job: names, product and reference instead of the variables."""
    customer = ticket.member.first_name if ticket.member else ticket.visitor.name if ticket.visitor else ""
    return answer.filled_in(
        name=customer,
        reference=ticket.reference_in_groups,
        product=ticket.product.name,
        centre=ticket.centre.name,
    )


def _language(ticket: Ticket) -> str:
    customer = ticket.member or ticket.visitor
    return customer.language if customer else settings.LANGUAGE_CODE
