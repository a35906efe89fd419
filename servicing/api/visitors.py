"""Members of another world region at the counter (R5)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.files.models import StoredFile
from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.fields import EmailField, LineField, PersonNameField
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import SparseListQuery, SparseQuery, paginate, parse_query
from cps_portal.core.rest.resources import (
    Resource,
    SparseSerializer,
    computed,
    json_response,
    json_response_with_etag,
)
from cps_portal.core.rest.schema import (
    IF_NONE_MATCH,
    NOT_MODIFIED,
    WarningSerializer,
    described,
    page_schema,
    problem_responses,
)
from cps_portal.core.rest.uploads import CONTENTS, ContentView, StrictFormSerializer, UploadField, UploadView
from cps_portal.core.rest.views import PartnerView
from servicing.actions import service_requests, visitors
from servicing.actions.events import Actor
from servicing.api.intake import get_centre
from servicing.api.openings import JobSerializer, item_from_payload, open_and_respond
from servicing.api.resources import NamedSerializer, TicketSerializer
from servicing.enums import CardOutcome, CardRegion
from servicing.models import Ticket, VisitingMember
from servicing.queries.file_access import PURPOSE
from servicing.queries.visitors import find_doubts
from servicing.rules.visitors import region_of

CARD_FIELDS = ("card_number", "expires_on", "name", "email", "phone")


class VisitorSerializer(SparseSerializer):
    """The details on a foreign card, and the jobs opened with it. Erased some weeks after the last job (R14)."""

    id = serializers.IntegerField(source="pk")
    region = serializers.ChoiceField(choices=CardRegion.choices)
    region_text = serializers.CharField(allow_blank=True, help_text="If it is another region: as on the card.")
    card_number = serializers.CharField(allow_blank=True)
    expires_on = serializers.DateField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    centre = NamedSerializer()
    tickets = serializers.ListField(source="references", child=serializers.CharField(), help_text="References.")
    outcome = serializers.ChoiceField(
        choices=CardOutcome.choices,
        help_text="What was found. The desk checks cards without a job, too: then it can be one that is not served.",
    )
    at = serializers.DateTimeField(help_text="When the card was checked.")
    has_photo = serializers.BooleanField(help_text="There is a photo of the card.")
    erased_at = serializers.DateTimeField(allow_null=True)


VISITOR = Resource(VisitorSerializer, has_photo=computed("photo_id", make=bool))


class VisitorOpeningSerializer(JobSerializer):
    """The foreign card, and the job."""

    region = LineField(
        max_length=60,
        help_text=f"A code: {', '.join(f'`{code}`' for code in CardRegion)}. Names are still taken, with a warning.",
    )
    card_number = LineField(max_length=40)
    expires_on = serializers.DateField()
    name = PersonNameField(max_length=120)
    email = EmailField(
        required=False, allow_blank=True, default="", max_length=254, help_text="For updates about the job."
    )
    phone = LineField(required=False, allow_blank=True, default="", max_length=16)


class VisitorTicketSerializer(TicketSerializer):
    """The ticket, and what looks wrong about the card though it was taken."""

    warnings: Any = WarningSerializer(
        many=True,
        help_text="`region`: it was no code; which one it was read as. `card_number`, `expires_on`: cards of this "
        "region are known with other numbers, or for a shorter time; look at the card again.",
    )


def _warnings(payload: Mapping[str, Any], region: CardRegion, today: date) -> list[dict[str, str]]:
    """What looks wrong about a card: how its region was written, and what the rule of the region doubts (R5)."""
    found = []
    if payload["region"] != region:
        detail = f"The region was read as `{region}`. Send one of the codes of the contract."
        found.append({"code": "region", "detail": detail})
    doubts = find_doubts(region=region, number=payload["card_number"], expires_on=payload["expires_on"], today=today)
    return found + [{"code": doubt.value, "detail": str(doubt.label)} for doubt in doubts]


class VisitorView(PartnerView):
    scope = Scope.INTAKE

    def rows(self) -> QuerySet[VisitingMember]:
        tickets = Ticket.objects.visible_to_partner(self.partner).filter(visitor=OuterRef("pk")).order_by("pk")
        visible = VisitingMember.objects.visible_to_partner(self.partner)
        return visible.annotate(references=ArraySubquery(tickets.values("reference")))


class VisitorsView(VisitorView):
    @extend_schema(
        operation_id="listVisitors",
        tags=["Intake"],
        parameters=[SparseListQuery],
        responses={200: described(page_schema(VisitorSerializer, "VisitorPage"), "A page of the visiting members.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The visiting members whose cards your centres checked, latest first."""
        query = parse_query(request, SparseListQuery)
        return json_response(paginate([self.rows()], VISITOR, query, order="-at"))

    @extend_schema(
        operation_id="openVisitorTicket",
        tags=["Intake"],
        request=VisitorOpeningSerializer,
        responses={
            201: described(VisitorTicketSerializer, "The ticket, opened for the visiting member."),
            **problem_responses(409),
        },
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Record a card from another region and open a job at standard speed for its holder, both or neither.

        An expired card is refused. What the rule of its region doubts is taken with a warning. Take a photo of the
        card and send it with `addCardPhoto`.
        """
        form = VisitorOpeningSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        payload = form.validated_data
        centre = get_centre(self.partner, payload["centre"])
        region = region_of(payload["region"])
        visitor = visitors.Visitor(
            region=region,
            region_text="" if payload["region"] == region else payload["region"],
            **{name: payload[name] for name in CARD_FIELDS},
        )

        def act(requested: service_requests.RequestedItem, actor: Actor, at: datetime) -> Ticket:
            return visitors.open_for_visitor(visitor=visitor, centre=centre, item=requested, actor=actor, at=at)

        warnings = _warnings(payload, region, centre.today(timezone.now()))
        return open_and_respond(self.partner, payload, item_from_payload(payload), act, warnings=warnings)


class VisitorDetailView(VisitorView):
    @extend_schema(
        operation_id="getVisitor",
        tags=["Intake"],
        parameters=[SparseQuery, IF_NONE_MATCH],
        responses={200: described(VisitorSerializer, "The visiting member."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """One visiting member."""
        query = parse_query(request, SparseQuery)
        visitor: dict[str, Any] | None = VISITOR.get(self.rows().filter(pk=pk), query.get("fields", ""))
        if visitor is None:
            raise Http404
        return json_response_with_etag(request, visitor)


class CardPhotoInSerializer(StrictFormSerializer):
    """One file."""

    file = UploadField(help_text="JPEG, PNG, HEIC or PDF.")


class CardPhotoView(UploadView, ContentView, VisitorView):
    photo: StoredFile

    def visitor(self, pk: int) -> VisitingMember:
        visitor = self.rows().select_related("photo").filter(pk=pk).first()
        if visitor is None:
            raise Http404
        return visitor

    @extend_schema(operation_id="getCardPhoto", tags=["Intake"], responses=CONTENTS)
    def get(self, request: Request, pk: int) -> Any:
        """The photo of the card, re-encoded from the upload."""
        photo = self.visitor(pk).photo
        if photo is None:
            raise Http404
        return self.content_of(photo)

    def store_upload(self, request: Request, pk: int) -> None:
        """Check and store the file. The visitor must exist and not be erased."""
        payload = self.validated_upload(request, CardPhotoInSerializer)
        visitors.require_not_erased(self.visitor(pk))
        self.photo = self.store(payload["file"], PURPOSE)

    @extend_schema(
        operation_id="addCardPhoto",
        tags=["Intake"],
        request=CardPhotoInSerializer,
        responses={
            201: described(VisitorSerializer, "The visiting member, with the photo kept."),
            **problem_responses(409, 503, 507),
        },
    )
    @idempotent(first=store_upload)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Add a photo of the card, or replace it.

        It is erased with the card details, some weeks after the last job (R14).
        """
        visitor = visitors.set_card_photo(visitor=self.visitor(pk), photo=self.photo, at=timezone.now())
        rendered = VISITOR.get(self.rows().filter(pk=visitor.pk))
        return json_response(rendered, status=201, headers={"Location": reverse("api-card-photo", args=[visitor.pk])})
