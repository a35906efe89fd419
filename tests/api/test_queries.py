"""How much is asked for what partners write: the same whether a member has one product or a hundred (R55)."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from servicing.models import Ticket
from tests.api.machines import Machine, machine
from tests.fullbag import fill
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

DAYS = timedelta(days=10)
OURS = 2  # the test's own savepoint stands for the transaction
# The token, the key and its answer, the locks of member and ticket (with who wants to hear of it), the events and the
# new one, the ticket, notice and mail; once it is booked in the days off; beyond that what the comments say.
ASKED = {
    "accepted": 10,  # with the begin and the end of its transaction twelve in all
    "assessed": 9,  # the member is not told
    "booked_in": 15,  # reported stolen? what does the level give here? its parcel and its loan
    "no_charge": 11,  # notice and mail
    "estimate": 18,  # how many there are, itself, its lines, those again with their sums, its draft, what was written
    "part": 12,  # itself
}


def told(kind: str) -> tuple[str, dict[str, Any]]:
    """Where it is sent, and what."""
    day = (timezone.now() + DAYS).date().isoformat()
    if kind == "estimate":
        return "estimates", {"currency": "ZAR", "valid_until": day, "lines": [{"text": "Shutter", "price": "1"}] * 3}
    if kind == "part":
        return "parts", {"name": "Shutter"}
    event = {"kind": kind, "external_id": kind, "occurred_at": timezone.now().isoformat()}
    return "events", {**event, "why_no_charge": "goodwill"} if kind == "no_charge" else event


def asked(workshop: Machine, ticket: Ticket, kind: str) -> int:
    path, said = told(kind)
    with CaptureQueriesContext(connection) as queries:
        answer = workshop.post(f"tickets/{ticket.reference}/{path}", said)
    assert answer.status_code == 201, answer.content
    return len(queries) - OURS


def test_what_is_written_asks_no_more_for_a_hundred_products_than_for_one(world: World) -> None:
    workshop = machine()
    centre = a_centre(partner=workshop.partner)
    yesterday = timezone.now() - timedelta(days=1)
    fill(world.ben, [world.pro_body], validated=100)
    warm, few, many = (
        a_request(world, centre, f"01234567890{n}", member=member, at=yesterday)
        for n, member in enumerate((world.ana, world.ana, world.ben))
    )
    assert workshop.fetch().status_code == 200
    story = ["accepted", "booked_in", "assessed", "no_charge", "part", "estimate"]
    counts = {kind: [asked(workshop, ticket, kind) for ticket in (warm, few, many)][1:] for kind in story}
    assert counts == {kind: [ASKED[kind]] * 2 for kind in story}
