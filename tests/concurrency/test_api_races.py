"""Requests of partners against each other, with real threads (R55)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cps_portal.core.partners.enums import PartnerKind
from kitbag.models import Sale
from servicing.enums import PlaceWish
from servicing.models import Ticket, TicketEvent
from tests.api.machines import Machine, machine
from tests.api.test_sales import sale
from tests.concurrency.threads import together
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.races
MANY = 8


@pytest.fixture
def workshop(committed_world: World) -> Machine:
    partner_machine = machine()
    a_request(committed_world, a_centre(partner=partner_machine.partner))
    partner_machine.fetch()
    return partner_machine


def at_once(job: Callable[[int], Any]) -> list[Any]:
    return together(*(partial(job, n) for n in range(MANY)))


def path() -> str:
    return f"tickets/{Ticket.objects.get().reference}/events"


def event(number: str = "7") -> dict[str, Any]:
    return {"kind": "accepted", "external_id": number, "occurred_at": "2026-03-02T10:00:00Z"}


def test_one_idempotency_key_used_eight_times_has_one_effect(workshop: Machine) -> None:
    url = path()
    answers = at_once(lambda _n: workshop.post(url, event(), key="one"))
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == MANY and done
    assert len({answer.content for answer in done}) == 1
    assert all(answer.json()["code"] == "running" and answer["Retry-After"] == "1" for answer in waiting)
    assert workshop.post(url, event(), key="one").content == done[0].content
    assert TicketEvent.objects.filter(kind="accepted").count() == 1


def test_one_event_with_eight_keys_is_written_once(workshop: Machine) -> None:
    url = path()
    answers = at_once(lambda n: workshop.post(url, event(), key=f"key-{n}"))
    assert sorted(answer.status_code for answer in answers) == [200] * (MANY - 1) + [201]
    assert TicketEvent.objects.filter(kind="accepted").count() == 1


def test_of_eight_requests_with_the_same_etag_one_passes(workshop: Machine) -> None:
    url = path()
    etag = workshop.get(url.removesuffix("/events"))["ETag"]
    answers = at_once(lambda n: workshop.post(url, event(f"{n}"), **{"If-Match": etag}))
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * (MANY - 1)


def test_batches_with_the_same_customers_in_another_order_do_not_stop_each_other(committed_world: World) -> None:
    """Each locks the members of all its tickets first, in one order: otherwise the database ends one of them."""
    partner_machine = machine()
    centre = a_centre(partner=partner_machine.partner)
    members = (committed_world.ana, committed_world.ben, committed_world.chloe)
    wish = PlaceWish.STANDARD
    tickets = [
        a_request(committed_world, centre, f"0123456789{n:02}", member=members[n % 3], wish=wish)
        for n in range(3 * MANY)
    ]
    partner_machine.fetch()

    def batch(n: int) -> Any:
        own = tickets[n::MANY]  # one of each member
        ordered = own[n % 3 :] + own[: n % 3]
        events = [{**event(str(ticket.pk)), "reference": ticket.reference} for ticket in ordered]
        return partner_machine.post("tickets/events", {"events": events})

    answers = at_once(batch)
    assert [answer.status_code for answer in answers] == [200] * MANY
    assert {result["status"] for answer in answers for result in answer.json()["results"]} == {201}
    assert TicketEvent.objects.filter(kind="accepted").count() == 3 * MANY


def test_batches_with_the_same_sales_in_another_order_do_not_stop_each_other(committed_world: World) -> None:
    """By number and by serial number: each of them can be refused by two constraints."""
    shop = machine("shop", PartnerKind.RETAILER)
    shop.fetch()
    numbers = range(20)

    def batch(n: int) -> Any:
        order = list(reversed(numbers)) if n % 2 else list(numbers)
        serials = list(reversed(numbers)) if n >= MANY // 2 else list(numbers)  # other sales with the same numbers
        facts = [
            sale(committed_world, external_id=f"R-{one}", serial=f"0123456789{serials[one]:02}", receipt=f"{n // 4}")
            for one in order
        ]
        return shop.post("sales/batch", {"sales": facts})

    answers = at_once(batch)
    assert [answer.status_code for answer in answers] == [200] * MANY
    statuses = [result["status"] for answer in answers for result in answer.json()["results"]]
    assert sorted(set(statuses)) == [200, 201, 409]
    assert statuses.count(201) == Sale.objects.count() == len(numbers)
