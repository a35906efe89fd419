"""Look up what a customer brings to the counter, and what the member is entitled to (R5, R34, R43)."""

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
from cps_portal.core.rest.schema import WarningSerializer, described
from kitbag.actions.serials import check_product_serial
from kitbag.enums import RegistrationState
from kitbag.models import Product
from kitbag.presenters.serial_warnings import serial_warning
from members.enums import Level
from members.models import Member
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
from servicing.presenters.intake import problem_sentence
from servicing.queries.entitlement import (
    EntitlementChecker,
    Item,
    claims_for,
    count_places_by_member,
    country_facts,
    find_standings,
)
from servicing.queries.history import PastJob, histories_of, serial_of
from servicing.rules.entitlement import Entitlement, WarrantyClaim

FOUND, UNKNOWN, UNREADABLE, STOLEN = "found", "unknown", "unreadable", "stolen"
READ_AS, READ_AS_DETAIL = (
    "serial_read_as",
    _("We read letters as the digits that they look like: %(number)s. Compare it with the product."),
)
CODE_CHOICES = [(code, code) for code in (FOUND, UNKNOWN, UNREADABLE, STOLEN)]
CODE_DETAILS = {
    FOUND: _("Open the job with the key of the product, or with the member's key if it is not in the Kitbag."),
    UNKNOWN: _(
        "Not found in your jobs or in any Kitbag. If it is a serial number, look up the customer's card or member "
        "number. A customer with a card from another region is a visiting member and gets standard speed."
    ),
}


def get_centre(partner: Partner, slug: str) -> ServiceCentre:
    """The partner's centre with this slug. Raises ValidationError if it does not exist or is another partner's."""
    centre = ServiceCentre.objects.filter(partner=partner, slug=slug).first()
    if centre is None:
        raise serializers.ValidationError({"centre": ["None of your centres has this name."]}, "unknown")
    return centre


def get_product(slug: str) -> Product:
    product = Product.objects.filter(slug=slug).first()
    if product is None:
        raise serializers.ValidationError({"product": ["The catalogue has no such product."]}, "unknown")
    return product


# --- Looking up --------------------------------------------------------------------------------------


class IntakeCheckSerializer(StrictSerializer):
    """The centre, and exactly one of `serial`, `card` and `member_number`."""

    centre = serializers.SlugField(max_length=80, help_text="One of your centres.")
    serial = serializers.CharField(required=False, max_length=MAX_SERIAL_LENGTH, help_text="As printed on the product.")
    product = serializers.SlugField(required=False, max_length=120, help_text="With `serial`, if you know what it is.")
    card = serializers.CharField(
        required=False,
        max_length=MAX_SEARCH_LENGTH,
        help_text="The number on the card, or the content of its QR code (an address or a token).",
    )
    member_number = serializers.CharField(required=False, max_length=40)
    warranty = serializers.BooleanField(
        required=False, default=False, help_text="The customer wants a warranty repair."
    )
    proof = serializers.BooleanField(required=False, default=False, help_text="The customer has a proof of purchase.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        identifiers = [name for name in ("serial", "card", "member_number") if name in attrs]
        if len(identifiers) != 1:
            raise serializers.ValidationError("Send exactly one of serial, card and member_number.")
        if "product" in attrs and "serial" not in attrs:
            raise serializers.ValidationError({"product": ["Send this together with serial, or not at all."]})
        return attrs


class HolderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    number = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)


class MemberFoundSerializer(HolderSerializer):
    key = serializers.CharField(help_text="Opens a job for a product that is not in the Kitbag. Valid for one day.")


class ServiceGivenSerializer(serializers.Serializer[Any]):
    """What the customer gets for one kind of service at this centre today, or why it is refused."""

    service = serializers.ChoiceField(choices=ServiceKind.choices)
    possible = serializers.BooleanField()
    refused = serializers.ListField(child=serializers.ChoiceField(choices=WhyRefused.choices))
    track = serializers.ChoiceField(choices=Track.choices, allow_null=True)
    target_days = serializers.IntegerField(allow_null=True, help_text="Working days of the centre (R44).")
    why_standard = serializers.ListField(child=serializers.ChoiceField(choices=WhyStandard.choices))
    fast_track_days = serializers.IntegerField(allow_null=True, help_text="The target once a place is free.")
    needs_choice = serializers.BooleanField(help_text="All places are taken: ask the member for the `wish`.")
    discount_percent = serializers.IntegerField()
    free_return = serializers.BooleanField()
    loan_possible = serializers.BooleanField(help_text="If the target is missed.")
    warranty = serializers.ChoiceField(choices=Warranty.choices, allow_null=True)
    why_no_warranty = serializers.ListField(child=serializers.ChoiceField(choices=WhyNoWarranty.choices))


