"""What the work costs: sent by the centre, answered by the member, no longer valid after its last day (R47, R52)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions import notifications
from servicing.actions.conversation import answer_messages
from servicing.actions.events import (
    SYSTEM,
    EventDetails,
    find_by_external_id,
    lock_ticket,
    locks_ticket,
    record_event,
)
from servicing.actions.tickets import at_intake
from servicing.enums import EstimateState, EventKind, LineKind, ServiceKind, TicketState, WhyNoCharge
from servicing.models import Estimate, EstimateDraft, EstimateLine, Ticket, TicketEvent
from servicing.models.work import CENT
from servicing.queries.entitlement import EntitlementChecker
from servicing.rules.calendars import MAX_CLOSING_DAYS, working_day_before
from servicing.rules.entitlement import OWN_CENTRES

MAX_LINES = 50
MAX_LINE_AMOUNT = Decimal(9_999_999)  # in any currency
MAX_NOTE_LENGTH = 2000
MAX_TEXT_LENGTH = 200
MAX_VALIDITY = timedelta(days=180)

NO_DISCOUNTS = _("Enter a price of 0 or more. The member’s discount is added by itself.")


@dataclass(frozen=True)
class Line:
    """One line of an estimate. `kind`, a `LineKind`: by the service of the job if it is not given."""

    text: str
    quantity: Decimal
    price: Decimal
    tax_percent: Decimal = Decimal(0)
    kind: str = ""


@dataclass(frozen=True)
class Preview:
    """What an estimate would come to. `left_out`: how many of the lines can't be sent as they are."""

    lines: list[EstimateLine]
    left_out: int

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


def preview_estimate(*, ticket: Ticket, lines: Sequence[Line]) -> Preview:
    """The lines that could be sent, with the member's discount (R51, R62). Writes nothing."""
    valid = [line for line in lines if _is_valid(line)]
    return Preview(_rows(ticket, valid), len(lines) - len(valid))


