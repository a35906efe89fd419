"""E-mails about tickets and loans. Renders them; the outbox sends them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_countries.fields import Country

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members.queries import confirmed_first_name
from servicing.enums import EventKind
from servicing.models import Estimate, EstimatedHoliday, Loan, Part, Ticket, TicketEvent, TicketFile, TicketMessage
from servicing.presenters import events
from servicing.presenters.calendars import describe_change
from servicing.presenters.news import News, is_current
from servicing.presenters.tickets import make_job
from servicing.queries.conversation import unanswered_tickets
from servicing.rules.clock import day_after_part

E = EventKind
RELATED = ("ticket__member", "ticket__visitor", "ticket__product", "ticket__centre")
DATED = (E.BOOKED_IN, E.BECAME_FAST_TRACK, E.TARGET_CHANGED)  # these say when it is due
MAX_TICKETS_IN_MAIL = 30
LATE = (E.TARGET_MISSED, events.PART_LATE)


@renderer("servicing.ticket_event")
def ticket_event(*, event: int) -> dict[str, str] | None:
    """An event of a ticket (R56). None if it no longer holds when it is sent (R70), or the account was closed."""
    row = TicketEvent.objects.select_related(*RELATED).get(pk=event)
    key = events.sentence_key(row.kind, row.data)
    keys = {"event": row.pk, **{name: row.referenced_pk(name) for name in row.data if row.referenced_pk(name)}}
    if not is_current(News(key, row.ticket, timezone.now(), keys)):
        return None
    estimate = (
        Estimate.objects.prefetch_related("lines").filter(ticket=row.ticket, pk=row.referenced_pk("estimate")).first()
    )
    part = Part.objects.filter(ticket=row.ticket, pk=row.referenced_pk("part")).first()
    message = TicketMessage.objects.filter(ticket=row.ticket, pk=row.referenced_pk("message")).first()
    expected = row.data.get("expected")
    return _ticket_mail(
        row.ticket,
        key,
        {
            "estimate": estimate if row.kind == E.ESTIMATE_SENT else None,
            "part": part,
            "parts": _parts_awaited(row.ticket) if row.kind == E.TARGET_MISSED else [],
            "expected": date.fromisoformat(expected) if expected else None,
            "text": message.text if message and row.kind == E.QUESTION_ASKED else "",
            "is_late": key in LATE,
            "new_date": _new_date(row.ticket),
            "due_at": _local_due_at(row.ticket) if row.kind in DATED else None,
            "shipment": row.ticket.shipments.to_customer().last() if row.kind == E.SHIPPED else None,
            "reason": describe_change(row.data, row.ticket.centre.calendar) if row.kind == E.TARGET_CHANGED else "",
            "warranty": row.kind == E.WARRANTY_DECIDED,
            "event": row,
        },
    )


@renderer("servicing.ticket_message")
def ticket_message(*, message: int) -> dict[str, str] | None:
    """A message of the centre that is no question; None if the account was closed."""
    row = TicketMessage.objects.select_related(*RELATED).get(pk=message)
    return _ticket_mail(row.ticket, events.MESSAGE, {"text": row.text})


@renderer("servicing.estimate_reminder")
def estimate_reminder(*, estimate: int) -> dict[str, str] | None:
    """An estimate expires soon; None if it was answered or withdrawn meanwhile (R70), or the account was closed."""
    row = Estimate.objects.select_related(*RELATED).prefetch_related("lines").get(pk=estimate)
    if not is_current(News(events.REMINDER, row.ticket, timezone.now(), {"estimate": row.pk})):
        return None
    return _ticket_mail(row.ticket, events.REMINDER, {"estimate": row})


@renderer("servicing.ticket_document")
def ticket_document(*, document: int) -> dict[str, str] | None:
    """A new document of the centre; None if the account was closed."""
    row = TicketFile.objects.select_related(*RELATED).get(pk=document)
    return _ticket_mail(row.ticket, events.DOCUMENT, {})


@renderer("servicing.holidays")
def holidays(*, holidays: list[int], missing: list[str]) -> dict[str, str] | None:
    """For staff: estimated holidays to confirm, and countries whose holidays are unknown, as "UA 2026" (R72).

    None if everything has been answered meanwhile (R70).
    """
    rows = EstimatedHoliday.objects.filter(pk__in=holidays, answer="")
    if not rows and not missing:
        return None
    entries = (entry.split() for entry in missing)
    page = "estimatedholiday" if rows else "calendarexception"
    context = {
        "title": _("Holidays to confirm") if rows else _("Holidays that aren’t known"),
        "holidays": rows,
        "missing": [{"country": Country(code).name, "year": year} for code, year in entries],
        "url": f"{settings.SITE_URL}{reverse(f'admin:servicing_{page}_changelist')}",
    }
    return render_mail("holidays", context, language=settings.LANGUAGE_CODE)


@renderer("servicing.unanswered")
def unanswered(*, centre: int) -> dict[str, str] | None:
    """For a centre: its jobs with a message that nobody has answered (R73). None if there is none any more (R70)."""
    rows = unanswered_tickets(timezone.now()).filter(centre=centre).select_related("product", "centre")
    tickets = [
        {
            "product": ticket.product.name,
            "reference": ticket.reference_in_groups,
            "since": timezone.make_naive(ticket.unread_since, ZoneInfo(ticket.centre.zone)),
        }
        for ticket in rows[:MAX_TICKETS_IN_MAIL]
        if ticket.unread_since
    ]
    if not tickets:
        return None
    more = max(rows.count() - len(tickets), 0)
    url = f"{settings.SITE_URL}{reverse('admin:servicing_ticket_changelist')}?state=all&waiting_for=centre"
    return render_mail("unanswered", {"tickets": tickets, "more": more, "url": url}, language=settings.LANGUAGE_CODE)


@renderer("servicing.loan")
def loan(*, loan: int, what: str, due: int) -> dict[str, str] | None:
    """A loan is due back soon, overdue, extended or has a day, as `what` says (R53, R56).

    `due` is the ordinal of the day that it was due back then. None if it no longer holds, or the account was closed.
    """
    row = Loan.objects.select_related("unit__product", "unit__centre", "ticket", "member").get(pk=loan)
    news = News(f"loan_{what}", row.ticket, timezone.now(), {"loan": row.pk, "due": due})
    member = row.member.account_in_use
    if member.closed_at or not is_current(news):
        return None
    language = member.language
    title, following = events.SENTENCES[f"loan_{what}"]
    with translation.override(language):
        context = {
            "loan": row,
            "first_name": confirmed_first_name(member),
            "title": str(title) % {"product": row.unit.product.name, **events.NUMBERS},
            "next": str(following) % events.NUMBERS,
            "url": f"{settings.SITE_URL}{row.ticket.get_absolute_url()}",
        }
        return render_mail("loan", context, language=language)


def _ticket_mail(ticket: Ticket, key: str, context: Mapping[str, Any]) -> dict[str, str] | None:
    member = ticket.person
    if member and member.closed_at:
        return None
    reader = member or ticket.visitor
    language = reader.language if reader else settings.LANGUAGE_CODE
    title, following = events.SENTENCES.get(key, events.DEFAULT_SENTENCES)
    values = {"product": ticket.product.name, **events.NUMBERS}
    page = ticket if ticket.member else ticket.centre  # visiting members have no page of the job
    with translation.override(language):
        full_context = {
            **context,
            "first_name": confirmed_first_name(member) if member else "",
            "kind": key,
            "title": str(title) % values,
            "next": str(following) % values,
            "ticket": ticket,
            "url": f"{settings.SITE_URL}{page.get_absolute_url()}",
            "has_page": page == ticket,
            "clock": _clock(ticket, key),
        }
        return render_mail("ticket_event", full_context, language=language)


def _clock(ticket: Ticket, key: str) -> dict[str, Any] | None:
    """A cell for each working day of the target, while the clock says something: it has started, and is not late."""
    clock = make_job(ticket, timezone.now()).clock
    if key in LATE or clock.started_at is None or clock.stopped_at or clock.offers_loan:
        return None
    used = min(clock.elapsed_days, clock.target_days)
    return {"days": [day < used for day in range(clock.target_days)], "used": used, "target": clock.target_days}


def _parts_awaited(ticket: Ticket) -> list[Part]:
    return list(ticket.parts.filter(arrived_at=None))


def _new_date(ticket: Ticket) -> date | None:
    """When it is expected to be ready if the target will be missed; None if that is not known (R48)."""
    day, due = ticket.expected_on, ticket.due_at
    return day_after_part(day, ticket.centre.calendar) if day and due and day > ticket.centre.today(due) else None


def _local_due_at(ticket: Ticket) -> datetime | None:
    """When it is due, in the local time of the centre."""
    return timezone.make_naive(ticket.due_at, ZoneInfo(ticket.centre.zone)) if ticket.due_at else None
