"""API for fulfilment partners: requests for Welcome Packs and reports on them (R38). See docs/fulfilment.md."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.fields import AwareDateTimeField, LineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, json_response, json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, NOT_MODIFIED, described, page_schema, problem_responses
from cps_portal.core.rest.signed import Signature, SignedView
from cps_portal.core.rest.views import PartnerView
from members.offers import webhooks
from members.offers.actions import packs
from members.offers.actions.card_requests import record_card_report
from members.offers.enums import PARTNER_STEPS, CardRequestState, PackState, PackStep, ReturnReason
from members.offers.models import CardRequest, WelcomePack

MAX_EXTERNAL_ID_LENGTH = 100
PARTNER_STEP_CHOICES = [(step.value, step.label) for step in PARTNER_STEPS]
DETAILS = ("carrier", "tracking", "tracking_url", "reason")


class PackReportSerializer(StrictSerializer):
    """What happened to a pack, and when. `sending` is the number from the request."""

    kind = serializers.ChoiceField(choices=PARTNER_STEP_CHOICES)
    sending = serializers.IntegerField(min_value=1, max_value=1000)
    occurred_at = AwareDateTimeField()
    carrier = LineField(max_length=60, required=False, allow_blank=True, default="")
    tracking = LineField(max_length=60, required=False, allow_blank=True, default="")
    tracking_url = serializers.URLField(max_length=300, required=False, allow_blank=True, default="")
    reason = serializers.ChoiceField(choices=ReturnReason.choices, required=False, allow_blank=True, default="")

    def validate_tracking_url(self, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise serializers.ValidationError("Send a URL that starts with https://.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == PackStep.RETURNED and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["Send the reason for the return."]})
        return attrs


class PackStateSerializer(serializers.Serializer[dict[str, Any]]):
    """State of the pack. `recorded` is false if the report had been recorded before."""

    reference = serializers.CharField()
    sending = serializers.IntegerField()
    state = serializers.CharField()
    recorded = serializers.BooleanField()


class PackEventsView(SignedView):
    def secrets_of(self, reference: str = "", **kwargs: Any) -> Iterable[str]:
        """The secrets of the partner that has this request; none for an unknown reference."""
        row = WelcomePack.objects.filter(reference=parse_reference(reference)).select_related("partner").first()
        if row is None or row.partner is None:
            return []
        return partners.partner_secrets(partner=row.partner, at=timezone.now())

    @extend_schema(
        operation_id="reportOnWelcomePack",
        tags=["Fulfilment"],
        request=PackReportSerializer,
        responses={
            200: described(PackStateSerializer, "The pack after your report."),
            **problem_responses(400, 401, 409, 413, 415),
        },
    )
    def post(self, request: Request, reference: str) -> Response:
        """Report what happened to a pack.

        The `webhook-id` identifies the report: sending it again returns the same answer and changes nothing. Reports
        may come late and out of order.
        """
        signature = request.auth
        assert isinstance(signature, Signature)  # noqa: S101 (SignedView has checked it)
        if len(signature.webhook_id) > MAX_EXTERNAL_ID_LENGTH:
            raise serializers.ValidationError({"webhook-id": [f"Use at most {MAX_EXTERNAL_ID_LENGTH} characters."]})
        serializer = PackReportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        pack = get_object_or_404(WelcomePack.objects.select_related("partner"), reference=parse_reference(reference))
        assert pack.partner is not None  # noqa: S101 (its secret has just been checked)
        return Response(record(pack, serializer.validated_data, signature.webhook_id, pack.partner))


def record(pack: WelcomePack, payload: Mapping[str, Any], external_id: str, partner: Partner) -> dict[str, Any]:
    """Record a report and return the state of the pack. Raises Refusal."""
    report = packs.Report(
        step=PackStep(payload["kind"]),
        sending=payload["sending"],
        occurred_at=payload["occurred_at"],
        external_id=external_id,
        data={name: payload[name] for name in DETAILS if payload[name]},
    )
    row, recorded = packs.record_report(pack=pack, report=report, partner=partner, at=timezone.now())
    return {"reference": row.reference, "sending": row.sending, "state": row.state, "recorded": recorded}


# --- By token ----------------------------------------------------------------------------------------


class PackRequestSerializer(SparseSerializer):
    """A request in a list. Read a single request for its address."""

    reference = serializers.CharField()
    sending = serializers.IntegerField(help_text="Starts at 1; grows by one each time the pack is sent again.")
    state = serializers.ChoiceField(choices=PackState.choices)
    sending_since = serializers.DateTimeField()
    country = serializers.CharField()
    language = serializers.CharField()
    contents = serializers.ListField(child=serializers.CharField())
    changed_at = serializers.DateTimeField()


PACK = Resource(PackRequestSerializer)


class PackDetailSerializer(PackRequestSerializer):
    """`wanted` is the data of `welcome_pack.requested`; null once this sending is no longer needed."""

    wanted = serializers.DictField(allow_null=True)


class PackListQuery(ListQuery):
    state = serializers.ChoiceField(choices=PackState.choices, required=False, help_text="requested: not accepted yet.")
    asked_since = AwareDateTimeField(required=False, help_text="Asked for then or later.")


class PackView(PartnerView):
    scopes = {"GET": Scope.PACKS_READ, "POST": Scope.PACKS_WRITE}

    def pack(self, reference: str) -> WelcomePack:
        row = WelcomePack.objects.visible_to_partner(self.partner).filter(reference=parse_reference(reference)).first()
        if row is None:
            raise Http404
        return row


class PackListView(PackView):
    @extend_schema(
        operation_id="listWelcomePacks",
        tags=["Fulfilment"],
        parameters=[PackListQuery],
        responses={
            200: described(
                page_schema(PackRequestSerializer, "WelcomePackPage"), "A page of your requests, without addresses."
            )
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Your requests, the oldest sending first. Partners without webhooks ask for `state=requested`, read each, and
        report `accepted`."""
        query = parse_query(request, PackListQuery)
        rows = WelcomePack.objects.visible_to_partner(self.partner)
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if "asked_since" in query:
            rows = rows.filter(sending_since__gte=query["asked_since"])
        return json_response(paginate([rows], PACK, query, order="sending_since"))


