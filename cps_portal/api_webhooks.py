"""The webhooks in the OpenAPI document: the payload of every event, as its renderer makes it (R38, R55).

`tests/api/test_webhook_contract.py` renders each event and compares.
"""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiWebhook, extend_schema, inline_serializer
from rest_framework import serializers

from kitbag.api.sales import STATES
from members.enums import Level
from servicing.api.shipping import AddressSerializer
from servicing.enums import EventKind, ServiceKind, TicketState, Track


class JobInWebhookSerializer(serializers.Serializer[Any]):
    """The ticket as it was when this was sent."""

    reference = serializers.CharField()
    centre = serializers.CharField(help_text="Its slug.")
    product = serializers.CharField(help_text="Its slug.")
    serial = serializers.CharField(allow_blank=True)
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    state = serializers.ChoiceField(choices=TicketState.choices)
    track = serializers.ChoiceField(choices=Track.choices)
    due_at = serializers.DateTimeField(allow_null=True)
    paused = serializers.BooleanField()
    changed_at = serializers.DateTimeField()


class EventInWebhookSerializer(serializers.Serializer[Any]):
    """One event (R52)."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=EventKind.choices)
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    external_id = serializers.CharField(allow_null=True)
    by = serializers.ChoiceField(choices=["partner", "person", "portal"])


class TicketEventDataSerializer(serializers.Serializer[Any]):
    ticket = JobInWebhookSerializer()
    event = EventInWebhookSerializer()


class MessageInWebhookSerializer(serializers.Serializer[Any]):
    """Read the text with `listMessages`."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()


class TicketMessageDataSerializer(serializers.Serializer[Any]):
    ticket = JobInWebhookSerializer()
    message = MessageInWebhookSerializer()


class SaleDataSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    external_id = serializers.CharField()
    product = serializers.CharField(help_text="Its slug.")
    serial = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)


class PackCancelledDataSerializer(serializers.Serializer[Any]):
    reference = serializers.CharField()
    sending = serializers.IntegerField()
    key = serializers.CharField(help_text="One key, one parcel.")


class MemberInWebhookSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    name = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)


class CardInWebhookSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    url = serializers.CharField(help_text="For the QR code.")


class PackRequestedDataSerializer(PackCancelledDataSerializer):
    asked_at = serializers.DateTimeField()
    language = serializers.CharField()
    contents = serializers.ListField(child=serializers.CharField())
    member = MemberInWebhookSerializer()
    card: Any = CardInWebhookSerializer(allow_null=True)
    address = AddressSerializer()


class CardRequestedDataSerializer(serializers.Serializer[Any]):
    reference = serializers.CharField()
    key = serializers.CharField(help_text="One key, one letter.")
    asked_at = serializers.DateTimeField()
    language = serializers.CharField()
    member = MemberInWebhookSerializer()
    card = CardInWebhookSerializer()
    address = AddressSerializer()


class EndpointTestDataSerializer(serializers.Serializer[Any]):
    endpoint = serializers.IntegerField()


TEXT = {"type": "string"}
HEADERS = {
    "webhook-id": "Identifies the message: the same on every attempt.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970. Refuse it after five minutes.",
    "webhook-signature": "`v1,` and the signature, once for each live secret, separated by blanks. One has to match.",
}
RESPONSES = {
    "2XX": {"description": "You have it. Answer quickly, and do the work afterwards."},
    "410": {"description": "You do not want webhooks at this address any more. The endpoint is suspended."},
    "429": {"description": "Too many at once. We wait as long as `Retry-After` says, a day at most."},
    "default": {"description": "Anything else: we try again, later and later, until you have it."},
}


def _event(type: str, data: serializers.Serializer[Any], description: str) -> OpenApiWebhook:  # noqa: A002
    """A webhook whose body has the fields that all have in common, and this `data`."""
    name = "".join(part.capitalize() for part in type.replace("_", ".").split("."))
    body = inline_serializer(
        f"{name}Webhook",
        {
            "id": serializers.CharField(
                required=False, help_text="The webhook-id: the same on every attempt. From version 2 on."
            ),
            "type": serializers.CharField(),
            "version": serializers.IntegerField(required=False, help_text="From version 2 on."),
            "occurred_at": serializers.DateTimeField(
                required=False, help_text="When it happened, which may have been earlier. From version 2 on."
            ),
            "timestamp": serializers.DateTimeField(help_text="When we recorded it."),
            "subject": serializers.CharField(help_text="What it is about: the ordering key."),
            "sequence": serializers.IntegerField(
                help_text="Increases within a subject. Drop a message that is older than the last one you processed."
            ),
            "object": serializers.URLField(
                required=False, help_text="Where to read what it is about, as it is now. From version 2 on."
            ),
            "data": data,
        },
    )
    summary = str(settings.WEBHOOK_TYPES[type])
    return OpenApiWebhook(
        type,
        extend_schema(
            operation_id=f"on{name}",
            tags=["Events"],
            summary=summary,
            description=description,
            request={"application/json": body},
            responses={200: None},
        ),
    )


TICKET_OPENED = _event("ticket.opened", TicketEventDataSerializer(), "A customer has asked one of your centres for it.")
TICKET_EVENT = _event("ticket.event", TicketEventDataSerializer(), "Every event of a ticket, also those you report.")
TICKET_MESSAGE = _event(
    "ticket.message", TicketMessageDataSerializer(), "The customer has written. Read the text with `listMessages`."
)
SALE_MATCHED = _event("sale.matched", SaleDataSerializer(), "The buyer's registration counts because of your sale.")
SALE_WITHDRAWN = _event("sale.withdrawn", SaleDataSerializer(), "You have withdrawn a sale.")
PACK_REQUESTED = _event(
    "welcome_pack.requested", PackRequestedDataSerializer(), "Everything that is needed to post the pack."
)
PACK_CANCELLED = _event("welcome_pack.cancelled", PackCancelledDataSerializer(), "Do not post this sending any more.")
CARD_REQUESTED = _event(
    "membership_card.requested", CardRequestedDataSerializer(), "Everything that is needed to print and post the card."
)
ENDPOINT_TEST = _event("endpoint.test", EndpointTestDataSerializer(), "You asked for it: `pingWebhookEndpoint`.")


def complete_webhooks(result: Any, generator: Any, request: Any, public: bool) -> Any:  # noqa: FBT001
    """Hook of drf-spectacular: what it does not take for webhooks: their headers, responses and exact type."""
    for name, item in result["webhooks"].items():
        operation = item["post"]
        operation["parameters"] = [
            {"name": header, "in": "header", "required": True, "schema": TEXT, "description": description}
            for header, description in HEADERS.items()
        ]
        operation["responses"] = RESPONSES
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        body = result["components"]["schemas"][reference.rpartition("/")[2]]
        about = {field: schema for field, schema in body["properties"].items() if field not in ("type", "data")}
        body["required"].remove("data")  # a thin one has none
        exact = {"const": name, "type": "string"}
        body["properties"] = {"type": exact, **about, "data": body["properties"]["data"]}
    return result
