"""A job opened at the counter, of a member or of somebody with a card of another region (R5, R43, R52)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.errors import problem
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.resources import dumps, etag_of, json_response
from kitbag.rules import serial_key
from servicing.actions import intake, service_requests
from servicing.actions.events import Actor
from servicing.actions.service_requests import MAX_FAULT_LENGTH
from servicing.api.intake import LineField, WordsField, centre_of, product_of
from servicing.api.resources import TICKET
from servicing.enums import PlaceWish, ServiceKind
from servicing.forms.ticket_steps import MAX_ACCESSORIES_LENGTH, MAX_CONDITION_LENGTH
from servicing.models import Ticket
from servicing.queries.entitlement import Item

MAX_KEY_LENGTH = 300
TOO_OLD = _("This key is too old, or is none of yours. Look it up again.")


class JobSerializer(StrictSerializer):
    """What is to be done with it."""

    centre = serializers.SlugField(max_length=80, help_text="One of your centres.")
    product = serializers.SlugField(required=False, max_length=120, help_text="Of the catalogue.")
    serial = LineField(required=False, allow_blank=True, default="", max_length=intake.MAX_SERIAL_LENGTH)
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    fault = WordsField(
        required=False, allow_blank=True, default="", max_length=MAX_FAULT_LENGTH, help_text="A repair needs it."
    )
    condition = WordsField(required=False, allow_blank=True, default="", max_length=MAX_CONDITION_LENGTH)
    accessories = LineField(
        required=False, allow_blank=True, default="", max_length=MAX_ACCESSORIES_LENGTH, help_text="What came with it."
    )
    book_in = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Book it in at once, so that its clock starts. One that has to wait for a place is only opened.",
    )

    def validate_serial(self, value: str) -> str:
        if value and not serial_key(value):
            raise serializers.ValidationError("A serial number has digits and letters. Send it as printed.")
        return value


class TicketOpeningSerializer(JobSerializer):
    """`key` names the product, or the member: then say which `product` it is, and its serial number."""

    key = serializers.CharField(
        max_length=MAX_KEY_LENGTH, help_text="Of a product or of the member, from `checkIntake`."
    )
    warranty = serializers.BooleanField(required=False, default=False, help_text="A warranty repair is asked for.")
    wish = serializers.ChoiceField(
        choices=PlaceWish.choices,
        required=False,
        allow_null=True,
        default=None,
        help_text="If all three places are taken: what the member wants.",
    )


def open_ticket(request: Request, partner: Partner) -> HttpResponse:
    """Open a job for something of a Kitbag, or for something else that a member brings."""
    form = TicketOpeningSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    said = form.validated_data
    centre = centre_of(partner, said["centre"])
    named = intake.read_key(said["key"])
    row, member = intake.resolve_key(named) if named.get("partner") == partner.pk else (None, None)
    if member is None:
        raise Refusal("key", TOO_OLD, "key")
    if row is None:
        item = item_of(said)
    elif "product" in said or said["serial"]:
        words = "The key names the product: leave product and serial out, or use the key of the member."
        raise serializers.ValidationError({"product": [words]})
    else:
        item = Item(row.product, registration=row)
    wish = PlaceWish(said["wish"]) if said["wish"] else None

    def act(wanted: service_requests.RequestedItem, actor: Actor, at: datetime) -> Ticket:
        return service_requests.open_at_counter(centre=centre, item=wanted, actor=actor, at=at, member=member)

    return opened(partner, said, item, act, warranty=said["warranty"], wish=wish)


def item_of(said: Mapping[str, Any]) -> Item:
    """Raises ValidationError."""
    if "product" not in said:
        raise serializers.ValidationError({"product": ["Say which product it is."]}, "required")
    return Item(product_of(said["product"]), said["serial"])


def opened(
    partner: Partner,
    said: Mapping[str, Any],
    item: Item,
    act: Callable[[service_requests.RequestedItem, Actor, datetime], Ticket],
    **more: Any,
) -> HttpResponse:
    """The ticket, or why not. Stolen kit is answered, not raised: with an exception its sighting were undone (R34)."""
    at, actor = timezone.now(), Actor(partner=partner)
    try:
        intake.require_item_not_stolen(item, at=at)
    except Refusal as refusal:
        return problem(409, refusal.code, str(refusal))
    wanted = service_requests.RequestedItem(
        item,
        ServiceKind(said["service"]),
        fault=said["fault"],
        condition=said["condition"],
        accessories=said["accessories"],
        **more,
    )
    try:
        ticket = act(wanted, actor, at)
    except Refusal as refusal:
        field = refusal.field.removeprefix("item").removeprefix(".")
        raise Refusal(refusal.code, refusal.message, field) from None
    if said["book_in"]:
        intake.book_in_if_possible(ticket, actor=actor, at=at)
    found = TICKET.get(Ticket.objects.filter(pk=ticket.pk))
    headers = {"Location": reverse("api-ticket", args=[ticket.reference]), "ETag": etag_of(dumps(found))}
    return json_response(found, status=201, headers=headers)
