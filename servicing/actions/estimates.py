"""What the work costs: sent by the centre, answered by the member, over with its day (R47, R52)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from servicing.actions import telling
from servicing.actions.heard import heard_before, key_in
from servicing.actions.recording import PORTAL, Who, record_on
from servicing.enums import EstimateState, EventKind, TicketState
from servicing.models import Estimate, EstimateLine, Ticket

MAX_LINES = 50
LARGEST = Decimal(9_999_999)  # of one line, in any currency
MAX_NOTE_LENGTH = 2000
MAX_TEXT_LENGTH = 200
MAX_VALIDITY = timedelta(days=180)
CURRENCY = 3


@dataclass(frozen=True)
class Line:
    """One line as the centre writes it; a price below zero is a discount."""

    text: str
    quantity: Decimal
    price: Decimal
    tax_percent: Decimal = Decimal(0)


@transaction.atomic
def send_estimate(
    *,
    ticket: Ticket,
    lines: Sequence[Line],
    currency: str,
    valid_until: date,
    who: Who,
    at: datetime,
    note: str = "",
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Estimate:
    """Ask the member to approve what the work costs; the clock stands until they answer (R47).

    A better one withdraws the last. The same `external_id` again: the one that was sent the first time.
    Raises Refusal beside `lines`, `lines.N.…` for the N-th, `currency`, `valid_until`, `note`, and as `record_event`.
    """
    return send_estimate_on(
        ticket=Ticket.objects.locked(ticket.pk),
        lines=lines,
        currency=currency,
        valid_until=valid_until,
        who=who,
        at=at,
        note=note,
        occurred_at=occurred_at,
        external_id=external_id,
    )


def send_estimate_on(
    *,
    ticket: Ticket,
    lines: Sequence[Line],
    currency: str,
    valid_until: date,
    who: Who,
    at: datetime,
    note: str = "",
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Estimate:
    """As `send_estimate`, for a ticket that the caller has locked."""
    require_transaction("send_estimate_on")
    if before := heard_before(ticket, external_id):
        return Estimate.objects.get(ticket=ticket, pk=key_in(before, "estimate"))
    _check(lines, currency, note)
    today = ticket.centre.today(at)
    if valid_until < today:
        raise Refusal("valid_until", _("This day is over. Give the member some days to answer."), "valid_until")
    if valid_until > today + MAX_VALIDITY:
        raise Refusal("valid_until", _("This is more than half a year ahead. Choose an earlier day."), "valid_until")
    number = Estimate.objects.filter(ticket=ticket).count() + 1
    if number > 1:
        _end(ticket, EstimateState.WITHDRAWN, at)
    row = Estimate.objects.create(
        ticket=ticket,
        number=number,
        currency=currency,
        valid_until=valid_until,
        note=note.strip(),
        sent_at=occurred_at or at,
        by=who.user,
    )
    EstimateLine.objects.bulk_create(
        EstimateLine(
            estimate=row,
            position=n,
            text=line.text.strip(),
            quantity=line.quantity,
            price=line.price,
            tax_percent=line.tax_percent,
        )
        for n, line in enumerate(lines, start=1)
    )
    done, _event = record_on(
        ticket=ticket,
        kind=EventKind.ESTIMATE_SENT,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data={"estimate": row.pk},
    )
    if done.state != TicketState.ESTIMATE_SENT:  # told so late that the work went on without an answer
        _end(done, EstimateState.WITHDRAWN, at)
        row.refresh_from_db()
    return row


@transaction.atomic
def withdraw_estimate(
    *, ticket: Ticket, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Ticket:
    """Take back the estimate that is open: the centre makes another one. Raises Refusal as `record_event`."""
    locked = Ticket.objects.locked(ticket.pk)
    if heard_before(locked, external_id):
        return locked
    row = _end(locked, EstimateState.WITHDRAWN, at)
    data = {"estimate": row.pk} if row else {}
    done, _event = record_on(
        ticket=locked,
        kind=EventKind.ESTIMATE_WITHDRAWN,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data=data,
    )
    return done


def approve_estimate(
    *, estimate: Estimate, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Ticket:
    """The member agrees to the price; the clock goes on. Raises Refusal: `answered`, `expired`, or `record_event`'s."""
    return _answer(estimate, EstimateState.APPROVED, who=who, at=at, occurred_at=occurred_at, external_id=external_id)