class PastJobSerializer(serializers.Serializer[Any]):
    """A job that was done on a product before, at whatever centre and for whatever owner (R64)."""

    centre = serializers.CharField()
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    booked_in_on = serializers.DateField(allow_null=True)
    ready_on = serializers.DateField()
    done = serializers.CharField(allow_blank=True, help_text="From its service report.")
    covered_until = serializers.DateField(allow_null=True, help_text="The same fault costs nothing until then (R63).")


class ProductFoundSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Opens a job for this product. Valid for one day.")
    product = NamedSerializer()
    serial = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=RegistrationState.choices)
    member = HolderSerializer()
    services: Any = ServiceGivenSerializer(many=True)
    history: Any = PastJobSerializer(many=True, help_text="The latest first, also under earlier serial numbers.")


class JobFoundSerializer(serializers.Serializer[Any]):
    """An open ticket of one of your centres."""

    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=TicketState.choices)
    service = serializers.ChoiceField(choices=ServiceKind.choices)
    centre = NamedSerializer()
    product = NamedSerializer()
    serial = serializers.CharField(allow_blank=True)


class IntakeAnswerSerializer(serializers.Serializer[Any]):
    """The result of the look-up. If `stopped` is true it has only `code` and `detail` besides."""

    stopped = serializers.BooleanField()
    code = serializers.ChoiceField(choices=CODE_CHOICES)
    detail = serializers.CharField(help_text="What to do.")
    card_stopped = serializers.BooleanField(required=False, help_text="This card was stopped or replaced.")
    member = MemberFoundSerializer(required=False, allow_null=True, help_text="The member with this card or number.")
    products: Any = ProductFoundSerializer(many=True, required=False)
    tickets: Any = JobFoundSerializer(many=True, required=False)
    warnings: Any = WarningSerializer(
        many=True,
        required=False,
        help_text="Compare the number with the product: `serial_read_as` if letters were read as the digits that they "
        "look like, `serial_shape` and others if it is no usual number of `product`.",
    )
    replaced = serializers.BooleanField(
        required=False, help_text="A centre has replaced this serial number: the product is found by its new one (R64)."
    )
    visiting: Any = ServiceGivenSerializer(
        many=True, required=False, help_text="If nothing was found: what a visiting member gets for `product`."
    )


class IntakeCheckView(LookUpView):
    scope = Scope.INTAKE

    @extend_schema(
        operation_id="checkIntake",
        tags=["Intake"],
        request=IntakeCheckSerializer,
        responses={200: described(IntakeAnswerSerializer, "What was found, or `stopped`.")},
    )
    @idempotent(required=False)
    def post(self, request: Request) -> HttpResponse:
        """Look up a product or customer: who owns it, what they are entitled to, and whether you may take it in.

        If `stopped` is true do not take it in: say only “Please contact us”, and call support now. The answer has at
        most 60 products of a Kitbag; look up any other one by its serial number. The answer is the same for
        everything that is not known. The code `unreadable` means that it was not looked up, because it cannot be a
        serial number, a card or a member number; `detail` tells why. Look-ups are limited per credential and minute.
        """
        form = IntakeCheckSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        payload = form.validated_data
        centre = get_centre(self.partner, payload["centre"])
        product = get_product(payload["product"]) if "product" in payload else None
        self.count_look_up()
        tickets = Ticket.objects.visible_to_partner(self.partner)
        if "card" in payload:
            result = intake.look_up_card(payload["card"], tickets)
        elif "member_number" in payload:
            result = intake.look_up_member_number(payload["member_number"], tickets)
        else:
            result = intake.look_up_serial(payload["serial"], tickets, product)
        now = timezone.now()
        if refusal := intake.find_theft(result, at=now):
            return json_response({"stopped": True, "code": refusal.code, "detail": refusal.message})
        is_known = not result.is_unknown
        code = FOUND if is_known else UNREADABLE if result.problem else UNKNOWN
        return json_response(
            {
                "stopped": False,
                "code": code,
                "detail": problem_sentence(result.problem) if code == UNREADABLE else CODE_DETAILS[code],
                "card_stopped": result.is_card_revoked,
                "warnings": _warnings(result, product) if code != UNREADABLE else [],
                "replaced": bool(result.replaced),
                "member": self._member(result.member),
                "products": self._products(result, centre, payload, now),
                "tickets": [_job(ticket) for ticket in result.tickets],
                "visiting": _visiting(product, centre, payload, now) if product and not is_known else [],
            }
        )

    def _member(self, member: Member | None) -> dict[str, Any] | None:
        key = {"member": member.pk, "partner": self.partner.pk} if member else {}
        return {**_holder(member), "key": intake.make_key(**key)} if member else None

    def _products(
        self, result: LookupResult, centre: ServiceCentre, payload: Mapping[str, Any], at: datetime
    ) -> list[dict[str, Any]]:
        """Every product with every service. The number of queries does not grow with the number of products."""
        items = {
            registration.pk: Item(registration.product, registration=registration)
            for registration in result.registrations
        }
        members = {registration.member_id: registration.member for registration in result.registrations}
        histories = histories_of({serial for row in result.registrations if (serial := serial_of(row))})
        standings = find_standings(items.values()) if items else {}
        claims = claims_for(items.values(), wanted=payload["warranty"], proof=payload["proof"], at=at)
        countries = country_facts() if members else {}
        places = count_places_by_member(members.values()) if members else {}
        checkers = {
            key: EntitlementChecker(member, standings=standings, countries=countries) for key, member in members.items()
        }
        return [
            {
                "key": intake.make_key(registration=registration.pk, partner=self.partner.pk),
                "product": _named(registration.product),
                "serial": registration.serial,
                "state": registration.state,
                "member": _holder(registration.member),
                "services": _services(
                    checkers[registration.member_id],
                    items[registration.pk],
                    centre,
                    claims[items[registration.pk]],
                    places[registration.member_id],
                ),
                "history": [_past_job(job) for job in histories.get(serial_of(registration) or (0, ""), [])],
            }
            for registration in result.registrations
        ]


