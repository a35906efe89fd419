"""The API representation of tickets and their events."""

from typing import Any

from rest_framework import serializers

from cps_portal.core.lib.written_names import full_name
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed
from members.enums import Level
from servicing.enums import (
    REPORTED_KINDS,
    Charge,
    EventKind,
    ServiceKind,
    TicketState,
    Track,
    Travel,
    WaitingFor,
    Warranty,
    WhyNoWarranty,
    WhyStandard,
    Writer,
)
from servicing.rules import next_moves

REPORTED_KIND_CHOICES = [(kind.value, kind.label) for kind in REPORTED_KINDS]
CUSTOMER_KIND_CHOICES = [("member", "member"), ("visiting", "visiting")]
# What `recordTicketEvent` takes, by the state, what is settled about who pays, and whether it is the same fault again.
MOVES = {
    (state.value, charge.value, follows): [
        kind.value for kind in next_moves(state, charge, follows=follows) if kind in REPORTED_KINDS
    ]
    for state in TicketState
    for charge in Charge
    for follows in (True, False)
}


def possible_moves(state: str, charge: str, follows: int | None) -> list[str]:
    return MOVES[state, charge, follows is not None]


class NamedSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class CustomerSerializer(serializers.Serializer[Any]):
    """The customer: a member, or a visiting member from another world region (R5)."""

    kind = serializers.ChoiceField(choices=CUSTOMER_KIND_CHOICES)
    name = serializers.CharField(allow_blank=True)
    number = serializers.CharField(allow_blank=True, help_text="The member number, or the number on the foreign card.")
    language = serializers.CharField()


class ParcelSerializer(serializers.Serializer[Any]):
    """The parcel to the centre. It can hold the products of several tickets."""

    reference = serializers.CharField()
    travel = serializers.ChoiceField(choices=Travel.choices)
    collect_on = serializers.DateField(allow_null=True)


class TicketSerializer(SparseSerializer):
    """One product at one centre. The fields from `due_at` on are calculated from the events (R47)."""

    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=TicketState.choices)
    moves = serializers.ListField(
        child=serializers.CharField(), help_text="The kinds of events that `recordTicketEvent` takes now (R52)."
    )
    follows = serializers.CharField(
        source="follows.reference",
        allow_null=True,
        help_text="The job after which the same fault came back: covered by it, and first in the queue (R63).",
    )
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    centre = NamedSerializer()
    product = NamedSerializer()
    serial = serializers.CharField(allow_blank=True)
    customer = CustomerSerializer()
    level = serializers.ChoiceField(choices=Level.choices, allow_blank=True, help_text="At intake (R50).")
    track = serializers.ChoiceField(choices=Track.choices)
    why_standard = serializers.ListField(child=serializers.ChoiceField(choices=WhyStandard.choices))
    target_days = serializers.IntegerField(help_text="Working days of the centre (R44).")
    discount_percent = serializers.IntegerField(source="discount")
    free_return = serializers.BooleanField()
    loan_possible = serializers.BooleanField()
    loan_wanted = serializers.BooleanField(help_text="The customer asked for a loan in case it is late.")
    loan_out = serializers.BooleanField(help_text="The customer has a loan that is not back (R53).")
    charge = serializers.ChoiceField(
        choices=Charge.choices,
        help_text="Chargeable work starts once this is `warranty`, `no_charge` or `approved` (R62).",
    )
    warranty_asked = serializers.BooleanField()
    warranty = serializers.ChoiceField(choices=Warranty.choices)
    purchased_on = serializers.DateField(
        source="registration.purchased_on", allow_null=True, help_text="As registered; null if it is in no Kitbag."
    )
    warranty_months = serializers.IntegerField(
        allow_null=True, help_text="By kind of product and country of purchase, if warranty is asked for (R60)."
    )
    warranty_until = serializers.DateField(
        allow_null=True, help_text="Its last day. After it you may refuse with `expired`: you decide, nobody else does."
    )
    why_no_warranty = serializers.ChoiceField(choices=WhyNoWarranty.choices, allow_blank=True)
    fault = serializers.CharField(allow_blank=True)
    condition = serializers.CharField(allow_blank=True)
    accessories = serializers.CharField(allow_blank=True)
    parcel = ParcelSerializer()
    opened_at = serializers.DateTimeField()
    booked_in_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    paused = serializers.BooleanField(help_text="The clock is paused until the member answers.")
    part_expected_on = serializers.DateField(source="expected_on", allow_null=True)
    missed_at = serializers.DateTimeField(allow_null=True)
    ready_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField()
    last_message_at = serializers.DateTimeField(allow_null=True)
    last_message_by = serializers.ChoiceField(choices=Writer.choices, allow_blank=True)
    unread_since = serializers.DateTimeField(
        allow_null=True,
        help_text="The oldest message of the customer that you have neither answered nor marked as read.",
    )
    waiting_for = serializers.ChoiceField(
        choices=WaitingFor.choices, help_text="Whose turn it is: `centre` while `unread_since` is set (R73)."
    )


def _customer(  # noqa: PLR0917
    first: str | None,
    last: str | None,
    country: str,
    number: str,
    language: str,
    visitor_name: str | None,
    card_number: str,
    visitor_language: str,
) -> dict[str, str]:
    if first is None:
        return {
            "kind": "visiting",
            "name": visitor_name or "",
            "number": card_number or "",
            "language": visitor_language or "en",
        }
    return {"kind": "member", "name": full_name(first, last or "", country), "number": number, "language": language}


TICKET = Resource(
    TicketSerializer,
    moves=computed("state", "charge", "follows_id", make=possible_moves),
    customer=computed(
        "member__first_name",
        "member__last_name",
        "member__country",
        "member__number",
        "member__language",
        "visitor__name",
        "visitor__card_number",
        "visitor__language",
        make=_customer,
    ),
)


class EventSerializer(SparseSerializer):
    """One event (R52): when it happened at the centre, and when we received it."""

    id = serializers.IntegerField(source="pk", help_text="Ascending: the event received last has the highest.")
    kind = serializers.ChoiceField(choices=EventKind.choices)
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    external_id = serializers.CharField(allow_null=True)
    by = serializers.ChoiceField(choices=["partner", "person", "portal"])


def _by(person: int | None, partner: int | None) -> str:
    return "partner" if partner else "person" if person else "portal"


EVENT = Resource(EventSerializer, by=computed("by_id", "partner_id", make=_by))