def net_of(line: Line) -> Decimal | None:
    """What a line comes to without tax. None if it can't be sent as it is."""
    return EstimateLine(quantity=line.quantity, price=line.price).net if _is_valid(line) else None


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

    The discount of the level at intake is added as lines of its own (R51, R62).
    Withdraws the estimate before it, and ends the draft of the job. With an `external_id` that is known already: the
    estimate that was sent then.
    Raises Refusal beside `lines`, `lines.N.…` of the N-th line, `currency`, `valid_until`, `note`; as `record_event`.
    """
    if repeated := find_by_external_id(ticket, details.get("external_id", "")):
        return Estimate.objects.get(ticket=ticket, pk=repeated.referenced_pk("estimate"))
    at = details["at"]
    _check(lines, note)
    if currency != ticket.centre.currency:
        message = _("This centre’s estimates are in %(currency)s.") % {"currency": ticket.centre.currency}
        raise Refusal("currency", message, "currency")
    today = ticket.centre.today(at)
    if valid_until < today:
        raise Refusal("valid_until", _("This day is over. Give the member some days to answer."), "valid_until")
    if valid_until > today + MAX_VALIDITY:
        raise Refusal("valid_until", _("This is too far ahead. Choose an earlier day."), "valid_until")
    EstimateDraft.objects.filter(ticket=ticket).delete()
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
    rows = _rows(ticket, lines)
    for row in rows:
        row.estimate = estimate
    EstimateLine.objects.bulk_create(rows)
    answer_messages(ticket=ticket, at=at, written_before=estimate.sent_at)
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


def remind_of_estimates(*, at: datetime, limit: int = 200) -> int:
    """Remind of estimates on the last working day of the centre before they expire, once. Returns how many."""
    soon = at.date() + timedelta(days=MAX_CLOSING_DAYS + 1)
    estimates = Estimate.objects.filter(state=EstimateState.OPEN, reminded_at=None, valid_until__lte=soon)
    return sum(_remind(row, at) for row in estimates.select_related("ticket").order_by("valid_until", "pk")[:limit])


def _remind(estimate: Estimate, at: datetime) -> bool:
    with lock_ticket(estimate.ticket) as ticket:
        estimate.refresh_from_db(fields=["state", "reminded_at"])
        centre, today = ticket.centre, ticket.centre.today(at)
        first = working_day_before(estimate.valid_until, centre.calendar.is_working_day)
        is_news = first <= today <= estimate.valid_until and centre.today(estimate.sent_at) < today
        if estimate.state != EstimateState.OPEN or estimate.reminded_at or not is_news:
            return False
        estimate.reminded_at = at
        estimate.save(update_fields=["reminded_at"])
        notifications.remind_of_estimate(estimate=estimate, ticket=ticket, at=at)
    return True


def _expire(estimate: Estimate, at: datetime) -> bool:
    """Without an answer the product goes back unrepaired, unless the centre makes another estimate (R62)."""
    with lock_ticket(estimate.ticket) as ticket:
        estimate.refresh_from_db(fields=["state"])
        if estimate.state != EstimateState.OPEN or estimate.valid_until >= ticket.centre.today(at):
            return False
        _end_open_estimate(ticket, EstimateState.EXPIRED, at)
        if ticket.state == TicketState.ESTIMATE_SENT:
            data = {"estimate": estimate.pk, "reason": "expired"}
            record_event(ticket=ticket, kind=EventKind.ESTIMATE_DECLINED, data=data, actor=SYSTEM, at=at)
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
    EstimateState.EXPIRED: _("This estimate is no longer valid. Write to the centre if you still want the work done."),
}


def _end_open_estimate(ticket: Ticket, state: EstimateState, at: datetime) -> Estimate | None:
    """Give the open estimate of a locked ticket its final state, and dismiss its notices."""
    estimate = Estimate.objects.filter(ticket=ticket, state=EstimateState.OPEN).first()
    if estimate:
        estimate.state, estimate.answered_at = state, at
        estimate.save(update_fields=["state", "answered_at"])
        notifications.dismiss_notices(ticket=ticket, kind=EventKind.ESTIMATE_SENT, at=at)
    return estimate


def _rows(ticket: Ticket, lines: Sequence[Line]) -> list[EstimateLine]:
    """The lines as typed, then the discount: one line for each rate of tax. They belong to no estimate yet."""
    default_kind = LineKind.MAINTENANCE if ticket.service == ServiceKind.MAINTENANCE else LineKind.WORK
    rows = [
        EstimateLine(
            kind=line.kind or default_kind,
            text=line.text.strip(),
            quantity=line.quantity,
            price=line.price,
            tax_percent=line.tax_percent,
        )
        for line in lines
    ]
    has_maintenance = any(row.kind == LineKind.MAINTENANCE for row in rows)
    percent = maintenance_discount(ticket) if has_maintenance else 0
    for tax_percent in dict.fromkeys(row.tax_percent for row in rows):
        net = sum(
            (row.net for row in rows if row.kind == LineKind.MAINTENANCE and row.tax_percent == tax_percent), Decimal(0)
        )
        discount = (net * percent / 100).quantize(CENT)
        if discount:
            rows.append(
                EstimateLine(
                    kind=LineKind.DISCOUNT,
                    price=-discount,
                    tax_percent=tax_percent,
                    discount_percent=percent,
                )
            )
    for position, row in enumerate(rows, start=1):
        row.position = position
    return rows


def maintenance_discount(ticket: Ticket) -> int:
    """The percent off maintenance: by the level at intake, at a centre of our own (R50, R51)."""
    if ticket.service == ServiceKind.MAINTENANCE or ticket.member is None:
        return ticket.discount
    if ticket.centre.kind not in OWN_CENTRES:
        return 0
    return EntitlementChecker(ticket.member, **at_intake(ticket)).benefits_at(ticket.centre).maintenance_discount


def _check(lines: Sequence[Line], note: str) -> None:
    if not lines:
        raise Refusal("empty", _("Add at least one line."), "lines")
    if len(lines) > MAX_LINES:
        raise Refusal("many", _("Use at most %(n)d lines.") % {"n": MAX_LINES}, "lines")
    if len(note) > MAX_NOTE_LENGTH:
        raise Refusal("note", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_NOTE_LENGTH}, "note")
    for number, line in enumerate(lines):
        _check_line(line, f"lines.{number}")


def _is_valid(line: Line) -> bool:
    try:
        _check_line(line, "")
    except Refusal:
        return False
    return True


def _check_line(line: Line, field: str) -> None:
    if not 0 < len(line.text.strip()) <= MAX_TEXT_LENGTH:
        message = _("Describe this line in at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}
        raise Refusal("text", message, f"{field}.text")
    if not (_has_two_decimals(line.quantity) and 0 < line.quantity < 100_000):
        raise Refusal("quantity", _("Enter a quantity above 0 with at most two decimals."), f"{field}.quantity")
    if not (_has_two_decimals(line.price) and abs(line.price * line.quantity) <= MAX_LINE_AMOUNT):
        raise Refusal("price", _("Enter the price with at most two decimals, like 120.50."), f"{field}.price")
    if line.price < 0:
        raise Refusal("price", NO_DISCOUNTS, f"{field}.price")
    if (line.kind and line.kind not in LineKind.values) or line.kind == LineKind.DISCOUNT:
        raise Refusal("kind", _("Choose what this line is for."), f"{field}.kind")
    if not (_has_two_decimals(line.tax_percent) and 0 <= line.tax_percent <= 99):
        raise Refusal("tax", _("Enter a tax between 0 and 99 percent."), f"{field}.tax_percent")


def _has_two_decimals(number: Decimal) -> bool:
    """Whether it is a finite number with at most two decimals."""
    # Rounding a number of more than 28 digits raises.
    return number.is_finite() and abs(number) <= MAX_LINE_AMOUNT and number == round(number, 2)
