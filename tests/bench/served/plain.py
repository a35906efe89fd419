"""A ModelViewSet with select_related, a ModelSerializer and page numbers, with the same authentication."""

from typing import Any

from django.urls import include, path
from rest_framework import pagination, routers, serializers, viewsets

from cps_portal.core.rest.access import PartnerAuthentication
from servicing.models import Ticket

RELATED = ("centre", "product", "member", "visitor", "parcel")


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    centre = serializers.SlugRelatedField[Any]("slug", read_only=True)
    centre_name = serializers.CharField(source="centre.name")
    product = serializers.SlugRelatedField[Any]("slug", read_only=True)
    product_name = serializers.CharField(source="product.name")
    first_name = serializers.CharField(source="member.first_name")
    last_name = serializers.CharField(source="member.last_name")
    number = serializers.CharField(source="member.number")
    language = serializers.CharField(source="member.language")
    parcel = serializers.CharField(source="parcel.reference")
    travel = serializers.CharField(source="parcel.travel")
    collect_on = serializers.DateField(source="parcel.collect_on")

    class Meta:
        model = Ticket
        fields = [
            "reference",
            "state",
            "service",
            "centre",
            "centre_name",
            "product",
            "product_name",
            "serial",
            "first_name",
            "last_name",
            "number",
            "language",
            "level",
            "track",
            "why_standard",
            "target_days",
            "discount",
            "free_return",
            "loan_possible",
            "warranty_asked",
            "warranty",
            "why_no_warranty",
            "fault",
            "condition",
            "accessories",
            "parcel",
            "travel",
            "collect_on",
            "opened_at",
            "booked_in_at",
            "due_at",
            "paused",
            "expected_on",
            "missed_at",
            "ready_at",
            "ended_at",
            "loan_wanted",
            "loan_out",
            "charge",
            "warranty_months",
            "warranty_until",
            "last_message_at",
            "last_message_by",
            "unread_since",
            "waiting_for",
            "changed_at",
        ]


class Pages(pagination.PageNumberPagination):
    page_size = 50


class TicketViewSet(viewsets.ModelViewSet[Ticket]):
    authentication_classes = [PartnerAuthentication]
    permission_classes = []
    serializer_class = TicketSerializer
    pagination_class = Pages
    lookup_field = "reference"

    def get_queryset(self) -> Any:
        rows = Ticket.objects.filter(centre__partner=self.request.auth.partner)
        return rows.select_related(*RELATED).order_by("-opened_at", "-pk")


router = routers.SimpleRouter(trailing_slash=False)
router.register("tickets", TicketViewSet, basename="ticket")
urlpatterns = [path("api/v1/", include(router.urls))]
