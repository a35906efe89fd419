"""Requests of partners against each other, with real threads (R55)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from servicing.models import Ticket, TicketEvent
from tests.api.machines import Machine, machine
from tests.concurrency.threads import together
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.races
MANY = 8


@pytest.fixture
def workshop(committed_world: World) -> Machine:
    found = machine()
    a_request(committed_world, a_centre(partner=found.partner))
    found.fetch()
    return found


def at_once(job: Callable[[int], Any]) -> list[Any]:
    return together(*(partial(job, n) for n in range(MANY)))


def path() -> str:
    return f"tickets/{Ticket.objects.get().reference}/events"


def said(number: str = "7") -> dict[str, Any]:
    return {"kind": "accepted", "external_id": number, "occurred_at": "2026-03-02T10:00:00Z"}


def test_one_key_eight_times_has_one_effect(workshop: Machine) -> None:
    where = path()
    answers = at_once(lambda _n: workshop.post(where, said(), key="one"))
    done = [one for one in answers if one.status_code == 201]
    waiting = [one for one in answers if one.status_code == 409]
    assert len(done) + len(waiting) == MANY and done
    assert len({one.content for one in done}) == 1
    assert all(one.json()["code"] == "running" and one["Retry-After"] == "1" for one in waiting)
    assert workshop.post(where, said(), key="one").content == done[0].content
    assert TicketEvent.objects.filter(kind="accepted").count() == 1


def test_one_event_under_eight_keys_is_written_once(workshop: Machine) -> None:
    where = path()
    answers = at_once(lambda n: workshop.post(where, said(), key=f"key-{n}"))
    assert sorted(one.status_code for one in answers) == [200] * (MANY - 1) + [201]
    assert TicketEvent.objects.filter(kind="accepted").count() == 1


def test_of_eight_that_know_the_same_version_one_passes(workshop: Machine) -> None:
    where = path()
    known = workshop.get(where.removesuffix("/events"))["ETag"]
    answers = at_once(lambda n: workshop.post(where, said(f"{n}"), **{"If-Match": known}))
    assert sorted(one.status_code for one in answers) == [201] + [412] * (MANY - 1)
