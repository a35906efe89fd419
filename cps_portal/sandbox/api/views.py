"""The operations of the sandbox (R55)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import PartnerKind, Scope
from cps_portal.core.rest.access import ScopeMissing
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.resources import json_response
from cps_portal.core.rest.schema import described
from cps_portal.core.rest.views import PartnerView
from cps_portal.core.rest.webhooks import NothingSerializer
from cps_portal.sandbox import actions
from cps_portal.sandbox.presenters import describe_samples
from members.enums import Level

TAG = "Sandbox"
WRITES: Mapping[str, Scope] = {
    PartnerKind.CENTRE: Scope.TICKETS_WRITE,
    PartnerKind.RETAILER: Scope.SALES_WRITE,
    PartnerKind.FULFILMENT: Scope.PACKS_WRITE,
}
NEEDS = "Needs the scope that lets you write: `tickets:write`, `sales:write` or `packs:write`."


class SampleMemberSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    number = serializers.CharField(help_text="The member number.")
    level = serializers.ChoiceField(choices=Level.choices)
    country = serializers.CharField()
    card = serializers.CharField(allow_blank=True, help_text="The number of the membership card.")


class SampleRegistrationSerializer(serializers.Serializer[Any]):
    product = serializers.CharField(help_text="Its slug.")
    serial = serializers.CharField()
    country = serializers.CharField(help_text="Where it was bought.")
    purchased_on = serializers.DateField(help_text="A sale of this day, or of one a week apart, matches.")
    state = serializers.CharField(help_text="`validated` counts, `submitted` waits.")


class SampleSerialSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="As in the table of the guide.")
    product = serializers.CharField(help_text="The product to send it with.")
    serial = serializers.CharField()
    what = serializers.CharField(help_text="What it is.")


class SampleDataSerializer(serializers.Serializer[Any]):
    centre = serializers.CharField(allow_null=True, help_text="The slug of your first centre, where the jobs are.")
    members: Any = SampleMemberSerializer(many=True)
    registrations: Any = SampleRegistrationSerializer(many=True)
    serials: Any = SampleSerialSerializer(many=True)
    tickets = serializers.ListField(child=serializers.CharField(), help_text="References.")
    loans = serializers.ListField(child=serializers.IntegerField())
    packs = serializers.ListField(child=serializers.CharField(), help_text="References of Welcome Packs.")
    cards = serializers.ListField(child=serializers.CharField(), help_text="References of cards to print.")
    sales = serializers.ListField(child=serializers.CharField(), help_text="Your numbers of them.")


class AgeInSerializer(StrictSerializer):
    days = serializers.IntegerField(min_value=0, max_value=actions.MAX_DAYS, help_text="0 only runs the tasks.")


class AgedSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    tickets = serializers.IntegerField(help_text="How many of yours are older now.")
    loans = serializers.IntegerField()
    packs = serializers.IntegerField()
    cards = serializers.IntegerField()
    sweeps = serializers.ListField(child=serializers.CharField(), help_text="The periodic tasks that ran afterwards.")


class EventInSerializer(StrictSerializer):
    type = serializers.CharField(help_text="One of the events that webhooks are sent for.")

    def validate_type(self, value: str) -> str:
        if value not in settings.WEBHOOK_TYPES:
            raise serializers.ValidationError(
                f"There is no such event. Send one of {', '.join(settings.WEBHOOK_TYPES)}."
            )
        return value


class TriggeredSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    real = serializers.BooleanField(help_text="It happened. If false, we sent the example of the contract.")
    did = serializers.CharField(help_text="What was done, in a sentence.")
    messages = serializers.ListField(child=serializers.CharField(), help_text="The `webhook-id` of what is on its way.")


class SandboxView(PartnerView):
    def check_permissions(self, request: Request) -> None:
        """Whoever may write as a partner of this kind may make and age its samples. Raises ScopeMissing."""
        super().check_permissions(request)
        scope = WRITES[self.partner.kind]
        if scope not in self.access.scopes:
            raise ScopeMissing(f"This needs the scope {scope}.")


class DataView(SandboxView):
    @extend_schema(
        operation_id="getSandboxData",
        tags=[TAG],
        description=f"Your sample data as it is now. {NEEDS}",
        responses={200: described(SampleDataSerializer, "Your sample data. All lists are empty if there is none.")},
    )
    def get(self, request: Request) -> HttpResponse:
        return json_response(describe_samples(self.partner))

    @extend_schema(
        operation_id="makeSandboxData",
        tags=[TAG],
        description=(
            "Delete your sample data and make it anew: three members with their products, and jobs with loans, or "
            "sales, or packs and cards, by your kind. Also deleted are your visiting members, your sales and your "
            f"Idempotency-Keys; nothing of another partner, and not your endpoints. {NEEDS}"
        ),
        request=NothingSerializer,
        responses={200: described(SampleDataSerializer, "The new sample data.")},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        actions.make_anew(partner=self.partner, at=timezone.now())
        return json_response(describe_samples(self.partner))


class AgeView(SandboxView):
    @extend_schema(
        operation_id="ageSandboxData",
        tags=[TAG],
        description=(
            "Let your tickets, loans, packs and cards become this many days older, and run the tasks that the portal "
            "otherwise runs by the clock: targets are missed, estimates and reservations lapse, loans are overdue. "
            f"{NEEDS}"
        ),
        request=AgeInSerializer,
        responses={200: described(AgedSerializer, "What is older now.")},
    )
    @idempotent(afterwards=actions.run_sweeps)
    def post(self, request: Request) -> HttpResponse:
        form = AgeInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        aged = actions.age_partner(partner=self.partner, days=form.validated_data["days"], at=timezone.now())
        return json_response(asdict(aged))


class EventsView(SandboxView):
    @extend_schema(
        operation_id="triggerSandboxEvent",
        tags=[TAG],
        description=(
            "Make an event happen, so that its webhook is sent: a customer opens a ticket, a registration matches. An "
            f"event that is not for your kind of partner is sent as the example of this document. {NEEDS}"
        ),
        request=EventInSerializer,
        responses={200: described(TriggeredSerializer, "What happened.")},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        form = EventInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        done = actions.trigger_event(partner=self.partner, type=form.validated_data["type"], at=timezone.now())
        return json_response(asdict(done))
