"""Somebody comes to the counter: what they bring, what they get for it, and the job that is opened (R5, R34, R43)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lookups import LookUpView
from cps_portal.core.rest.resources import json_response
from kitbag.enums import RegistrationState
from kitbag.models import Product
from members.enums import Level
from members.forms.common import clean_line
from members.models import Member
from members.support.forms import LongText
from servicing.actions import intake
from servicing.actions.intake import MAX_SERIAL_LENGTH, LookupResult
from servicing.api.resources import NamedSerializer
from servicing.enums import (
    ServiceKind,
    TicketState,
    Track,
    Warranty,
    WhyNoWarranty,
    WhyRefused,
    WhyStandard,
)
from servicing.forms.intake import MAX_SEARCH_LENGTH
from servicing.models import ServiceCentre, Ticket
from servicing.queries.entitlement import (
    EntitlementChecker,
    Item,
    benefits_by_country,
    claims_for,
    count_places_by_member,
    find_standings,
)
from servicing.rules.entitlement import Entitlement, WarrantyClaim

FOUND, UNKNOWN, STOLEN = "found", "unknown", "stolen"
CODES = [(code, code) for code in (FOUND, UNKNOWN, STOLEN)]
WORDS = {
    FOUND: _("Open the job with the key of the product, or with that of the member for what is not in the Kitbag."),
    UNKNOWN: _(
        "No job at your centres and no Kitbag has this. If it is a serial number, look up the card or the member "
        "number of who brings it. Somebody with a card of another region is a visiting member: standard speed."
    ),
}


class LineField(serializers.CharField):
    """One line of plain text, as the forms of the pages take it."""

    def to_internal_value(self, data: Any) -> str:
        return clean_line(super().to_internal_value(data))


class WordsField(serializers.CharField):
    """Several lines of plain text."""

    def to_internal_value(self, data: Any) -> str:
        return LongText(required=False).to_python(super().to_internal_value(data))


def centre_of(partner: Partner, slug: str) -> ServiceCentre:
    """One of the partner's own: any other is as if it did not exist. Raises ValidationError."""
    row = ServiceCentre.objects.filter(partner=partner, slug=slug).first()
    if row is None:
        raise serializers.ValidationError({"centre": ["None of your centres has this name."]}, "unknown")
    return row


def product_of(slug: str) -> Product:
    row = Product.objects.filter(slug=slug).first()
    if row is None:
        raise serializers.ValidationError({"product": ["The catalogue has no such product."]}, "unknown")
    return row


# --- Looking up --------------------------------------------------------------------------------------


class IntakeCheckSerializer(StrictSerializer):
    """The centre, and exactly one of `serial`, `card` and `member_number`."""

    centre = serializers.SlugField(max_length=80, help_text="One of your centres.")
    serial = serializers.CharField(required=False, max_length=MAX_SERIAL_LENGTH, help_text="As on the product.")
    product = serializers.SlugField(required=False, max_length=120, help_text="With `serial`, if you know what it is.")
    card = serializers.CharField(
        required=False,
        max_length=MAX_SEARCH_LENGTH,
        help_text="The number on the card, or what its QR code holds: an address or its token.",
    )
    member_number = serializers.CharField(required=False, max_length=40)
    warranty = serializers.BooleanField(required=False, default=False, help_text="A warranty repair is asked for.")
    proof = serializers.BooleanField(required=False, default=False, help_text="A proof of purchase is there.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("serial", "card", "member_number") if name in attrs]
        if len(given) != 1:
            raise serializers.ValidationError("Send exactly one of serial, card and member_number.")
        if "product" in attrs and "serial" not in attrs:
            raise serializers.ValidationError({"product": ["Send this together with serial, or not at all."]})
        return attrs


class HolderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    number = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)


class MemberFoundSerializer(HolderSerializer):
    key = serializers.CharField(help_text="Opens a job for something that is not in the Kitbag. It works for a day.")


class ServiceGivenSerializer(serializers.Serializer[Any]):
    """What is given for one kind of service at this centre today, or why it is refused."""

    service = serializers.ChoiceField(choices=ServiceKind.choices)
    possible = serializers.BooleanField()
    refused = serializers.ListField(child=serializers.ChoiceField(choices=WhyRefused.choices))
    track = serializers.ChoiceField(choices=Track.choices, allow_null=True)
    target_days = serializers.IntegerField(allow_null=True, help_text="Working days of the centre (R44).")
    why_standard = serializers.ListField(child=serializers.ChoiceField(choices=WhyStandard.choices))
    fast_track_days = serializers.IntegerField(allow_null=True, help_text="The target after waiting for a place.")
    needs_choice = serializers.BooleanField(help_text="All places are taken: ask the member for the `wish`.")
    discount_percent = serializers.IntegerField()
    free_return = serializers.BooleanField()
    loan_possible = serializers.BooleanField(help_text="If the target is missed.")
    warranty = serializers.ChoiceField(choices=Warranty.choices, allow_null=True)
    why_no_warranty = serializers.ListField(child=serializers.ChoiceField(choices=WhyNoWarranty.choices))


class ProductFoundSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Opens a job for it. It works for a day.")
    product = NamedSerializer()
    serial = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=RegistrationState.choices)
    member = HolderSerializer()
    services: Any = ServiceGivenSerializer(many=True)


class JobFoundSerializer(serializers.Serializer[Any]):
    """An open ticket of one of your centres."""

    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=TicketState.choices)
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    centre = NamedSerializer()
    product = NamedSerializer()
    serial = serializers.CharField(allow_blank=True)


