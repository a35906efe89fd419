"""Two presses, or two centres, at the same moment: one follow-up, and no number twice (R63, R64)."""

import pytest

from cps_portal.core.lib.errors import Refusal
from kitbag.enums import SerialChangeState
from kitbag.models import Registration, SerialChange
from servicing.actions.events import Actor
from servicing.actions.follow_ups import open_follow_up
from servicing.actions.serials import change_serial
from servicing.models import Ticket
from tests.concurrency.threads import together
from tests.factories import validated
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre
from tests.servicing.test_follow_ups import DAY, finished
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
AT = MONDAY + 2 * HOUR


def test_many_presses_open_one_follow_up(committed_world: World) -> None:
    world = committed_world
    earlier = finished(world, a_centre(street="12 Long Street"))
    actors = [Actor(user=world.ana.user), Actor(user=world.staff)] * 3

    def press(actor: Actor) -> Ticket:
        return open_follow_up(ticket=Ticket.objects.get(pk=earlier.pk), actor=actor, at=MONDAY + DAY)

    results = together(*(lambda actor=actor: press(actor) for actor in actors))
    refused = [result.code for result in results if isinstance(result, Refusal)]
    assert (refused, Ticket.objects.filter(follows=earlier).count()) == (["open"] * 5, 1)


def test_one_number_goes_to_one_product(committed_world: World) -> None:
    """Two jobs report the same new number at once, while a third member registers it."""
    world, centre, new = committed_world, a_centre(), "012345678955"
    jobs = [
        at_the_centre(world, centre, "012345678901"),
        at_the_centre(world, centre, "012345678902", member=world.ben),
    ]
    desk = Actor(user=world.staff)

    def change(ticket: Ticket) -> object:
        return change_serial(ticket=Ticket.objects.get(pk=ticket.pk), serial=new, actor=desk, at=AT)

    together(*(lambda job=job: change(job) for job in jobs), lambda: validated(world.chloe, world.pro_body, new))
    counting = Registration.objects.filter(serial=new, product=world.pro_body, state="validated")
    assert counting.count() == 1
    assert SerialChange.objects.filter(state=SerialChangeState.APPLIED, new_serial=new).count() <= 1


def test_two_products_that_swap_numbers_end_with_one_each(committed_world: World) -> None:
    world, centre = committed_world, a_centre()
    first = at_the_centre(world, centre, "012345678901")
    second = at_the_centre(world, centre, "012345678902", member=world.ben)
    desk = Actor(user=world.staff)
    together(
        lambda: change_serial(ticket=first, serial="012345678903", actor=desk, at=AT),
        lambda: change_serial(ticket=second, serial="012345678901", actor=desk, at=AT),
    )
    serials = list(Registration.objects.filter(state="validated").values_list("product", "serial_key"))
    assert len(serials) == len(set(serials))
    applied = SerialChange.objects.filter(state=SerialChangeState.APPLIED)
    assert not applied.filter(new_key__in=applied.values("serial_key")).exists()
