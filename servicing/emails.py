"""The mails about tickets and loans. Builds them from rows; sends nothing."""

from django.conf import settings
from django.utils import translation

from cps_portal.outbox.mail import render_mail
from servicing import words
from servicing.models import TicketEvent


def ticket_event(*, event: int) -> dict[str, str] | None:
    """What happened to a ticket, worded when it leaves (R56); None if nobody is there to read it."""
    row = TicketEvent.objects.select_related(
        "ticket__member", "ticket__visitor", "ticket__product", "ticket__centre"
    ).get(pk=event)
    ticket = row.ticket
    if ticket.member and ticket.member.closed_at:
        return None
    reader = ticket.member or ticket.visitor
    language = reader.language if reader else settings.LANGUAGE_CODE
    title, following = words.SENTENCES.get(row.kind, words.OTHERWISE)
    with translation.override(language):
        context = {
            "first_name": ticket.member.first_name if ticket.member else "",
            "kind": row.kind,
            "title": str(title) % {"product": ticket.product.name},
            "next": str(following) % {"product": ticket.product.name},
            "ticket": ticket,
            "event": row,
            "url": f"{settings.SITE_URL}{ticket.get_absolute_url()}" if ticket.member else "",
        }
    return render_mail("ticket_event", context, language=language)
