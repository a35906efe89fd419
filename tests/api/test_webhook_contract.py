"""What webhooks send is what the contract says: each event is rendered as it is sent and compared (R38, R55)."""

from datetime import datetime, timedelta
from typing import Any

import jsonschema_rs
import orjson
from django.conf import settings
from django.utils import timezone

from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import WebhookEndpoint
from cps_portal.core.partners.senders import body_of
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.actions.pack_requests import send_cancellation
from members.offers.enums import CardEnd
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.enums import EventKind
from tests.api.committed import read_contract
from tests.api.machines import machine, machine_of
from tests.api.test_sales import matched, sale, waiting
from tests.offers.packing import add_partner, asked
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

CONTRACT = read_contract()
NOW = timezone.now()


def schema_of(type: str) -> Any:  # noqa: A002
    return CONTRACT["webhooks"][type]["post"]["requestBody"]["content"]["application/json"]["schema"]


def _complete(schema: Any) -> Any:
    """The same schemas, with no field that is not named in them."""
    if isinstance(schema, dict):
        closed = {name: _complete(inner) for name, inner in schema.items()}
        return {**closed, "additionalProperties": False} if "properties" in schema else closed
    return [_complete(inner) for inner in schema] if isinstance(schema, list) else schema


def test_the_contract_has_every_event() -> None:
    assert set(CONTRACT["webhooks"]) == set(settings.WEBHOOK_TYPES)


def everything_happens(world: World) -> None:
    """A job with a message, a sale that is matched and withdrawn, a pack, a card, a test: for partners of each kind."""
    workshop = machine()
    hook, _secret = partners.add_endpoint(
        partner=workshop.partner, url="https://workshop.example.org/", by=None, at=NOW
    )
    ticket = at_the_centre(world, a_centre(partner=workshop.partner), "012345678977", at=NOW - timedelta(hours=3))
    write_message(ticket=ticket, text="Is it ready?", actor=Actor(user=world.ana.user), at=NOW)
    partners.ping_endpoint(endpoint=hook, by=None, at=NOW)
    till = machine("shop", PartnerKind.RETAILER)
    partners.add_endpoint(partner=till.partner, url="https://shop.example.org/", by=None, at=NOW)
    row = waiting(world)
    key = till.post("sales", sale(world)).json()["id"]
    matched(row, key)
    till.post(f"sales/{key}/withdraw", {"why": "returned"})
    add_partner()
    pack = asked(world.ana, NOW)
    send_cancellation(pack=pack, at=NOW)
    card = get_or_issue_card(member=world.ana, at=NOW)
    replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=NOW, post=True)


def bodies(version: int, payload: str) -> list[tuple[WebhookEndpoint, Any]]:
    """What is sent to each endpoint, if it wants this version and payload."""
    WebhookEndpoint.objects.update(version=version, payload=payload)
    messages = Message.objects.filter(kind=Kind.WEBHOOK).order_by("pk")
    receivers = [(message, partners.endpoint_of(message)) for message in messages]
    return [(hook, orjson.loads(body_of(message, hook))) for message, hook in receivers if hook]


WANTED = {"before": (1, "full"), "full": (2, "full"), "thin": (2, "thin")}


@each_row("wanted", WANTED)
def test_every_event_is_sent_as_the_contract_says(world: World, wanted: str) -> None:
    everything_happens(world)
    sent = [body for _hook, body in bodies(*WANTED[wanted])]
    assert {one["type"] for one in sent} == set(settings.WEBHOOK_TYPES)
    components = _complete(CONTRACT["components"])
    assert {("data" in one, "object" in one) for one in sent} == {(wanted != "thin", wanted != "before")}
    for one in sent:
        schema = {**schema_of(one["type"]), "components": components}
        jsonschema_rs.validator_for(schema).validate(one)


def test_what_a_thin_event_leaves_out_is_read_at_its_address(world: World) -> None:
    everything_happens(world)
    for hook, body in bodies(2, "thin"):
        assert set(body) == {"id", "type", "version", "occurred_at", "timestamp", "subject", "sequence", "object"}
        reader = machine_of(hook.partner)
        path = body["object"].removeprefix(f"{settings.SITE_URL}/api/v1/")
        assert reader.get(path).status_code == 200, body


def test_a_late_report_says_when_it_happened(world: World) -> None:
    workshop = machine()
    partners.add_endpoint(partner=workshop.partner, url="https://workshop.example.org/", by=None, at=NOW)
    happened = NOW - timedelta(hours=2)
    ticket = a_request(world, a_centre(partner=workshop.partner), at=NOW - timedelta(hours=3))
    record_event(
        ticket=ticket, kind=EventKind.ACCEPTED, actor=Actor(partner=workshop.partner), at=NOW, occurred_at=happened
    )
    (body,) = [body for _hook, body in bodies(2, "full") if body["type"] == "ticket.event"]
    assert [datetime.fromisoformat(body[name]) for name in ("occurred_at", "timestamp")] == [happened, NOW]
