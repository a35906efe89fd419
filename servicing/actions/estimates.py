"""What the work costs: sent by the centre, answered by the member, no longer valid after its last day (R47, R52)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions import notifications
from servicing.actions.events import (
    SYSTEM,
    EventDetails,
    find_by_external_id,
    lock_ticket,
    locks_ticket,
    record_event,
)
from servicing.enums import EstimateState, EventKind, TicketState, WhyNoCharge
from servicing.models import Estimate, EstimateLine, Ticket, TicketEvent

MAX_LINES = 50
MAX_LINE_AMOUNT = Decimal(9_999_999)  # in any currency
MAX_NOTE_LENGTH = 2000
MAX_TEXT_LENGTH = 200
MAX_VALIDITY = timedelta(days=180)
CURRENCY_LENGTH = 3


@dataclass(frozen=True)
class Line:
    """One line of an estimate. A price below zero is a discount."""

    text: str
    quantity: Decimal
    price: Decimal
    tax_percent: Decimal = Decimal(0)


@locks_ticket
def send_estimate(
    *,
    ticket: Ticket,
    lines: Sequence[Line],
    currency: str,
    valid_until: date,
    note: str = "",
    **details: Unpack[EventDetails],
) -> Estimate:
    """Ask the member to approve what the work costs; the clock is paused until they answer (R47).

    Withdraws the estimate before it. With an `external_id` that is known already: the estimate that was sent then.
    Raises Refusal beside `lines`, `lines.N.…` of the N-th line, `currency`, `valid_until`, `note`; as `record_event`.
    """
    if repeated := find_by_external_id(ticket, details.get("external_id", "")):
        return Estimate.objects.get(ticket=ticket, pk=repeated.referenced_pk("estimate"))
    at = details["at"]
    _check(lines, currency, note)
    today = ticket.centre.today(at)
    if valid_until < today:
        raise Refusal("valid_until", _("This day is over. Give the member some days to answer."), "valid_until")
    if valid_until > today + MAX_VALIDITY:
        raise Refusal("valid_until", _("This is too far ahead. Choose an earlier day."), "valid_until")
    number = Estimate.objects.filter(ticket=ticket).count() + 1
    if number > 1:
        _end_open_estimate(ticket, EstimateState.WITHDRAWN, at)
    estimate = Estimate.objects.create(
        ticket=ticket,
        number=number,
        currency=currency,
        valid_until=valid_until,
        note=note.strip(),
        sent_at=details.get("occurred_at") or at,
        by=details["actor"].user,
    )
    EstimateLine.objects.bulk_create(
        EstimateLine(
            estimate=estimate,
            position=position,
            text=line.text.strip(),
            quantity=line.quantity,
            price=line.price,
            tax_percent=line.tax_percent,
        )
        for position, line in enumerate(lines, start=1)
    )
    record_event(ticket=ticket, kind=EventKind.ESTIMATE_SENT, data={"estimate": estimate.pk}, **details)
    if ticket.state != TicketState.ESTIMATE_SENT:  # reported so late that the work went on without an answer
        _end_open_estimate(ticket, EstimateState.WITHDRAWN, at)
        estimate.refresh_from_db()
    return estimate


@locks_ticket
def withdraw_estimate(*, ticket: Ticket, **details: Unpack[EventDetails]) -> TicketEvent:
    """Take back the open estimate, before the centre makes another one. Raises Refusal as `record_event`."""
    estimate = None
    if not find_by_external_id(ticket, details.get("external_id", "")):
        estimate = _end_open_estimate(ticket, EstimateState.WITHDRAWN, details["at"])
    data = {"estimate": estimate.pk} if estimate else {}
    return record_event(ticket=ticket, kind=EventKind.ESTIMATE_WITHDRAWN, data=data, **details)


def approve_estimate(*, estimate: Estimate, **details: Unpack[EventDetails]) -> TicketEvent:
    """The member agrees to the price, and the clock runs again.

    Raises Refusal: `answered`, `expired`, and as `record_event`.
    """
    return _answer(estimate, EstimateState.APPROVED, EventKind.ESTIMATE_APPROVED, **details)


def decline_estimate(*, estimate: Estimate, **details: Unpack[EventDetails]) -> TicketEvent:
    """The member declines: the product is sent back unrepaired. Raises Refusal as `approve_estimate`."""
    return _answer(estimate, EstimateState.DECLINED, EventKind.ESTIMATE_DECLINED, **details)


@locks_ticket
def record_no_charge(*, ticket: Ticket, why: str, **details: Unpack[EventDetails]) -> TicketEvent:
    """The customer pays nothing for the reason `why`, a `WhyNoCharge`: the work may start (R62).

    Raises Refusal beside `why_no_charge`, and as `record_event`.
    """
    if why not in WhyNoCharge.values:
        raise Refusal("why", _("Choose why there is no charge. The customer reads it."), "why_no_charge")
    return record_event(ticket=ticket, kind=EventKind.NO_CHARGE, data={"why": why}, **details)


def expire_estimates(*, at: datetime, limit: int = 200) -> int:
    """End the estimates whose last day is over, by the date at the centre. Returns how many."""
    # One day more, because at some centres it may still be yesterday; `_expire` compares each with its own date.
    day = at.date() + timedelta(days=1)
    estimates = Estimate.objects.filter(state=EstimateState.OPEN, valid_until__lt=day).select_related("ticket")
    return sum(_expire(estimate, at) for estimate in estimates.order_by("valid_until")[:limit])


def _expire(estimate: Estimate, at: datetime) -> bool:
    """The member no longer has to answer, the centre makes another estimate, and the clock runs again (R47)."""
    with lock_ticket(estimate.ticket) as ticket:
        estimate.refresh_from_db(fields=["state"])
        if estimate.state != EstimateState.OPEN or estimate.valid_until >= ticket.centre.today(at):
            return False
        _end_open_estimate(ticket, EstimateState.EXPIRED, at)
        if ticket.state == TicketState.ESTIMATE_SENT:
            data = {"estimate": estimate.pk, "reason": "expired"}
            record_event(ticket=ticket, kind=EventKind.ESTIMATE_WITHDRAWN, data=data, actor=SYSTEM, at=at)
    return True


def _answer(estimate: Estimate, state: EstimateState, kind: EventKind, **details: Unpack[EventDetails]) -> TicketEvent:
    with lock_ticket(estimate.ticket) as ticket:
        if not find_by_external_id(ticket, details.get("external_id", "")):
            estimate.refresh_from_db(fields=["state", "valid_until"])
            if estimate.state != EstimateState.OPEN:
                raise Refusal("answered", _ALREADY[EstimateState(estimate.state)], "estimate")
            if estimate.valid_until < ticket.centre.today(details.get("occurred_at") or details["at"]):
                raise Refusal("expired", _ALREADY[EstimateState.EXPIRED], "estimate")
            _end_open_estimate(ticket, state, details["at"])
        return record_event(ticket=ticket, kind=kind, data={"estimate": estimate.pk}, **details)


_ALREADY = {
    EstimateState.APPROVED: _("This estimate was approved already."),
    EstimateState.DECLINED: _("This estimate was declined already."),
    EstimateState.WITHDRAWN: _("The centre took this estimate back. Look at the newest one."),
    EstimateState.EXPIRED: _("This estimate is no longer valid. The centre will make another one."),
}


def _end_open_estimate(ticket: Ticket, state: EstimateState, at: datetime) -> Estimate | None:
    """Give the open estimate of a locked ticket its final state, and dismiss its notices."""
    estimate = Estimate.objects.filter(ticket=ticket, state=EstimateState.OPEN).first()
    if estimate:
        estimate.state, estimate.answered_at = state, at
        estimate.save(update_fields=["state", "answered_at"])
        notifications.dismiss_notices(ticket=ticket, kind=EventKind.ESTIMATE_SENT, at=at)
    return estimate


def _check(lines: Sequence[Line], currency: str, note: str) -> None:
    if not lines:
        raise Refusal("empty", _("Add at least one line."), "lines")
    if len(lines) > MAX_LINES:
        raise Refusal("many", _("Use at most %(n)d lines.") % {"n": MAX_LINES}, "lines")
    if not (len(currency) == CURRENCY_LENGTH and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Refusal("currency", _("Enter the currency as three letters, like EUR."), "currency")
    if len(note) > MAX_NOTE_LENGTH:
        raise Refusal("note", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_NOTE_LENGTH}, "note")
    for number, line in enumerate(lines):
        _check_line(line, f"lines.{number}")
    if sum(line.quantity * line.price for line in lines) < 0:
        raise Refusal("total", _("The total is below zero. Check the discounts."), "lines")


def _check_line(line: Line, field: str) -> None:
    if not 0 < len(line.text.strip()) <= MAX_TEXT_LENGTH:
        message = _("Describe this line in at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}
        raise Refusal("text", message, f"{field}.text")
    if not (_has_two_decimals(line.quantity) and 0 < line.quantity < 100_000):
        raise Refusal("quantity", _("Enter a quantity above 0 with at most two decimals."), f"{field}.quantity")
    if not (_has_two_decimals(line.price) and abs(line.price * line.quantity) <= MAX_LINE_AMOUNT):
        raise Refusal("price", _("Enter the price with at most two decimals, like 120.50."), f"{field}.price")
    if not (_has_two_decimals(line.tax_percent) and 0 <= line.tax_percent <= 99):
        raise Refusal("tax", _("Enter a tax between 0 and 99 percent."), f"{field}.tax_percent")


def _has_two_decimals(number: Decimal) -> bool:
    """Whether it is a finite number with at most two decimals."""
    return number.is_finite() and number == round(number, 2)
