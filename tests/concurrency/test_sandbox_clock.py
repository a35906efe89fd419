"""Partners who move the clock of the sandbox at the same moment, and others who work meanwhile (R55)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from kitbag.models import Product
from servicing.enums import EventKind
from servicing.models import Ticket, TicketEvent
from tests.api.machines import Machine, machine
from tests.concurrency.threads import together
from tests.servicing.jobs import a_centre

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workshops(sandbox: Product) -> list[Machine]:
    """Two centres, each with its sample jobs."""
    found = [machine("north"), machine("south")]
    for number, workshop in enumerate(found):
        a_centre(f"centre-{number}", partner=workshop.partner)
        assert workshop.post("sandbox/data").status_code == 200
    return found


def age(workshop: Machine, days: int) -> Callable[[], Any]:
    return lambda: workshop.post("sandbox/age", {"days": days})


def statuses(answers: list[Any]) -> list[Any]:
    return [getattr(answer, "status_code", answer) for answer in answers]


@pytest.mark.parametrize("attempt", range(2))
def test_clocks_of_two_partners_are_moved_at_once(workshops: list[Machine], attempt: int) -> None:
    """The periodic tasks that follow are about everybody's jobs: neither partner stops the other one."""
    answers = together(*(age(workshop, 28) for workshop in workshops))
    assert statuses(answers) == [200, 200]
    for workshop in workshops:
        late = Ticket.objects.filter(centre__partner=workshop.partner, missed_at__isnull=False)
        assert late.count() == 4 - 1, "those on the bench, once each"
    missed = TicketEvent.objects.filter(kind=EventKind.TARGET_MISSED).values_list("ticket", flat=True)
    assert len(missed) == len(set(missed))


@pytest.mark.parametrize("attempt", range(2))
def test_a_partner_works_while_others_move_their_clocks(workshops: list[Machine], attempt: int) -> None:
    north, south = workshops
    tickets = Ticket.objects.filter(centre__partner=south.partner, state="requested")
    reference = tickets.values_list("reference", flat=True)[0]
    event = {"kind": "accepted", "external_id": "1", "occurred_at": timezone.now().isoformat()}
    answers = together(
        age(north, 28),
        lambda: south.post(f"tickets/{reference}/events", event),
        lambda: south.post(f"tickets/{reference}/messages", {"text": "It is here."}),
        age(south, 28),
    )
    assert statuses(answers) == [200, 201, 201, 200]


@pytest.mark.parametrize("attempt", range(2))
def test_a_partner_moves_the_clock_twice_makes_data_anew_and_works_at_once(
    workshops: list[Machine], attempt: int
) -> None:
    north, _south = workshops
    references = north.get("sandbox/data").json()["tickets"]
    answers = together(
        age(north, 1),
        age(north, 2),
        lambda: north.post("sandbox/data"),
        *(lambda name=name: north.post(f"tickets/{name}/messages", {"text": "It is here."}) for name in references),
    )
    assert statuses(answers[:3]) == [200, 200, 200]
    assert set(statuses(answers[3:])) <= {201, 404}, "either before the jobs were made anew, or after"
    assert len(north.get("sandbox/data").json()["tickets"]) == 5
