"""Failures on demand: a client tries out its own bad days (R55)."""

import time

from django.http import HttpResponse

from servicing.models import Ticket, TicketMessage
from tests.api.machines import Machine
from tests.sandbox.conftest import make


def ask(found: Machine, wanted: str) -> HttpResponse:
    return found.get("levels", **{"Sandbox-Fail": wanted})


def test_each_failure_looks_like_the_real_one(workshop: Machine) -> None:
    for wanted, code in (("429", "throttled"), ("500", "internal"), ("503", "busy")):
        answer = ask(workshop, wanted)
        assert (answer.status_code, answer["Content-Type"]) == (int(wanted), "application/problem+json")
        assert answer.json()["code"] == code
        assert answer["X-Request-ID"]
        assert answer.get("Retry-After") == (None if wanted == "500" else "2")


def test_a_failure_leaves_nothing_behind_and_the_same_key_works_afterwards(workshop: Machine) -> None:
    ticket = make(workshop)["tickets"][0]
    path, body = f"tickets/{ticket}/messages", {"text": "It is on the bench."}
    assert workshop.post(path, body, key="mine", **{"Sandbox-Fail": "500"}).status_code == 500
    assert not TicketMessage.objects.exists()
    assert workshop.post(path, body, key="mine").status_code == 201


def test_a_lost_answer_has_had_its_effect_and_comes_with_the_same_key(workshop: Machine) -> None:
    ticket = make(workshop)["tickets"][0]
    path, body = f"tickets/{ticket}/messages", {"text": "It is on the bench."}
    assert workshop.post(path, body, key="mine", **{"Sandbox-Fail": "lost"}).status_code == 500
    assert TicketMessage.objects.get().ticket == Ticket.objects.get(reference=ticket)
    again = workshop.post(path, body, key="mine")
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert TicketMessage.objects.count() == 1


def test_slow_is_slow(workshop: Machine) -> None:
    assert workshop.fetch().status_code == 200
    begun = time.monotonic()
    assert ask(workshop, "slow=1").status_code == 200
    assert time.monotonic() - begun >= 1


def test_anything_else_is_refused(workshop: Machine) -> None:
    for wanted in ("418", "slow=11", "slow=", "sometimes", "", "LOST"):
        answer = ask(workshop, wanted)
        assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "Sandbox-Fail")


def test_only_partners_can_ask_for_it(workshop: Machine) -> None:
    for token in ("", "Bearer made-up"):
        headers = {"Sandbox-Fail": "slow=10", **({"Authorization": token} if token else {})}
        answer = workshop.client.get("/api/v1/levels", headers=headers)
        assert answer.status_code == 401
    page = workshop.client.get("/help/", headers={"Sandbox-Fail": "500"})
    assert page.status_code == 200