class OnePackView(PackView):
    @extend_schema(
        operation_id="getWelcomePack",
        tags=["Fulfilment"],
        parameters=[IF_NONE_MATCH],
        responses={
            200: described(PackDetailSerializer, "The request, with all that is needed to send it."),
            304: NOT_MODIFIED,
        },
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """A request with all that is needed to send it. The address is deleted some weeks after the last step."""
        pack = self.pack(reference)
        wanted = webhooks.pack_requested(pack=pack.pk, sending=pack.sending)
        resource = PACK.get(WelcomePack.objects.filter(pk=pack.pk)) or {}
        return json_response_with_etag(request, {**resource, "wanted": wanted})


class PackReportByTokenSerializer(PackReportSerializer):
    external_id = serializers.CharField(
        max_length=MAX_EXTERNAL_ID_LENGTH, help_text="Your number of this report: the same number is the same report."
    )


class PackReportsView(PackView):
    @extend_schema(
        operation_id="reportOnWelcomePackByToken",
        tags=["Fulfilment"],
        request=PackReportByTokenSerializer,
        responses={200: described(PackStateSerializer, "The pack after your report.")},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Report what happened to a pack, like the signed endpoint. Reports may come late and out of order."""
        serializer = PackReportByTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        payload = serializer.validated_data
        return json_response(record(self.pack(reference), payload, payload["external_id"], self.partner))


# --- New cards for lost ones --------------------------------------------------------------------------


class CardRequestSerializer(SparseSerializer):
    """A card that replaces a lost one, without a pack. Read a single request for its address."""

    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=CardRequestState.choices)
    asked_at = serializers.DateTimeField()
    country = serializers.CharField()
    language = serializers.CharField(source="member.language")
    changed_at = serializers.DateTimeField()


CARD_REQUEST = Resource(CardRequestSerializer)


class CardRequestDetailSerializer(CardRequestSerializer):
    """`wanted` is the data of `membership_card.requested`; null once this card is no longer needed."""

    wanted = serializers.DictField(allow_null=True)


class CardRequestListQuery(ListQuery):
    state = serializers.ChoiceField(
        choices=CardRequestState.choices, required=False, help_text="requested: not accepted yet."
    )
    asked_since = AwareDateTimeField(required=False, help_text="Asked for then or later.")


class CardReportSerializer(PackReportByTokenSerializer):
    """What happened to a card. `sending` is 1: a card that came back is requested again with another reference."""

    sending = serializers.IntegerField(min_value=1, max_value=1, default=1)


class CardRequestView(PartnerView):
    scopes = {"GET": Scope.PACKS_READ, "POST": Scope.PACKS_WRITE}

    def row(self, reference: str) -> CardRequest:
        rows = CardRequest.objects.visible_to_partner(self.partner)
        request = rows.filter(reference=parse_reference(reference)).first()
        if request is None:
            raise Http404
        return request


class CardRequestListView(CardRequestView):
    @extend_schema(
        operation_id="listCardRequests",
        tags=["Fulfilment"],
        parameters=[CardRequestListQuery],
        responses={
            200: described(
                page_schema(CardRequestSerializer, "CardRequestPage"), "A page of your requests, without addresses."
            )
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Your requests for cards that replace lost ones, the oldest first."""
        query = parse_query(request, CardRequestListQuery)
        rows = CardRequest.objects.visible_to_partner(self.partner)
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if "asked_since" in query:
            rows = rows.filter(asked_at__gte=query["asked_since"])
        return json_response(paginate([rows], CARD_REQUEST, query, order="asked_at"))


class OneCardRequestView(CardRequestView):
    @extend_schema(
        operation_id="getCardRequest",
        tags=["Fulfilment"],
        parameters=[IF_NONE_MATCH],
        responses={
            200: described(
                CardRequestDetailSerializer, "The request, with all that is needed to print and post the card."
            ),
            304: NOT_MODIFIED,
        },
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """A request with all that is needed to print and post the card."""
        row = self.row(reference)
        wanted = webhooks.card_requested(card=row.card_id) if row.card_id else None
        if wanted and wanted["reference"] != row.reference:  # it came back and was requested again
            wanted = None
        resource = CARD_REQUEST.get(CardRequest.objects.filter(pk=row.pk)) or {}
        return json_response_with_etag(request, {**resource, "wanted": wanted})


class CardReportsView(CardRequestView):
    @extend_schema(
        operation_id="reportOnCardByToken",
        tags=["Fulfilment"],
        request=CardReportSerializer,
        responses={200: described(PackStateSerializer, "The request after your report."), **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Report what happened to a card. Each step counts once; reports may come late and out of order."""
        serializer = CardReportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        payload = serializer.validated_data
        row, recorded = record_card_report(
            request=self.row(reference),
            step=PackStep(payload["kind"]),
            occurred_at=payload["occurred_at"],
            data={name: payload[name] for name in DETAILS if payload[name]},
            at=timezone.now(),
        )
        return json_response({"reference": row.reference, "sending": 1, "state": row.state, "recorded": recorded})