class IntakeAnswerSerializer(serializers.Serializer[Any]):
    """What the desk reads. If it is stopped there are `code` and `detail`, and nothing else."""

    stopped = serializers.BooleanField()
    code = serializers.ChoiceField(choices=CODES)
    detail = serializers.CharField(help_text="What to do.")
    card_stopped = serializers.BooleanField(required=False, help_text="Another card counts, or none.")
    member = MemberFoundSerializer(required=False, allow_null=True, help_text="Of the card or the number.")
    products: Any = ProductFoundSerializer(many=True, required=False)
    tickets: Any = JobFoundSerializer(many=True, required=False)
    visiting: Any = ServiceGivenSerializer(
        many=True, required=False, help_text="Nobody was found: what a visiting member gets for the `product` named."
    )


class IntakeCheckView(LookUpView):
    scope = Scope.INTAKE

    @extend_schema(
        operation_id="checkIntake",
        tags=["Intake"],
        request=IntakeCheckSerializer,
        responses={200: IntakeAnswerSerializer},
    )
    @idempotent(required=False)
    def post(self, request: Request) -> HttpResponse:
        """Look up what is brought in: who it belongs to, what they get for it, and whether it may be taken in.

        If `stopped` is true do not take it in: say only “Please contact us”, and call support now. At most 60
        products of a Kitbag are answered; look up the serial number of one that is not among them. What is not known
        is answered alike, whatever it is. A credential may look up so much a minute and no more.
        """
        form = IntakeCheckSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        centre = centre_of(self.partner, said["centre"])
        product = product_of(said["product"]) if "product" in said else None
        self.count_look_up()
        tickets = Ticket.objects.visible_to_partner(self.partner)
        if "card" in said:
            found = intake.look_up_card(said["card"], tickets)
        elif "member_number" in said:
            found = intake.look_up_member_number(said["member_number"], tickets)
        else:
            found = intake.look_up_serial(said["serial"], tickets, product)
        now = timezone.now()
        if refusal := intake.find_theft(found, at=now):
            return json_response({"stopped": True, "code": refusal.code, "detail": refusal.message})
        known = bool(found.member or found.registrations or found.tickets)
        code = FOUND if known else UNKNOWN
        return json_response(
            {
                "stopped": False,
                "code": code,
                "detail": WORDS[code],
                "card_stopped": found.is_card_revoked,
                "member": self._member(found.member),
                "products": self._products(found, centre, said, now),
                "tickets": [_job(ticket) for ticket in found.tickets],
                "visiting": _visiting(product, centre, said, now) if product and not known else [],
            }
        )

    def _member(self, member: Member | None) -> dict[str, Any] | None:
        key = {"member": member.pk, "partner": self.partner.pk} if member else {}
        return {**_holder(member), "key": intake.make_key(**key)} if member else None

    def _products(
        self, found: LookupResult, centre: ServiceCentre, said: Mapping[str, Any], at: datetime
    ) -> list[dict[str, Any]]:
        """Every product with every service, in as many queries as for one."""
        items = {row.pk: Item(row.product, registration=row) for row in found.registrations}
        members = {row.member_id: row.member for row in found.registrations}
        standings = find_standings(items.values()) if items else {}
        claims = claims_for(items.values(), wanted=said["warranty"], proof=said["proof"], at=at)
        benefits = {level: benefits_by_country(level) for level in {member.level for member in members.values()}}
        places = count_places_by_member(members.values()) if members else {}
        answers = {
            key: EntitlementChecker(member, standings=standings, benefits=benefits[member.level])
            for key, member in members.items()
        }
        return [
            {
                "key": intake.make_key(registration=row.pk, partner=self.partner.pk),
                "product": _named(row.product),
                "serial": row.serial,
                "state": row.state,
                "member": _holder(row.member),
                "services": _services(
                    answers[row.member_id], items[row.pk], centre, claims[items[row.pk]], places[row.member_id]
                ),
            }
            for row in found.registrations
        ]


def _services(
    checker: EntitlementChecker, item: Item, centre: ServiceCentre, claim: WarrantyClaim, taken: int
) -> list[dict[str, Any]]:
    return [
        _given(service, checker.check(item, centre, service, places_taken=taken, claim=claim))
        for service in ServiceKind.values
    ]


def _visiting(product: Product, centre: ServiceCentre, said: Mapping[str, Any], at: datetime) -> list[dict[str, Any]]:
    """What somebody with a card of another region gets for it (R5)."""
    item = Item(product, said["serial"])
    claims = claims_for([item], wanted=said["warranty"], proof=said["proof"], at=at)
    return _services(EntitlementChecker(None), item, centre, claims[item], 0)


def _holder(member: Member) -> dict[str, Any]:
    return {"name": member.full_name, "number": member.number, "level": member.level}


def _named(row: Product | ServiceCentre) -> dict[str, str]:
    return {"slug": row.slug, "name": row.name}


def _job(ticket: Ticket) -> dict[str, Any]:
    return {
        "reference": ticket.reference,
        "state": ticket.state,
        "service": ticket.service,
        "centre": _named(ticket.centre),
        "product": _named(ticket.product),
        "serial": ticket.serial,
    }


def _given(service: str, given: Entitlement) -> dict[str, Any]:
    return {
        "service": service,
        "possible": given.possible,
        "refused": given.refused,
        "track": given.track,
        "target_days": given.target_days,
        "why_standard": given.why_standard,
        "fast_track_days": given.fast_track_days,
        "needs_choice": given.needs_choice,
        "discount_percent": given.discount,
        "free_return": given.free_return,
        "loan_possible": given.courtesy_loan,
        "warranty": given.warranty,
        "why_no_warranty": given.why_no_warranty,
    }
