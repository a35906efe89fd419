"""What webhooks send is what the contract says: each event is rendered as it is sent and compared (R38, R55)."""

from datetime import timedelta
from typing import Any

import jsonschema_rs
import orjson
from django.conf import settings
from django.utils import timezone

from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.senders import body_of
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.actions.pack_requests import send_cancellation
from members.offers.enums import CardEnd
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from tests.api.committed import read_contract
from tests.api.machines import machine
from tests.api.test_sales import matched, sale, waiting
from tests.offers.packing import add_partner, asked
from tests.servicing.jobs import a_centre, at_the_centre
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


def test_every_event_is_sent_as_the_contract_says(world: World) -> None:
    everything_happens(world)
    sent = [orjson.loads(body_of(message)) for message in Message.objects.filter(kind=Kind.WEBHOOK).order_by("pk")]
    assert {one["type"] for one in sent} == set(settings.WEBHOOK_TYPES)
    components = _complete(CONTRACT["components"])
    for one in sent:
        schema = {**schema_of(one["type"]), "components": components}
        jsonschema_rs.validator_for(schema).validate(one)