def _warnings(result: LookupResult, product: Product | None) -> list[dict[str, str]]:
    """What looks wrong about the serial number, which was looked up all the same."""
    if not result.serial:
        return []
    warnings = []
    if read_as := intake.read_as(result):
        warnings.append({"code": READ_AS, "detail": READ_AS_DETAIL % {"number": read_as}})
    if product:
        finding = check_product_serial(product, read_as or result.serial)
        if finding.code:
            warnings.append({"code": f"serial_{finding.code}", "detail": serial_warning(finding)})
    return warnings


def _services(
    checker: EntitlementChecker, item: Item, centre: ServiceCentre, claim: WarrantyClaim, taken: int
) -> list[dict[str, Any]]:
    return [
        _entitlement(service, checker.check(item, centre, service, places_taken=taken, claim=claim))
        for service in ServiceKind.values
    ]


def _visiting(
    product: Product, centre: ServiceCentre, payload: Mapping[str, Any], at: datetime
) -> list[dict[str, Any]]:
    """What a visiting member gets for this product (R5)."""
    item = Item(product, payload["serial"])
    claims = claims_for([item], wanted=payload["warranty"], proof=payload["proof"], at=at)
    return _services(EntitlementChecker(None), item, centre, claims[item], 0)


def _holder(member: Member) -> dict[str, Any]:
    return {"name": member.full_name, "number": member.number, "level": member.level}


def _past_job(job: PastJob) -> dict[str, Any]:
    return {
        "centre": job.centre,
        "service": job.ticket.service,
        "booked_in_on": job.booked_in_on,
        "ready_on": job.ready_on,
        "done": job.done,
        "covered_until": job.covered_until,
    }


def _named(instance: Product | ServiceCentre) -> dict[str, str]:
    return {"slug": instance.slug, "name": instance.name}


def _job(ticket: Ticket) -> dict[str, Any]:
    return {
        "reference": ticket.reference,
        "state": ticket.state,
        "service": ticket.service,
        "centre": _named(ticket.centre),
        "product": _named(ticket.product),
        "serial": ticket.serial,
    }


def _entitlement(service: str, entitlement: Entitlement) -> dict[str, Any]:
    return {
        "service": service,
        "possible": entitlement.possible,
        "refused": entitlement.refused,
        "track": entitlement.track,
        "target_days": entitlement.target_days,
        "why_standard": entitlement.why_standard,
        "fast_track_days": entitlement.fast_track_days,
        "needs_choice": entitlement.needs_choice,
        "discount_percent": entitlement.discount,
        "free_return": entitlement.free_return,
        "loan_possible": entitlement.courtesy_loan,
        "warranty": entitlement.warranty,
        "why_no_warranty": entitlement.why_no_warranty,
    }