def decline_estimate(
    *, estimate: Estimate, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Ticket:
    """The member does not want it for this price: it is sent back unrepaired. Raises Refusal as `approve_estimate`."""
    return _answer(estimate, EstimateState.DECLINED, who=who, at=at, occurred_at=occurred_at, external_id=external_id)


def expire_estimates(*, at: datetime, limit: int = 200) -> int:
    """End the estimates whose last day is over, by the centre's date; member and centre see it. Returns how many."""
    # Somewhere it may still be yesterday: each is looked at again by the date of its centre.
    day = at.date() + timedelta(days=1)
    open_ones = Estimate.objects.filter(state=EstimateState.OPEN, valid_until__lt=day).order_by("valid_until")
    return sum(_expire(key, at) for key in open_ones.values_list("pk", flat=True)[:limit])


@transaction.atomic
def _expire(key: int, at: datetime) -> bool:
    """The member owes no answer any more, the centre owes another estimate: the clock goes on (R47)."""
    ticket = Ticket.objects.locked(Estimate.objects.values_list("ticket", flat=True).get(pk=key))
    row = Estimate.objects.filter(ticket=ticket, pk=key, state=EstimateState.OPEN).first()
    if row is None or row.valid_until >= ticket.centre.today(at):
        return False
    _end(ticket, EstimateState.EXPIRED, at)
    if ticket.state == TicketState.ESTIMATE_SENT:
        data = {"estimate": key, "reason": "expired"}
        record_on(ticket=ticket, kind=EventKind.ESTIMATE_WITHDRAWN, who=PORTAL, at=at, data=data)
    return True


@transaction.atomic
def _answer(
    estimate: Estimate, state: EstimateState, *, who: Who, at: datetime, occurred_at: datetime | None, external_id: str
) -> Ticket:
    ticket = Ticket.objects.locked(estimate.ticket_id)
    if heard_before(ticket, external_id):
        return ticket
    row = Estimate.objects.get(pk=estimate.pk)
    if row.state != EstimateState.OPEN:
        raise Refusal("answered", _ALREADY[EstimateState(row.state)], "estimate")
    if row.valid_until < ticket.centre.today(occurred_at or at):
        raise Refusal("expired", _ALREADY[EstimateState.EXPIRED], "estimate")
    _end(ticket, state, at)
    kind = EventKind.ESTIMATE_APPROVED if state == EstimateState.APPROVED else EventKind.ESTIMATE_DECLINED
    done, _event = record_on(
        ticket=ticket,
        kind=kind,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data={"estimate": row.pk},
    )
    return done


_ALREADY = {
    EstimateState.APPROVED: _("This estimate was approved already."),
    EstimateState.DECLINED: _("This estimate was declined already."),
    EstimateState.WITHDRAWN: _("The centre took this estimate back. Look at the newest one."),
    EstimateState.EXPIRED: _("This estimate is no longer valid. The centre makes another one."),
}


def _end(ticket: Ticket, state: EstimateState, at: datetime) -> Estimate | None:
    """The open estimate of a locked ticket gets its last state."""
    row = Estimate.objects.filter(ticket=ticket, state=EstimateState.OPEN).first()
    if row:
        row.state, row.answered_at = state, at
        row.save(update_fields=["state", "answered_at"])
        telling.settle(ticket=ticket, kind=EventKind.ESTIMATE_SENT, at=at)
    return row


def _check(lines: Sequence[Line], currency: str, note: str) -> None:
    if not lines:
        raise Refusal("empty", _("Add at least one line."), "lines")
    if len(lines) > MAX_LINES:
        raise Refusal("many", _("Use at most %(n)d lines.") % {"n": MAX_LINES}, "lines")
    if not (len(currency) == CURRENCY and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Refusal("currency", _("Write the currency in three letters, like EUR."), "currency")
    if len(note) > MAX_NOTE_LENGTH:
        raise Refusal("note", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_NOTE_LENGTH}, "note")
    for number, line in enumerate(lines):
        _check_line(line, f"lines.{number}")
    if sum(line.quantity * line.price for line in lines) < 0:
        raise Refusal("total", _("The total is below zero. Check the discounts."), "lines")


def _check_line(line: Line, field: str) -> None:
    if not 0 < len(line.text.strip()) <= MAX_TEXT_LENGTH:
        words = _("Say what this line is for, in at most %(n)d characters.")
        raise Refusal("text", words % {"n": MAX_TEXT_LENGTH}, f"{field}.text")
    if not (line.quantity.is_finite() and 0 < line.quantity < 100_000 and _places(line.quantity)):
        raise Refusal("quantity", _("The quantity is more than 0, with at most two decimals."), f"{field}.quantity")
    if not (line.price.is_finite() and abs(line.price * line.quantity) <= LARGEST and _places(line.price)):
        raise Refusal("price", _("Write the price with at most two decimals, like 120.50."), f"{field}.price")
    if not (line.tax_percent.is_finite() and 0 <= line.tax_percent <= 99 and _places(line.tax_percent)):
        raise Refusal("tax", _("The tax is between 0 and 99 percent."), f"{field}.tax_percent")


def _places(number: Decimal) -> bool:
    """Whether two decimals are enough for it."""
    return number == round(number, 2)
