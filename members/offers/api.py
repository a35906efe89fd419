"""What a fulfilment house reports about a pack, signed (R38): docs/fulfilment.md has the contract."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cps_portal.core.lib.reference import read_reference
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.fields import AwareDateTimeField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, json_response, json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, page_schema, problem_responses
from cps_portal.core.rest.signed import Signature, SignedView
from cps_portal.core.rest.views import PartnerView
from members.offers import webhooks
from members.offers.actions import packs
from members.offers.enums import PARTNER_STEPS, PackState, PackStep, ReturnReason
from members.offers.models import WelcomePack

MAX_EXTERNAL_ID_LENGTH = 100
PARTNER_STEP_CHOICES = [(step.value, step.label) for step in PARTNER_STEPS]
DETAILS = ("carrier", "tracking", "tracking_url", "reason")


class PackReportSerializer(StrictSerializer):
    """What happened to a pack, and when. `sending` is the number that came with the request."""

    kind = serializers.ChoiceField(choices=PARTNER_STEP_CHOICES)
    sending = serializers.IntegerField(min_value=1, max_value=1000)
    occurred_at = AwareDateTimeField()
    carrier = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    tracking = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    tracking_url = serializers.URLField(max_length=300, required=False, allow_blank=True, default="")
    reason = serializers.ChoiceField(choices=ReturnReason.choices, required=False, allow_blank=True, default="")

    def validate_tracking_url(self, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise serializers.ValidationError("Send an address that begins with https://.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == PackStep.RETURNED and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["Say why it came back."]})
        return attrs


class PackStateSerializer(serializers.Serializer[dict[str, Any]]):
    """Where the pack is by now. `recorded` is false for a report that was known already."""

    reference = serializers.CharField()
    sending = serializers.IntegerField()
    state = serializers.CharField()
    recorded = serializers.BooleanField()


class PackEventsView(SignedView):
    def secrets_of(self, reference: str = "", **kwargs: Any) -> Iterable[str]:
        """Those of the house that has this request; none for a reference that is nobody's."""
        row = WelcomePack.objects.filter(reference=read_reference(reference)).select_related("partner").first()
        if row is None or row.partner is None:
            return []
        return partners.partner_secrets(partner=row.partner, at=timezone.now())

    @extend_schema(
        operation_id="reportOnWelcomePack",
        tags=["Fulfilment"],
        request=PackReportSerializer,
        responses={200: PackStateSerializer, **problem_responses(400, 401, 409, 413, 415)},
    )
    def post(self, request: Request, reference: str) -> Response:
        """Report what happened to a pack.

        The `webhook-id` is the number of the report: the same again gets the same answer and changes nothing. Late
        and out of order is fine.
        """
        signature = request.auth
        assert isinstance(signature, Signature)  # noqa: S101 (or it would not have come this far)
        if len(signature.webhook_id) > MAX_EXTERNAL_ID_LENGTH:
            raise serializers.ValidationError({"webhook-id": [f"Use at most {MAX_EXTERNAL_ID_LENGTH} characters."]})
        found = PackReportSerializer(data=request.data)
        found.is_valid(raise_exception=True)
        said = found.validated_data
        pack = get_object_or_404(WelcomePack.objects.select_related("partner"), reference=read_reference(reference))
        assert pack.partner is not None  # noqa: S101 (its secret has just been checked)
        return Response(record(pack, said, signature.webhook_id, pack.partner))


def record(pack: WelcomePack, said: Mapping[str, Any], external_id: str, house: Partner) -> dict[str, Any]:
    """Write what a house reports, and say where the pack is after it. Raises Refusal."""
    report = packs.Report(
        step=PackStep(said["kind"]),
        sending=said["sending"],
        occurred_at=said["occurred_at"],
        external_id=external_id,
        data={name: said[name] for name in DETAILS if said[name]},
    )
    row, recorded = packs.record_report(pack=pack, report=report, partner=house, at=timezone.now())
    return {"reference": row.reference, "sending": row.sending, "state": row.state, "recorded": recorded}


# --- By token ----------------------------------------------------------------------------------------


class PackRequestSerializer(SparseSerializer):
    """A request in the list: its address and contents are read one by one."""

    reference = serializers.CharField()
    sending = serializers.IntegerField(help_text="1, and one more each time it is to be sent again.")
    state = serializers.ChoiceField(choices=PackState.choices)
    sending_since = serializers.DateTimeField()
    country = serializers.CharField()
    language = serializers.CharField()
    contents = serializers.ListField(child=serializers.CharField())
    changed_at = serializers.DateTimeField()


PACK = Resource(PackRequestSerializer)


class PackDetailSerializer(PackRequestSerializer):
    """`wanted` is what `welcome_pack.requested` carries; null once this sending is not wanted any more."""

    wanted = serializers.DictField(allow_null=True)


class PackListQuery(ListQuery):
    state = serializers.ChoiceField(choices=PackState.choices, required=False, help_text="requested: not accepted yet.")
    asked_since = AwareDateTimeField(required=False)


class PackView(PartnerView):
    scopes = {"GET": Scope.PACKS_READ, "POST": Scope.PACKS_WRITE}

    def pack(self, reference: str) -> WelcomePack:
        row = WelcomePack.objects.visible_to_partner(self.partner).filter(reference=read_reference(reference)).first()
        if row is None:
            raise Http404
        return row


class PackListView(PackView):
    @extend_schema(
        operation_id="listWelcomePacks",
        tags=["Fulfilment"],
        parameters=[PackListQuery],
        responses={200: page_schema(PackRequestSerializer, "WelcomePackPage")},
    )
    def get(self, request: Request) -> HttpResponse:
        """Your requests, the oldest sending first. A house without webhooks asks for `state=requested`, reads each, and
        reports `accepted`."""
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
        responses={200: PackDetailSerializer, 304: None},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """A request with all that is needed to send it. The address is gone some weeks after the last step."""
        row = self.pack(reference)
        wanted = webhooks.pack_requested(pack=row.pk, sending=row.sending)
        found = PACK.get(WelcomePack.objects.filter(pk=row.pk))
        return json_response_with_etag(request, {**(found or {}), "wanted": wanted})


class PackReportByTokenSerializer(PackReportSerializer):
    external_id = serializers.CharField(
        max_length=MAX_EXTERNAL_ID_LENGTH, help_text="Your number of this report: the same again is the same report."
    )


class PackReportsView(PackView):
    @extend_schema(
        operation_id="reportOnWelcomePackByToken",
        tags=["Fulfilment"],
        request=PackReportByTokenSerializer,
        responses={200: PackStateSerializer},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Report what happened to a pack, as the signed endpoint does. Late and out of order is fine."""
        form = PackReportByTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        found = record(self.pack(reference), said, said["external_id"], self.partner)
        return json_response(found)
