"""A partner makes every event happen, and gets it as on any other day (R38, R55)."""

from typing import Any

import pytest
from django.conf import settings

from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.sandbox.actions.triggers import REAL, REAL_FOR_ALL
from cps_portal.sandbox.webhooks import example_of
from tests.api.machines import Machine
from tests.sandbox.conftest import listen, make

AGAIN = {"workshop": ["ticket.event", "ticket.message"], "shop": [], "house": ["welcome_pack.cancelled"]}


def trigger(found: Machine, type: str) -> dict[str, Any]:  # noqa: A002
    answer = found.post("sandbox/events", {"type": type})
    assert answer.status_code == 200, answer.content
    done: dict[str, Any] = answer.json()
    return done


@pytest.mark.parametrize("kind", ["workshop", "shop", "house"])
def test_every_event_is_sent(kind: str, request: pytest.FixtureRequest) -> None:
    found = listen(request.getfixturevalue(kind))
    make(found)
    for type in settings.WEBHOOK_TYPES:  # noqa: A001
        done = trigger(found, type)
        is_real = (found.partner.kind, type) in REAL or type in REAL_FOR_ALL
        assert (done["type"], done["real"]) == (type, is_real)
        message = Message.objects.get(payload__id=done["messages"][-1])
        assert message.payload["type"] == type
        data = get_renderer(message.payload["renderer"])(**message.payload["context"])
        assert data, f"{type} says nothing"
        assert set(data) == set(example_of(type)["data"])
        if not is_real:
            assert data == example_of(type)["data"]
    for type in AGAIN[kind]:  # noqa: A001
        seen = [trigger(found, type)["messages"] for _time in range(3)]
        assert all(seen) and len({name for messages in seen for name in messages}) >= 3, type


def test_without_an_endpoint_that_gets_it_the_partner_is_told(workshop: Machine) -> None:
    make(workshop)
    answer = workshop.post("sandbox/events", {"type": "ticket.opened"})
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint")


def test_without_sample_data_the_partner_is_told(workshop: Machine) -> None:
    answer = listen(workshop).post("sandbox/events", {"type": "ticket.opened"})
    assert (answer.status_code, answer.json()["code"]) == (409, "samples")


def test_an_unknown_event_is_refused(workshop: Machine) -> None:
    answer = workshop.post("sandbox/events", {"type": "ticket.closed"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/type")
