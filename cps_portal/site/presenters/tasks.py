"""What waits for a member beyond their kit: jobs, loans, cases, and post that came back (R48, R51, R53, R58).

Read from the rows as they are, not from notices: a task stays until it is done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.queries.around import AroundMember
from kitbag.enums import Shelf
from kitbag.models import Product
from members.models import Member
from members.support.enums import CaseState
from members.support.models import Case
from servicing.enums import EventKind, LoanState, TicketState
from servicing.models import Loan, LoanUnit
from servicing.presenters.tickets import Job
from servicing.rules.loans import REMINDER_DAYS

TO_BE_SENT = (TicketState.REQUESTED, TicketState.ACCEPTED)


@dataclass(frozen=True)
class Task:
    """One line of "Your turn". It shows the `product`, or the `icon` if it is about none."""

    title: str
    detail: str | Promise
    path: str
    product: Product | None = None
    icon: str = ""


def find_tasks(
    member: Member, jobs: Sequence[Job], now: datetime, around: AroundMember, *, is_pack_returned: bool
) -> list[Task]:
    """What pauses a clock first, then what helps, then what can wait. `jobs` are those that are open.

    In up to three queries for what there is, whatever its number.
    """
    loans = Loan.objects.open().filter(member__in=member.accounts).select_related("unit__product", "ticket__centre")
    open_loans = list(loans) if around.loans else []
    cases = Case.objects.of(member).filter(state=CaseState.WAITING).order_by("quiet_since")
    return [
        *(task for job in jobs if (task := _answer(job))),
        *(_reply(case) for case in (cases if around.cases_waiting else ())),
        *_loans(open_loans, now),
        *_choices(jobs, {loan.ticket_id for loan in open_loans}),
        *(_send(job) for job in jobs if job.ticket.state in TO_BE_SENT),
        *_returned_post(is_pack_returned=is_pack_returned, is_card_returned=around.card_returned),
    ]


def _answer(job: Job) -> Task | None:
    """The estimate or the question that the centre waits for."""
    product, path = job.ticket.product, job.ticket.get_absolute_url()
    if job.ticket.state == TicketState.ESTIMATE_SENT:
        title = _("Answer the estimate for %(product)s") % {"product": product.name}
        return Task(title, _("Approve or decline it. The clock is paused until you do."), path, product)
    if job.asks:
        title = _("Answer the centre’s question about %(product)s") % {"product": product.name}
        return Task(title, _("The clock is paused until you answer."), path, product)
    return None


def _reply(case: Case) -> Task:
    title = _("Please answer: %(subject)s") % {"subject": case.subject or case.get_kind_display()}
    detail = _("Case %(reference)s is waiting for your reply.") % {"reference": case.reference_in_groups}
    return Task(title, detail, case.get_absolute_url(), icon="chat")


def _loans(loans: Sequence[Loan], now: datetime) -> Iterator[Task]:
    """What to bring back, and agreements to accept."""
    for loan in loans:
        product = {"product": loan.unit.product.name}
        path = reverse("servicing:loan", args=[loan.ticket.reference])
        if loan.state == LoanState.RESERVED and loan.agreed_at is None:
            title = _("Accept the agreement for the %(product)s") % product
            yield Task(title, _("Then pick it up, or have it sent."), path, loan.unit.product)
        if loan.state != LoanState.OUT or loan.due_back is None:
            continue
        days_left = (loan.due_back - loan.ticket.centre.today(now)).days
        if days_left <= REMINDER_DAYS:
            sentence = _("It’s due back on %(day)s.")
            if days_left < 0:
                sentence = _("It was due back on %(day)s, and others are waiting for it.")
            title = _("Bring back the %(product)s") % product
            yield Task(title, sentence % {"day": date_format(loan.due_back, "l j F")}, path, loan.unit.product)


def _choices(jobs: Sequence[Job], with_loan: set[int]) -> Iterator[Task]:
    """Loans that were offered and not answered, where the centre has something to lend (R48)."""
    offered = [job for job in jobs if _is_loan_offered(job) and job.ticket.pk not in with_loan]
    if not offered:
        return
    centres = {job.ticket.centre_id for job in offered}
    free = set(LoanUnit.objects.free().filter(centre__in=centres).values_list("centre", "product__shelf"))
    titles = {Shelf.BODIES: _("Choose a body to borrow"), Shelf.LENSES: _("Choose a lens to borrow")}
    for job in offered:
        product = job.ticket.product
        if (job.ticket.centre_id, product.shelf) in free:
            sentence = _("Your %(product)s will be late. Borrow one, free, until it’s back.")
            if job.is_late:
                sentence = _("Your %(product)s is late. Borrow one, free, until it’s back.")
            yield Task(
                titles.get(Shelf(product.shelf), _("Choose what to borrow")),
                sentence % {"product": product.name},
                reverse("servicing:loan", args=[job.ticket.reference]),
                product,
            )


def _is_loan_offered(job: Job) -> bool:
    kinds = {event.kind for event in job.ticket.events.all()}
    is_answered = EventKind.LOAN_DECLINED in kinds or job.ticket.ready_at is not None
    return job.ticket.loan_possible and EventKind.LOAN_OFFERED in kinds and not is_answered


def _send(job: Job) -> Task:
    title = _("Send in your %(product)s") % {"product": job.ticket.product.name}
    detail = job.state_sentence
    if job.held_until:
        day = date_format(job.held_until.astimezone(job.zone), "l j F")
        detail = _("Your place is kept until %(day)s.") % {"day": day}
    return Task(title, detail, job.ticket.get_absolute_url(), job.ticket.product)


def _returned_post(*, is_pack_returned: bool, is_card_returned: bool) -> Iterator[Task]:
    sentence = _("It came back to us. We’ll send it again.")
    if is_pack_returned:
        yield Task(_("Check the address for your Welcome Pack"), sentence, reverse("offers:pack"), icon="box")
    if is_card_returned:
        yield Task(_("Check the address for your card"), sentence, reverse("offers:card_again"), icon="card")
