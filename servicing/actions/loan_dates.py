"""The day on which a loan is due back follows the job (R53). The ticket is locked."""

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db.models import Max

from cps_portal.core.outbox import actions as outbox
from members.actions import notices
from members.enums import NoticeCode
from servicing.enums import LoanState
from servicing.models import Loan, Ticket
from servicing.rules.loans import LoanTerms, due_back
from servicing.rules.timeline import Step


def loan_terms() -> LoanTerms:
    return LoanTerms(back_days=settings.LOAN_BACK_DAYS, carrier_days=settings.LOAN_CARRIER_DAYS)


def due_back_now(ticket: Ticket, steps: Sequence[Step], *, promised: date | None) -> date | None:
    """The day by the rule, with what is known of the shipments. None while it follows the repair."""
    expected = ticket.shipments.to_customer().aggregate(day=Max("expected_on"))["day"]
    return due_back(steps, ticket.centre.calendar, loan_terms(), expected_on=expected, promised=promised)


def follow_job(*, ticket: Ticket, steps: Sequence[Step], at: datetime) -> bool:
    """Move the day of the loan that is out, and tell the member the new one. Returns whether it moved."""
    if not ticket.loan_out:
        return False
    loans = Loan.objects.select_related("unit__product", "unit__centre", "member__user")
    loan = loans.select_for_update(of=("self",), no_key=True).filter(ticket=ticket, state=LoanState.OUT).first()
    day = due_back_now(ticket, steps, promised=loan.due_back) if loan else None
    if loan is None or day == loan.due_back:
        return False
    loan.due_back, loan.reminded_on = day, None
    loan.save(update_fields=["due_back", "reminded_on"])
    loan.ticket = ticket
    notify_of_loan(loan=loan, what="dated", at=at)
    return True


def notify_of_loan(*, loan: Loan, what: str, at: datetime) -> None:
    """Notice and mail: `what` is due, overdue, extended or dated (R56).

    A burst of `dated` is told as one message: only the last day of them still holds when the mail is sent (R70).
    """
    day = loan.due_back or loan.unit.centre.today(at)
    key = f"loan-{loan.pk}-{what}-{day if what == 'dated' else loan.unit.centre.today(at)}"
    rows = {"loan": loan.pk, "due": day.toordinal()}
    member = loan.member.account_in_use
    notices.notify_member(
        member=member,
        key=key,
        code=NoticeCode.TICKET,
        params={"kind": f"loan_{what}", "ticket": loan.ticket.pk, **rows},
        path=loan.ticket.get_absolute_url(),
        at=at,
    )
    payload = outbox.rendered_later("servicing.loan", what=what, **rows)
    outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload, at=at)
