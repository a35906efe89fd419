"""What a fulfilment house reports about a pack, signed (R38): docs/fulfilment.md has the contract."""

from collections.abc import Iterable
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cps_portal.lib.reference import read_reference
from cps_portal.offers.actions import packs
from cps_portal.offers.enums import HOUSE_STEPS, PackStep, ReturnReason
from cps_portal.offers.models import WelcomePack
from cps_portal.partners import actions as partners
from cps_portal.rest.fields import AwareDateTimeField, Strict
from cps_portal.rest.schema import problems
from cps_portal.rest.signed import Signature, SignedView

LONGEST_ID = 100
HOUSE_CHOICES = [(step.value, step.label) for step in HOUSE_STEPS]
DETAILS = ("carrier", "tracking", "tracking_url", "reason")


class PackReportSerializer(Strict):
    """What happened to a pack, and when. `sending` is the number that came with the request."""

    kind = serializers.ChoiceField(choices=HOUSE_CHOICES)
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
        row = WelcomePack.objects.filter(reference=read_reference(reference)).select_related("house").first()
        if row is None or row.house is None:
            return []
        return partners.secrets_of(partner=row.house, at=timezone.now())

    @extend_schema(
        operation_id="reportOnWelcomePack",
        tags=["Fulfilment"],
        request=PackReportSerializer,
        responses={200: PackStateSerializer, **problems(400, 401, 409, 413, 415)},
    )
    def post(self, request: Request, reference: str) -> Response:
        """Report what happened to a pack.

        The `webhook-id` is the number of the report: the same again gets the same answer and changes nothing. Late
        and out of order is fine.
        """
        signature = request.auth
        assert isinstance(signature, Signature)  # noqa: S101 (or it would not have come this far)
        if len(signature.webhook_id) > LONGEST_ID:
            raise serializers.ValidationError({"webhook-id": [f"Use at most {LONGEST_ID} characters."]})
        found = PackReportSerializer(data=request.data)
        found.is_valid(raise_exception=True)
        said = found.validated_data
        pack = get_object_or_404(WelcomePack.objects.select_related("house"), reference=read_reference(reference))
        assert pack.house is not None  # noqa: S101 (its secret has just been checked)
        report = packs.Report(
            step=PackStep(said["kind"]),
            sending=said["sending"],
            occurred_at=said["occurred_at"],
            external_id=signature.webhook_id,
            data={name: said[name] for name in DETAILS if said[name]},
        )
        row, recorded = packs.record_report(pack=pack, report=report, partner=pack.house, at=timezone.now())
        answer = {"reference": row.reference, "sending": row.sending, "state": row.state, "recorded": recorded}
        return Response(answer)
