"""Check membership cards, at events and at the counters of service centres (R41)."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lookups import LookUpView
from cps_portal.core.rest.resources import json_response
from cps_portal.core.rest.schema import described
from members.enums import Level
from members.offers.models import Card
from members.offers.queries import find_valid_card
from servicing.forms.intake import MAX_SEARCH_LENGTH


class CardCheckSerializer(StrictSerializer):
    card = serializers.CharField(
        max_length=MAX_SEARCH_LENGTH,
        help_text="The number on the card, or the content of its QR code (an address or a token).",
    )


class CardAnswerSerializer(serializers.Serializer[Any]):
    """Whether the card is valid, and the member's current level and initials. Nothing else."""

    valid = serializers.BooleanField()
    level = serializers.ChoiceField(choices=Level.choices, allow_null=True)
    initials = serializers.CharField(allow_null=True)


class CardCheckView(LookUpView):
    scope = Scope.CARDS

    @extend_schema(
        operation_id="checkCard",
        tags=["Cards"],
        request=CardCheckSerializer,
        responses={
            200: described(
                CardAnswerSerializer,
                "Whether the card is valid, and whose it is. An unknown card looks like one that has ended.",
            )
        },
    )
    @idempotent(required=False)
    def post(self, request: Request) -> HttpResponse:
        """Check a membership card, like its public page does.

        The answer is the same for every card that is not valid today: replaced, stopped, of a closed account, of a
        member who has moved out of the free programme, or unknown.
        Compare the initials with an identity document. Look-ups are limited per credential and minute.
        """
        form = CardCheckSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        self.count_look_up()
        card = find_valid_card(Card.objects.presented(form.validated_data["card"]))
        member = card.member if card else None
        return json_response(
            {
                "valid": member is not None,
                "level": member.level if member else None,
                "initials": member.initials if member else None,
            }
        )
