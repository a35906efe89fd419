"""Is this card valid? For an event's door and a centre's counter (R41)."""

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
from members.enums import Level
from members.offers.models import Card
from servicing.forms.intake import MAX_SEARCH_LENGTH


class CardCheckSerializer(StrictSerializer):
    card = serializers.CharField(
        max_length=MAX_SEARCH_LENGTH,
        help_text="The number on the card, or what its QR code holds: an address or a token.",
    )


class CardAnswerSerializer(serializers.Serializer[Any]):
    """Valid or not, the level of today, the initials, and nothing else."""

    valid = serializers.BooleanField()
    level = serializers.ChoiceField(choices=Level.choices, allow_null=True)
    initials = serializers.CharField(allow_null=True)


class CardCheckView(LookUpView):
    scope = Scope.CARDS

    @extend_schema(
        operation_id="checkCard", tags=["Cards"], request=CardCheckSerializer, responses={200: CardAnswerSerializer}
    )
    @idempotent(required=False)
    def post(self, request: Request) -> HttpResponse:
        """Check a membership card, as its public page does.

        Everything that is not valid is answered alike: replaced, stopped, of a closed account, or no card at all.
        Compare the initials with a document of the person. A credential may look up so much a minute and no more.
        """
        form = CardCheckSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        self.count_look_up()
        cards = Card.objects.presented(form.validated_data["card"]).live().filter(member__closed_at=None)
        member = card.member if (card := cards.select_related("member").first()) else None
        return json_response(
            {
                "valid": member is not None,
                "level": member.level if member else None,
                "initials": member.initials if member else None,
            }
        )
