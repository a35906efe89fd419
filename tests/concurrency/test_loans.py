"""Races for the last loan unit, and between a loan that goes out and the end of its job (R53)."""

import pytest

from cps_portal.core.lib.errors import Refusal
from servicing.actions import loans
from servicing.actions.events import SYSTEM
from servicing.actions.tickets import close
from servicing.enums import EventKind, TicketState
from servicing.models import Loan, LoanUnit, Ticket
from tests.concurrency.threads import together
from tests.servicing.test_loans import FRIDAY, late_job, make_centre, step
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_three_members_one_gets_the_last_unit_and_the_others_read_why(committed_world: World) -> None:
    centre, ana = make_centre(), committed_world.ana.user
    jobs = [late_job(committed_world, centre, f"01234567870{n}") for n in (1, 2, 3)]
    unit = LoanUnit.objects.create(centre=centre, product=committed_world.pro_body, serial="900000000001")
    results = together(*[lambda job=job: loans.reserve(ticket=job, unit=unit, by=ana, at=FRIDAY) for job in jobs])
    assert [type(result) for result in results].count(Loan) == 1
    assert all(result.code == "taken" for result in results if isinstance(result, Refusal))
    assert Loan.objects.open().filter(unit=unit).count() == 1


def test_a_job_that_ends_while_its_loan_goes_out_ends_without_it_or_is_refused(committed_world: World) -> None:
    ana = committed_world.ana.user
    job = late_job(committed_world, make_centre())
    unit = LoanUnit.objects.create(centre=job.centre, product=committed_world.pro_body, serial="900000000001")
    loan = loans.reserve(ticket=job, unit=unit, by=ana, at=FRIDAY)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=FRIDAY)
    step(committed_world, job, EventKind.ASSESSED, FRIDAY)
    step(committed_world, job, EventKind.READY, FRIDAY)
    closed, out = together(
        lambda: close(ticket=job, loan_stays_out=False, actor=SYSTEM, at=FRIDAY),
        lambda: loans.hand_out(loan=loan, condition="As new", actor=SYSTEM, at=FRIDAY),
    )
    job, loan = Ticket.objects.get(pk=job.pk), Loan.objects.get(pk=loan.pk)
    assert isinstance(out, Loan)
    assert job.loan_out
    assert loan.due_back
    if isinstance(closed, Refusal):
        assert (closed.code, job.state) == ("loan_out", TicketState.READY)
    else:
        assert job.state == TicketState.CLOSED
