"""Open a job at the counter for a member or a visiting member (R5, R43, R52)."""

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
from cps_portal.core.rest.fields import LineField, MultiLineField, StrictSerializer
from cps_portal.core.rest.resources import dumps, etag_of, json_response
from kitbag.presenters.texts import SERIAL_SENTENCES
from kitbag.rules import look_up_problem
from servicing.actions import intake, service_requests
from servicing.actions.events import Actor
from servicing.actions.service_requests import MAX_FAULT_LENGTH
from servicing.api.intake import get_centre, get_product
from servicing.api.resources import TICKET
from servicing.enums import PlaceWish, ServiceKind
from servicing.forms.ticket_steps import MAX_ACCESSORIES_LENGTH, MAX_CONDITION_LENGTH
from servicing.models import Ticket
from servicing.queries.entitlement import Item

MAX_KEY_LENGTH = 300
KEY_NOT_VALID = _("This key has expired or is not one of yours. Look it up again.")


class JobSerializer(StrictSerializer):
    """The job to open."""

    centre = serializers.SlugField(max_length=80, help_text="One of your centres.")
    product = serializers.SlugField(required=False, max_length=120, help_text="A product of the catalogue.")
    serial = LineField(required=False, allow_blank=True, default="", max_length=intake.MAX_SERIAL_LENGTH)
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    fault = MultiLineField(
        required=False, allow_blank=True, default="", max_length=MAX_FAULT_LENGTH, help_text="Required for a repair."
    )
    condition = MultiLineField(required=False, allow_blank=True, default="", max_length=MAX_CONDITION_LENGTH)
    accessories = LineField(
        required=False, allow_blank=True, default="", max_length=MAX_ACCESSORIES_LENGTH, help_text="What came with it."
    )
    book_in = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Book it in at once, so that its clock starts. A job that has to wait for a place is only opened.",
    )

    def validate_serial(self, value: str) -> str:
        if value and (problem := look_up_problem(value)):
            raise serializers.ValidationError(str(SERIAL_SENTENCES[problem]), f"serial_{problem}")
        return value


class TicketOpeningSerializer(JobSerializer):
    """`key` identifies a registered product or a member. With a member's key, name the product too."""

    key = serializers.CharField(
        max_length=MAX_KEY_LENGTH, help_text="The key of a product or member, from `checkIntake`."
    )
    warranty = serializers.BooleanField(
        required=False, default=False, help_text="The customer wants a warranty repair."
    )
    wish = serializers.ChoiceField(
        choices=PlaceWish.choices,
        required=False,
        allow_null=True,
        default=None,
        help_text="If all three places are taken: what the member wants.",
    )


def open_ticket(request: Request, partner: Partner) -> HttpResponse:
    """Open a job for a registered product, or for another product that a member brings."""
    form = TicketOpeningSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    payload = form.validated_data
    centre = get_centre(partner, payload["centre"])
    key = intake.read_key(payload["key"])
    registration, member = intake.resolve_key(key) if key.get("partner") == partner.pk else (None, None)
    if member is None:
        raise Refusal("key", KEY_NOT_VALID, "key")
    if registration is None:
        item = item_from_payload(payload)
    elif "product" in payload or payload["serial"]:
        message = "The key names the product: leave product and serial out, or use the key of the member."
        raise serializers.ValidationError({"product": [message]})
    else:
        item = Item(registration.product, registration=registration)
    wish = PlaceWish(payload["wish"]) if payload["wish"] else None

    def act(requested: service_requests.RequestedItem, actor: Actor, at: datetime) -> Ticket:
        return service_requests.open_at_counter(centre=centre, item=requested, actor=actor, at=at, member=member)

    return open_and_respond(partner, payload, item, act, warranty=payload["warranty"], wish=wish)


def item_from_payload(payload: Mapping[str, Any]) -> Item:
    """The product named in the request. Raises ValidationError."""
    if "product" not in payload:
        raise serializers.ValidationError({"product": ["Say which product it is."]}, "required")
    return Item(get_product(payload["product"]), payload["serial"])


def open_and_respond(
    partner: Partner,
    payload: Mapping[str, Any],
    item: Item,
    act: Callable[[service_requests.RequestedItem, Actor, datetime], Ticket],
    *,
    warnings: list[dict[str, str]] | None = None,
    **more: Any,
) -> HttpResponse:
    """Open the ticket with `act` and return it as the response, with `warnings` if there can be any. Raises Refusal.

    A stolen product is answered, not raised, because an exception would roll back its sighting (R34).
    """
    at, actor = timezone.now(), Actor(partner=partner)
    try:
        intake.require_item_not_stolen(item, at=at)
    except Refusal as refusal:
        return problem(409, refusal.code, str(refusal))
    requested = service_requests.RequestedItem(
        item,
        ServiceKind(payload["service"]),
        fault=payload["fault"],
        condition=payload["condition"],
        accessories=payload["accessories"],
        **more,
    )
    try:
        ticket = act(requested, actor, at)
    except Refusal as refusal:
        field = refusal.field.removeprefix("item").removeprefix(".")
        raise Refusal(refusal.code, refusal.message, field) from None
    if payload["book_in"]:
        intake.book_in_if_possible(ticket, actor=actor, at=at)
    rendered = TICKET.get(Ticket.objects.filter(pk=ticket.pk))
    headers = {"Location": reverse("api-ticket", args=[ticket.reference]), "ETag": etag_of(dumps(rendered))}
    told = rendered if warnings is None else {**(rendered or {}), "warnings": warnings}
    return json_response(told, status=201, headers=headers)
