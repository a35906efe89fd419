"""What the tests of the API begin with: a centre's system, and a ticket of that centre."""

import pytest

from servicing.models import Ticket
from tests.api.machines import Machine, machine
from tests.servicing.jobs import a_centre, a_request
from tests.world import World


@pytest.fixture
def workshop(world: World) -> Machine:
    found = machine()
    a_centre(partner=found.partner)
    return found


@pytest.fixture
def ticket(workshop: Machine, world: World) -> Ticket:
    return a_request(world, workshop.partner.centres.get())
