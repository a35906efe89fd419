"""Races for the last loan unit (R53)."""

import pytest

from cps_portal.core.lib.errors import Refusal
from servicing.actions import loans
from servicing.models import Loan, LoanUnit
from tests.concurrency.threads import together
from tests.servicing.test_loans import FRIDAY, late_job, make_centre
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
