"""Races of estimates (R52)."""

from datetime import date
from decimal import Decimal

import pytest

from cps_portal.core.lib.errors import Refusal
from servicing.actions.estimates import Line, approve_estimate, decline_estimate, send_estimate
from servicing.actions.events import Actor
from servicing.enums import EstimateState, EventKind
from servicing.models import Estimate, TicketEvent
from tests.concurrency.threads import together
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre
from tests.world import World

AT = MONDAY + 2 * HOUR
ANSWERS = (EventKind.ESTIMATE_APPROVED, EventKind.ESTIMATE_DECLINED)
LINE = Line("Labour", Decimal(1), Decimal(100))
FRIDAY = date(2026, 3, 6)
pytestmark = pytest.mark.django_db(transaction=True)


def test_approving_and_declining_at_once_gives_one_answer(committed_world: World) -> None:
    world = committed_world
    desk, own = Actor(user=world.staff), Actor(user=world.ana.user)
    ticket = at_the_centre(world, a_centre())
    row = send_estimate(ticket=ticket, lines=[LINE], currency="ZAR", valid_until=FRIDAY, actor=desk, at=AT)
    results = together(
        lambda: approve_estimate(estimate=row, actor=own, at=AT + HOUR),
        lambda: decline_estimate(estimate=row, actor=own, at=AT + HOUR),
        lambda: approve_estimate(estimate=row, actor=own, at=AT + HOUR),
    )
    assert [result.code for result in results if isinstance(result, Refusal)] == ["answered", "answered"]
    assert TicketEvent.objects.filter(ticket=ticket, kind__in=ANSWERS).count() == 1


def test_two_estimates_at_once_leave_one_open(committed_world: World) -> None:
    world = committed_world
    desk = Actor(user=world.staff)
    ticket = at_the_centre(world, a_centre())
    sends = [
        lambda: send_estimate(ticket=ticket, lines=[LINE], currency="ZAR", valid_until=FRIDAY, actor=desk, at=AT)
    ] * 3
    assert not [result for result in together(*sends) if isinstance(result, BaseException)]
    assert Estimate.objects.filter(ticket=ticket, state=EstimateState.OPEN).count() == 1
    assert list(Estimate.objects.filter(ticket=ticket).values_list("number", flat=True)) == [1, 2, 3]
