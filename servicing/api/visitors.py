"""Members of another world region at the counter (R5)."""

from datetime import datetime
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
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import SparseListQuery, SparseQuery, paginate, parse_query
from cps_portal.core.rest.resources import (
    Resource,
    SparseSerializer,
    computed,
    json_response,
    json_response_with_etag,
)
from cps_portal.core.rest.schema import IF_NONE_MATCH, page_schema, problem_responses
from cps_portal.core.rest.uploads import CONTENTS, ContentView, StrictFormSerializer, UploadField, UploadView
from cps_portal.core.rest.views import PartnerView
from servicing.actions import service_requests, visitors
from servicing.actions.events import Actor
from servicing.api.intake import LineField, centre_of
from servicing.api.openings import JobSerializer, item_of, opened
from servicing.api.resources import NamedSerializer, TicketSerializer
from servicing.models import Ticket, VisitingMember
from servicing.queries.file_access import PURPOSE

FACTS = ("region", "card_number", "expires_on", "name", "email", "phone")


class VisitorSerializer(SparseSerializer):
    """What a foreign card says, and the jobs opened with it. Some weeks after the last one it is nobody (R14)."""

    id = serializers.IntegerField(source="pk")
    region = serializers.CharField()
    card_number = serializers.CharField(allow_blank=True)
    expires_on = serializers.DateField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    centre = NamedSerializer()
    tickets = serializers.ListField(source="references", child=serializers.CharField(), help_text="References.")
    at = serializers.DateTimeField(help_text="When the card was looked at.")
    has_photo = serializers.BooleanField(help_text="Of the card.")
    erased_at = serializers.DateTimeField(allow_null=True)


VISITOR = Resource(VisitorSerializer, has_photo=computed("photo_id", make=bool))


class VisitorOpeningSerializer(JobSerializer):
    """The foreign card, and the job."""

    region = LineField(max_length=60, help_text="As on the card.")
    card_number = LineField(max_length=40)
    expires_on = serializers.DateField()
    name = LineField(max_length=120)
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", max_length=254, help_text="So that they hear how it goes."
    )
    phone = LineField(required=False, allow_blank=True, default="", max_length=16)


class VisitorView(PartnerView):
    scope = Scope.INTAKE

    def rows(self) -> QuerySet[VisitingMember]:
        theirs = Ticket.objects.visible_to_partner(self.partner).filter(visitor=OuterRef("pk")).order_by("pk")
        rows = VisitingMember.objects.visible_to_partner(self.partner)
        return rows.annotate(references=ArraySubquery(theirs.values("reference")))


class VisitorsView(VisitorView):
    @extend_schema(
        operation_id="listVisitors",
        tags=["Intake"],
        parameters=[SparseListQuery],
        responses={200: page_schema(VisitorSerializer, "VisitorPage")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The visiting members whose cards your centres looked at, the latest first."""
        query = parse_query(request, SparseListQuery)
        return json_response(paginate([self.rows()], VISITOR, query, order="-at"))

    @extend_schema(
        operation_id="openVisitorTicket",
        tags=["Intake"],
        request=VisitorOpeningSerializer,
        responses={201: TicketSerializer, **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Write down a card of another region and open a job for who holds it, at standard speed; both or nothing.

        A card that has run out is refused. Take a photo of it and send it with `addCardPhoto`.
        """
        form = VisitorOpeningSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        centre = centre_of(self.partner, said["centre"])
        visitor = visitors.Visitor(**{name: said[name] for name in FACTS})

        def act(wanted: service_requests.RequestedItem, actor: Actor, at: datetime) -> Ticket:
            return visitors.open_for_visitor(visitor=visitor, centre=centre, item=wanted, actor=actor, at=at)

        return opened(self.partner, said, item_of(said), act)


class OneVisitorView(VisitorView):
    @extend_schema(
        operation_id="getVisitor",
        tags=["Intake"],
        parameters=[SparseQuery, IF_NONE_MATCH],
        responses={200: VisitorSerializer, 304: None},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """One visiting member."""
        query = parse_query(request, SparseQuery)
        found: dict[str, Any] | None = VISITOR.get(self.rows().filter(pk=pk), query.get("fields", ""))
        if found is None:
            raise Http404
        return json_response_with_etag(request, found)


class CardPhotoInSerializer(StrictFormSerializer):
    """One file."""

    file = UploadField(help_text="JPEG, PNG, HEIC or PDF.")


class CardPhotoView(UploadView, ContentView, VisitorView):
    photo: StoredFile

    def visitor(self, pk: int) -> VisitingMember:
        row = self.rows().select_related("photo").filter(pk=pk).first()
        if row is None:
            raise Http404
        return row

    @extend_schema(operation_id="getCardPhoto", tags=["Intake"], responses=CONTENTS)
    def get(self, request: Request, pk: int) -> Any:
        """The photo of the card, as it was made anew from the upload."""
        row = self.visitor(pk)
        if row.photo is None:
            raise Http404
        return self.content_of(row.photo)

    def take(self, request: Request, pk: int) -> None:
        """Look at the file once it is clear that somebody is there whose card it can be."""
        said = self.validated_upload(request, CardPhotoInSerializer)
        visitors.require_not_erased(self.visitor(pk))
        self.photo = self.store(said["file"], PURPOSE)

    @extend_schema(
        operation_id="addCardPhoto",
        tags=["Intake"],
        request=CardPhotoInSerializer,
        responses={201: VisitorSerializer, **problem_responses(409, 503)},
    )
    @idempotent(first=take)
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Keep a photo of the card, instead of the one before; it goes with what the card said, some weeks after the
        last job (R14)."""
        row = visitors.set_card_photo(visitor=self.visitor(pk), photo=self.photo, at=timezone.now())
        found = VISITOR.get(self.rows().filter(pk=row.pk))
        return json_response(found, status=201, headers={"Location": reverse("api-card-photo", args=[row.pk])})
