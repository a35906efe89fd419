"""Courtesy loans: offered, reserved, agreed, handed out, brought back (R48, R53).

Locks: the member, the ticket, then the unit. The database lends a unit to one only.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.clock import add_working_days
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag.actions.transitions import hold_registration, release_hold
from kitbag.enums import HoldReason
from members.actions import notices
from members.enums import NoticeCode
from members.models import User
from servicing.actions.events import SYSTEM, Actor, record_event, record_on
from servicing.enums import EventKind, LoanState
from servicing.models import Loan, LoanUnit, Ticket, TicketEvent

AGREEMENT = "2026-11"  # the version of templates/servicing/_agreement.html
MAX_CONDITION_LENGTH = 500
SOON = 2  # days before it is due back
NOT_OFFERED = _("A loan is offered when a repair takes longer than its target.")


def is_offered(ticket: Ticket) -> bool:
    """Whether a loan was offered and the job still runs (R48). Who declined can change their mind."""
    if ticket.ready_at or ticket.ended_at or not ticket.loan_possible:
        return False
    return TicketEvent.objects.filter(ticket=ticket, kind=EventKind.LOAN_OFFERED).exists()


def open_loan(ticket: Ticket) -> Loan | None:
    return Loan.objects.open().filter(ticket=ticket).select_related("unit__product").first()


def free_units(ticket: Ticket) -> QuerySet[LoanUnit]:
    """What the centre can lend instead of it: the same kind of product, the same model first (R48)."""
    same = Case(When(product=ticket.product_id, then=Value(0)), default=Value(1))
    units = LoanUnit.objects.free().filter(centre=ticket.centre_id, product__shelf=ticket.product.shelf)
    return units.select_related("product").order_by(same, "product__name", "pk")


@transaction.atomic
def reserve(*, ticket: Ticket, unit: LoanUnit, by: User, at: datetime) -> Loan:
    """Reserve a unit for the member. Raises Refusal: `offered`, `has_one`, `taken` beside `unit`."""
    locked = Ticket.objects.locked(ticket.pk)
    if locked.member is None or not is_offered(locked):
        raise Refusal("offered", NOT_OFFERED)
    if open_loan(locked):
        raise Refusal("has_one", _("There is a loan for this job already."))
    found = LoanUnit.objects.select_for_update(of=("self",), no_key=True).filter(pk=unit.pk).first()
    if found is None or not free_units(locked).filter(pk=found.pk).exists():
        raise Refusal("taken", _("Somebody else has this one by now. Choose another one."), "unit")
    try:
        with transaction.atomic():
            loan = Loan.objects.create(unit=found, ticket=locked, member=locked.member, reserved_at=at, by=by)
    except IntegrityError:
        raise Refusal("taken", _("Somebody else has this one by now. Choose another one."), "unit") from None
    if locked.registration:
        hold_registration(registration=locked.registration, key=_key(loan), why=HoldReason.LOAN, at=at)
    _record(loan, EventKind.LOAN_RESERVED, Actor(user=by), at)
    return loan


@transaction.atomic
def decline_offer(*, ticket: Ticket, by: User, at: datetime) -> Ticket:
    """No loan is needed, for now. Raises Refusal `offered`, `has_one`."""
    locked = Ticket.objects.locked(ticket.pk)
    if not is_offered(locked):
        raise Refusal("offered", NOT_OFFERED)
    if open_loan(locked):
        raise Refusal("has_one", _("You have reserved one. Cancel it instead."))
    done, _event = record_on(ticket=locked, kind=EventKind.LOAN_DECLINED, actor=Actor(user=by), at=at)
    return done


@transaction.atomic
def accept_agreement(*, loan: Loan, version: str, by: User, at: datetime) -> Loan:
    """The member accepts the agreement as it stands. Accepted already: nothing changes.

    Raises Refusal `state`, or `version` if it changed while it was read.
    """
    row = _locked(loan)
    if row.agreed_at:
        return row
    _require(row, LoanState.RESERVED)
    if version != AGREEMENT:
        raise Refusal("version", _("The agreement has changed. Read it again, then accept it."), "agreed")
    row.agreed_at, row.agreement = at, AGREEMENT
    row.save(update_fields=["agreed_at", "agreement"])
    return row


@transaction.atomic
def hand_out(*, loan: Loan, condition: str, actor: Actor, at: datetime, due_back: date | None = None) -> Loan:
    """It leaves the centre, its condition noted; due back by default in so many days (LOAN_DAYS).

    Raises Refusal: `state`, `agreement`, and beside their fields `condition`, `due_back`.
    """
    row = _locked(loan)
    _require(row, LoanState.RESERVED)
    if not row.agreed_at:
        raise Refusal("agreement", _("The member has not accepted the agreement yet."))
    row.condition_out = _text(condition)
    row.due_back = _later(row, due_back, at) if due_back else _usual_day(row, at)
    row.state, row.out_at, row.by = LoanState.OUT, at, actor.user
    row.save(update_fields=["condition_out", "due_back", "state", "out_at", "by"])
    _record(row, EventKind.LOAN_OUT, actor, at)
    return row


@transaction.atomic
def extend(*, loan: Loan, due_back: date, actor: Actor, at: datetime) -> Loan:
    """The member may keep it longer. Raises Refusal `state`, `due_back`."""
    row = _locked(loan)
    _require(row, LoanState.OUT)
    row.due_back, row.reminded_on = _later(row, due_back, at), None
    row.save(update_fields=["due_back", "reminded_on"])
    _tell(row, "extended", at)
    return row


@transaction.atomic
def take_back(*, loan: Loan, condition: str, actor: Actor, at: datetime) -> Loan:
    """It is back, its condition noted. Raises Refusal `state`, `condition`."""
    row = _locked(loan)
    _require(row, LoanState.OUT)
    row.condition_in = _text(condition)
    row.state, row.returned_at = LoanState.RETURNED, at
    row.save(update_fields=["condition_in", "state", "returned_at"])
    _free(row)
    _record(row, EventKind.LOAN_RETURNED, actor, at)
    return row


@transaction.atomic
def cancel(*, loan: Loan, actor: Actor, at: datetime) -> Loan:
    """Give a reservation up. Raises Refusal `state` once it is out."""
    row = _locked(loan)
    _require(row, LoanState.RESERVED)
    row.state, row.cancelled_at = LoanState.CANCELLED, at
    row.save(update_fields=["state", "cancelled_at"])
    _free(row)
    _record(row, EventKind.LOAN_CANCELLED, actor, at)
    return row


def lapse_reservations(*, at: datetime) -> int:
    """Cancel what was reserved and never fetched, so that others can have it. Returns how many."""
    old = Loan.objects.filter(state=LoanState.RESERVED, reserved_at__lt=at - settings.LOAN_RESERVED_FOR)
    count = 0
    for loan in old.order_by("member", "pk"):
        try:
            cancel(loan=loan, actor=SYSTEM, at=at)
        except Refusal:  # fetched a moment ago
            continue
        count += 1
    return count


def remind(*, at: datetime) -> int:
    """Remind of what is due back in two days, and once a week of what is overdue (R53). Returns how many."""
    count = 0
    out = Loan.objects.filter(state=LoanState.OUT, due_back__lte=(at + timedelta(days=3)).date())
    for key in out.order_by("member", "pk").values_list("pk", flat=True):
        count += _remind(key=key, at=at)
    return count


# --- Steps -----------------------------------------------------------------------------------------


@transaction.atomic
def _remind(*, key: int, at: datetime) -> bool:
    row = _locked(Loan.objects.get(pk=key))
    if row.state != LoanState.OUT or row.due_back is None:
        return False
    today = row.unit.centre.today(at)
    left = (row.due_back - today).days
    if left > SOON or (row.reminded_on and not _again(row.reminded_on, row.due_back, today)):
        return False
    row.reminded_on = today
    row.save(update_fields=["reminded_on"])
    _tell(row, "overdue" if left < 0 else "due", at)
    return True


def _again(last: date, due_back: date, today: date) -> bool:
    """Once before it is due; then on the first day after, and every week."""
    return today > due_back and (last <= due_back or (today - last).days >= 7)


def _locked(loan: Loan) -> Loan:
    """The loan behind the locks of its member and ticket."""
    Ticket.objects.locked(loan.ticket_id)
    rows = Loan.objects.select_related("unit__product", "unit__centre", "ticket__registration", "member__user")
    return rows.select_for_update(of=("self",), no_key=True).get(pk=loan.pk)


def _require(row: Loan, state: LoanState) -> None:
    if row.state != state:
        words = _("This loan is “%(state)s” by now.") % {"state": row.get_state_display()}
        raise Refusal("state", words)


def _record(row: Loan, kind: EventKind, actor: Actor, at: datetime) -> None:
    record_event(ticket=row.ticket, kind=kind, actor=actor, at=at, data={"loan": row.pk})


def _tell(row: Loan, what: str, at: datetime) -> None:
    """Notice and mail: due back soon, overdue, or longer than agreed at first (R56)."""
    key = f"loan-{row.pk}-{what}-{row.unit.centre.today(at)}"
    notices.notify_member(
        member=row.member,
        key=key,
        code=NoticeCode.TICKET,
        params={"kind": f"loan_{what}", "reference": row.ticket.reference_in_groups, "product": row.unit.product.name},
        path=row.ticket.get_absolute_url(),
        at=at,
    )
    payload = outbox.rendered_later("servicing.loan", loan=row.pk, what=what)
    outbox.enqueue(key=key, kind="mail", to=row.member.user.email, payload=payload, at=at)


def _free(row: Loan) -> None:
    if row.ticket.registration:
        release_hold(registration=row.ticket.registration, key=_key(row))


def _key(loan: Loan) -> str:
    return f"loan-{loan.pk}"


def _text(condition: str) -> str:
    text = condition.strip()
    if not text:
        raise Refusal("empty", _("Note its condition, with every scratch."), "condition")
    if len(text) > MAX_CONDITION_LENGTH:
        raise Refusal(
            "long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_CONDITION_LENGTH}, "condition"
        )
    return text


def _usual_day(row: Loan, at: datetime) -> date:
    centre = row.unit.centre
    return centre.today(add_working_days(at, settings.LOAN_DAYS, centre.calendar))


def _later(row: Loan, day: date, at: datetime) -> date:
    today = row.unit.centre.today(at)
    if not today < day <= today + timedelta(days=120):
        raise Refusal("due_back", _("Choose a day from tomorrow on, within four months."), "due_back")
    return day
