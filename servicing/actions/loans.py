"""Courtesy loans: offered, reserved, agreed to, handed out, brought back (R48, R53).

Locks are taken in this order: the member, the ticket, the unit. A constraint lends each unit to one member only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.written_dates import date_format
from kitbag.actions.transitions import hold_registration, release_hold
from kitbag.enums import HoldReason
from members.models import User
from servicing.actions.events import SYSTEM, Actor, events_of, lock_ticket, locks_ticket, record_event
from servicing.actions.loan_dates import due_back_now, follow_job, notify_of_loan
from servicing.enums import EventKind, LoanState
from servicing.models import Loan, LoanUnit, Ticket, TicketEvent
from servicing.queries.clock import get_clock
from servicing.rules.loans import REMINDER_DAYS
from servicing.rules.timeline import Step

AGREEMENT = "2026-12"  # the version of templates/servicing/_agreement.html
MAX_CONDITION_LENGTH = 500
MAX_LOAN_DAYS = 120
REMINDER_INTERVAL_DAYS = 7  # once it is overdue
NOT_OFFERED = _("A loan is offered when a repair takes longer than its target.")
TAKEN = _("Someone else has reserved this one in the meantime. Choose another one.")


def is_offered(ticket: Ticket) -> bool:
    """Whether a loan was offered and the job is still running (R48). A member who declined may change their mind."""
    if ticket.ready_at or ticket.ended_at or not ticket.loan_possible:
        return False
    return TicketEvent.objects.filter(ticket=ticket, kind=EventKind.LOAN_OFFERED).exists()


def open_loan(ticket: Ticket) -> Loan | None:
    return Loan.objects.open().filter(ticket=ticket).select_related("unit__product").first()


def free_units(ticket: Ticket) -> QuerySet[LoanUnit]:
    """What the centre can lend as a replacement: the same kind of product, the same model first (R48)."""
    same_model_first = Case(When(product=ticket.product_id, then=Value(0)), default=Value(1))
    units = LoanUnit.objects.free().filter(centre=ticket.centre_id, product__shelf=ticket.product.shelf)
    return units.select_related("product").order_by(same_model_first, "product__name", "pk")


@locks_ticket
def offer_loan(*, ticket: Ticket, at: datetime) -> bool:
    """Offer a courtesy loan, once per ticket, while it still helps (R48). Returns whether it was offered now."""
    events = events_of(ticket)
    was_offered = any(event.kind == EventKind.LOAN_OFFERED for event in events)
    if was_offered or not ticket.loan_possible or not get_clock(ticket, at, events).offers_loan:
        return False
    record_event(ticket=ticket, kind=EventKind.LOAN_OFFERED, actor=SYSTEM, at=at)
    return True


@locks_ticket
def reserve(*, ticket: Ticket, unit: LoanUnit, by: User, at: datetime) -> Loan:
    """Reserve a unit for the member. Raises Refusal: `offered`, `has_one`, `taken` beside `unit`."""
    if ticket.member is None or not is_offered(ticket):
        raise Refusal("offered", NOT_OFFERED)
    if open_loan(ticket):
        raise Refusal("has_one", _("There’s a loan for this job already."))
    locked_unit = LoanUnit.objects.select_for_update(of=("self",), no_key=True).filter(pk=unit.pk).first()
    if locked_unit is None or not free_units(ticket).filter(pk=locked_unit.pk).exists():
        raise Refusal("taken", TAKEN, "unit")
    try:
        with transaction.atomic():
            loan = Loan.objects.create(unit=locked_unit, ticket=ticket, member=ticket.member, reserved_at=at, by=by)
    except IntegrityError:
        raise Refusal("taken", TAKEN, "unit") from None
    if ticket.registration:
        hold_registration(registration=ticket.registration, key=loan_hold_key(loan), why=HoldReason.LOAN, at=at)
    _record(loan, EventKind.LOAN_RESERVED, Actor(user=by), at)
    return loan


@locks_ticket
def decline_offer(*, ticket: Ticket, by: User, at: datetime) -> TicketEvent:
    """The member needs no loan for now. Raises Refusal `offered`, `has_one`."""
    if not is_offered(ticket):
        raise Refusal("offered", NOT_OFFERED)
    if open_loan(ticket):
        raise Refusal("has_one", _("You have reserved one. Cancel it instead."))
    return record_event(ticket=ticket, kind=EventKind.LOAN_DECLINED, actor=Actor(user=by), at=at)


def accept_agreement(*, loan: Loan, version: str, at: datetime) -> Loan:
    """The member accepts the agreement in this version. If they have already, nothing changes.

    Raises Refusal `state`, and `version` if the agreement has changed while they read it.
    """
    with _locked(loan) as locked:
        if locked.agreed_at:
            return locked
        _require_state(locked, LoanState.RESERVED)
        if version != AGREEMENT:
            raise Refusal("version", _("The agreement has changed. Read it again, then accept it."), "agreed")
        locked.agreed_at, locked.agreement = at, AGREEMENT
        locked.save(update_fields=["agreed_at", "agreement"])
    return locked


def hand_out(*, loan: Loan, condition: str, actor: Actor, at: datetime, due_back: date | None = None) -> Loan:
    """The unit leaves the centre, with its condition noted. It is due back as the job goes, not before `due_back`.

    Raises Refusal: `state`, `agreement`, and beside their fields `condition`, `due_back`.
    """
    with _locked(loan) as locked:
        _require_state(locked, LoanState.RESERVED)
        if not locked.agreed_at:
            raise Refusal("agreement", _("The member has not accepted the agreement yet."))
        locked.condition_out = _checked_condition(condition)
        promised = _checked_due_back(locked, due_back, at) if due_back else None
        locked.due_back = due_back_now(locked.ticket, _steps_of(locked.ticket, at), promised=promised)
        locked.state, locked.out_at, locked.by = LoanState.OUT, at, actor.user
        locked.save(update_fields=["condition_out", "due_back", "state", "out_at", "by"])
        _record(locked, EventKind.LOAN_OUT, actor, at)
    return locked


def extend(*, loan: Loan, due_back: date, actor: Actor, at: datetime) -> Loan:
    """The member may keep it longer, until this day at least. Raises Refusal `state`, `due_back`."""
    with _locked(loan) as locked, attributed_to(actor.user, **_partner_of(actor)):
        _require_state(locked, LoanState.OUT)
        locked.due_back, locked.reminded_on = _later_due_back(locked, due_back, at), None
        locked.save(update_fields=["due_back", "reminded_on"])
        notify_of_loan(loan=locked, what="extended", at=at)
    return locked


def take_back(*, loan: Loan, condition: str, actor: Actor, at: datetime) -> Loan:
    """It is back, with its condition noted. Raises Refusal `state`, `condition`."""
    with _locked(loan) as locked:
        _require_state(locked, LoanState.OUT)
        locked.condition_in = _checked_condition(condition)
        locked.state, locked.returned_at = LoanState.RETURNED, at
        locked.save(update_fields=["condition_in", "state", "returned_at"])
        _release_hold(locked)
        _record(locked, EventKind.LOAN_RETURNED, actor, at)
    return locked


def cancel(*, loan: Loan, actor: Actor, at: datetime) -> Loan:
    """Cancel a reservation. Raises Refusal `state` once the unit was handed out."""
    with _locked(loan) as locked:
        _require_state(locked, LoanState.RESERVED)
        locked.state, locked.cancelled_at = LoanState.CANCELLED, at
        locked.save(update_fields=["state", "cancelled_at"])
        _release_hold(locked)
        _record(locked, EventKind.LOAN_CANCELLED, actor, at)
    return locked


def lapse_reservations(*, at: datetime) -> int:
    """Cancel reservations that were never collected, so that others can have the unit. Returns how many."""
    old = Loan.objects.filter(state=LoanState.RESERVED, reserved_at__lt=at - settings.LOAN_RESERVED_FOR)
    count = 0
    for loan in old.select_related("ticket").order_by("member", "pk"):
        try:
            cancel(loan=loan, actor=SYSTEM, at=at)
        except Refusal:  # handed out a moment ago
            continue
        count += 1
    return count


def remind(*, at: datetime) -> int:
    """Remind of loans that are due back in two days, and once a week of those overdue (R53). Returns how many."""
    loans = Loan.objects.filter(state=LoanState.OUT).select_related("ticket__parcel")
    return sum(_remind(loan, at) for loan in loans.order_by("member", "pk"))


# --- Steps -----------------------------------------------------------------------------------------


def _remind(loan: Loan, at: datetime) -> bool:
    with _locked(loan) as locked:
        follow_job(ticket=locked.ticket, steps=_steps_of(locked.ticket, at), at=at)  # the calendar may have changed
        locked.refresh_from_db(fields=["due_back", "reminded_on"])
        if locked.state != LoanState.OUT or locked.due_back is None or locked.waits_for_own:
            return False
        today = locked.unit.centre.today(at)
        days_left = (locked.due_back - today).days
        if days_left > REMINDER_DAYS or not _is_reminder_due(locked.reminded_on, locked.due_back, today):
            return False
        locked.reminded_on = today
        locked.save(update_fields=["reminded_on"])
        notify_of_loan(loan=locked, what="overdue" if days_left < 0 else "due", at=at)
    return True


def _is_reminder_due(reminded_on: date | None, due_back: date, today: date) -> bool:
    """Once before it is due; then on the first day after, and every week."""
    if reminded_on is None:
        return True
    is_week_over = (today - reminded_on).days >= REMINDER_INTERVAL_DAYS
    return today > due_back and (reminded_on <= due_back or is_week_over)


@contextmanager
def _locked(loan: Loan) -> Iterator[Loan]:
    """The loan, read again and locked after its member and ticket."""
    with lock_ticket(loan.ticket) as ticket:
        loans = Loan.objects.select_related("unit__product", "unit__centre", "member__user")
        locked = loans.select_for_update(of=("self",), no_key=True).get(pk=loan.pk)
        locked.ticket = ticket
        yield locked


def _require_state(loan: Loan, state: LoanState) -> None:
    if loan.state != state:
        message = _("This loan is “%(state)s” by now.") % {"state": loan.get_state_display()}
        raise Refusal("state", message)


def _record(loan: Loan, kind: EventKind, actor: Actor, at: datetime) -> None:
    record_event(ticket=loan.ticket, kind=kind, actor=actor, at=at, data={"loan": loan.pk})


def _partner_of(actor: Actor) -> dict[str, str]:
    """As in the context of an API request, which this one is merged into."""
    return {"partner": actor.partner.slug} if actor.partner else {}


def _release_hold(loan: Loan) -> None:
    if loan.ticket.registration:
        release_hold(registration=loan.ticket.registration, key=loan_hold_key(loan))


def loan_hold_key(loan: Loan) -> str:
    return f"loan-{loan.pk}"


def _checked_condition(condition: str) -> str:
    text = condition.strip()
    if not text:
        raise Refusal("empty", _("Describe its condition, with every scratch."), "condition")
    if len(text) > MAX_CONDITION_LENGTH:
        message = _("This is too long. Use at most %(n)d characters.") % {"n": MAX_CONDITION_LENGTH}
        raise Refusal("long", message, "condition")
    return text


def _steps_of(ticket: Ticket, at: datetime) -> tuple[Step, ...]:
    return get_clock(ticket, at, events_of(ticket)).steps


def _later_due_back(loan: Loan, day: date, at: datetime) -> date:
    """The new day if it is later than the one that the member has been told."""
    checked = _checked_due_back(loan, day, at)
    if loan.due_back and checked <= loan.due_back:
        message = _("It’s due back on %(day)s already. Choose a later day.")
        raise Refusal("due_back", message % {"day": date_format(loan.due_back, "j F Y")}, "due_back")
    return checked


def _checked_due_back(loan: Loan, day: date, at: datetime) -> date:
    today = loan.unit.centre.today(at)
    if not today < day <= today + timedelta(days=MAX_LOAN_DAYS):
        raise Refusal(
            "due_back",
            _("Choose a day from tomorrow, at most %(days)s days ahead.") % {"days": MAX_LOAN_DAYS},
            "due_back",
        )
    return day
