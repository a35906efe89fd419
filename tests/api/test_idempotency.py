"""The same request again gets the same answer, and what was read before is compared (R55)."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from cps_portal.core.partners.models import IdempotencyRecord
from servicing.models import Ticket, TicketEvent
from tests.api.machines import Machine, machine
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def path(ticket: Ticket) -> str:
    return f"tickets/{ticket.reference}/events"


def said(kind: str = "accepted", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "external_id": "7", "occurred_at": "2026-03-02T10:00:00Z", **more}


def test_the_same_again_gets_the_same_answer_and_does_nothing(workshop: Machine, path: str) -> None:
    first = workshop.post(path, said(), key="one")
    again = workshop.post(path, said(), key="one")
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert TicketEvent.objects.filter(kind="accepted").count() == 1


@pytest.mark.parametrize(
    "other", [{"data": said("sent")}, {"headers": {"If-Match": '"x"'}}, {"path": "tickets/events"}]
)
def test_another_request_with_the_same_key_is_refused(workshop: Machine, path: str, other: dict[str, Any]) -> None:
    workshop.post(path, said(), key="one")
    asked = {"path": path, "data": said(), "headers": {}, **other}
    answer = workshop.post(asked["path"], asked["data"], key="one", **asked["headers"])
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_used")


def test_what_was_refused_is_refused_again_and_what_could_not_be_read_is_not_kept(workshop: Machine, path: str) -> None:
    first = workshop.post(path, said("ready"), key="one")
    assert first.status_code == 409
    Ticket.objects.update(state="in_repair", charge="approved")
    assert workshop.post(path, said("ready"), key="one").content == first.content
    assert workshop.post(path, said("nonsense"), key="two").status_code == 400
    assert workshop.post(path, said(), key="two").status_code == 201


def test_a_key_is_one_partners_own_and_lasts_a_day(workshop: Machine, path: str, world: World) -> None:
    workshop.post(path, said(), key="one")
    other = machine("other")
    assert other.post(path, said(), key="one").status_code == 404
    IdempotencyRecord.objects.update(at=timezone.now() - settings.ANSWERS_KEPT - timedelta(minutes=1))
    answer = workshop.post(path, said(), key="one")
    assert (answer.status_code, answer.json()["recorded"], "Idempotency-Replayed" in answer) == (200, False, False)


@each_row("key", ["", "k" * 101, "with blank", "ümlaut"])
def test_a_key_has_to_be_given_and_plain(workshop: Machine, path: str, key: str) -> None:
    answer = workshop.post(path, said(), key=key.encode("latin-1").decode("latin-1"))
    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "Idempotency-Key")


def test_who_knows_an_older_version_is_stopped(workshop: Machine, path: str) -> None:
    known = workshop.get(path.removesuffix("/events"))["ETag"]
    assert workshop.post(path, said(), **{"If-Match": known}).status_code == 201
    answer = workshop.post(path, said("sent", external_id="8"), **{"If-Match": known})
    assert (answer.status_code, answer.json()["code"]) == (412, "changed")
    assert workshop.post(path, said("sent", external_id="8"), **{"If-Match": "*"}).status_code == 201
