"""What the work costs, the parts it waits for, what is said about it, and its documents (R47, R48, R52)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.files.enums import CONTENT_TYPES
from cps_portal.core.files.models import StoredFile
from cps_portal.core.rest.fields import AwareDateTimeField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed, json_response
from cps_portal.core.rest.schema import IF_MATCH, page_schema, problem_responses
from cps_portal.core.rest.uploads import CONTENTS, ContentView, StrictFormSerializer, UploadField, UploadView
from servicing.actions import estimates, messages, parts
from servicing.actions.events import Actor
from servicing.api.tickets import MAX_EXTERNAL_ID_LENGTH, TicketView
from servicing.enums import EstimateState, TicketFileKind
from servicing.models import Estimate, Part, TicketFile, TicketMessage
from servicing.queries.file_access import PURPOSE


class StepSerializer(StrictSerializer):
    """What every report may bring with it."""

    external_id = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_EXTERNAL_ID_LENGTH,
        help_text="Your number of this event: the same again is the same event.",
    )
    occurred_at = AwareDateTimeField(required=False, allow_null=True, default=None)


class WorkView(TicketView):
    """Something that belongs to a ticket."""

    def validated(self, request: Request, form: type[StrictSerializer]) -> dict[str, Any]:
        found = form(data=request.data)
        found.is_valid(raise_exception=True)
        return dict(found.validated_data)

    def step(self, said: dict[str, Any]) -> dict[str, Any]:
        """What the actions take of a StepSerializer."""
        known = {"external_id": said.pop("external_id"), "occurred_at": said.pop("occurred_at")}
        return {"actor": Actor(partner=self.partner), "at": timezone.now(), **known}


# --- Estimates ---------------------------------------------------------------------------------------


class LineSerializer(StrictSerializer):
    """One line; a price below zero is a discount."""

    text = serializers.CharField(max_length=estimates.MAX_TEXT_LENGTH)
    quantity = serializers.DecimalField(max_digits=7, decimal_places=2, default=Decimal(1))
    price = serializers.DecimalField(max_digits=12, decimal_places=2)
    tax_percent = serializers.DecimalField(
        max_digits=4, decimal_places=2, min_value=0, max_value=99, default=Decimal(0)
    )


class EstimateInSerializer(StepSerializer):
    currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217.")
    valid_until = serializers.DateField(help_text="The last day on which it can be answered.")
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=estimates.MAX_NOTE_LENGTH, help_text="What was found."
    )
    lines: Any = LineSerializer(many=True, allow_empty=False, max_length=estimates.MAX_LINES)  # type: ignore[call-arg]


class LineOutSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    quantity = serializers.CharField()
    price = serializers.CharField()
    tax_percent = serializers.CharField()


class EstimateSerializer(serializers.Serializer[Any]):
    """Amounts are text, to the cent."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=EstimateState.choices)
    currency = serializers.CharField()
    valid_until = serializers.DateField()
    note = serializers.CharField(allow_blank=True)
    sent_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    net = serializers.CharField()
    tax = serializers.CharField()
    total = serializers.CharField()
    lines: Any = LineOutSerializer(many=True)


class EstimateListSerializer(serializers.Serializer[Any]):
    results: Any = EstimateSerializer(many=True)


def estimate_of(row: Estimate) -> dict[str, Any]:
    facts = ("number", "state", "currency", "valid_until", "note", "sent_at", "answered_at", "net", "tax", "total")
    lines = [
        {name: getattr(line, name) for name in ("text", "quantity", "price", "tax_percent")} for line in row.lines.all()
    ]
    return {**{name: getattr(row, name) for name in facts}, "lines": lines}


class EstimatesView(WorkView):
    @extend_schema(operation_id="listEstimates", tags=["Work"], responses={200: EstimateListSerializer})
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The estimates of a ticket, the first one first: there are few."""
        rows = Estimate.objects.filter(ticket__in=self.rows(reference)).prefetch_related("lines").order_by("number")
        found = [estimate_of(row) for row in rows]
        if not found:
            self.ticket(reference)
        return json_response({"results": found})

    @extend_schema(
        operation_id="sendEstimate",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=EstimateInSerializer,
        responses={201: EstimateSerializer, **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Ask the customer to approve what the work costs. The clock is paused until they answer. A later
        estimate replaces this one (R47)."""
        said = self.validated(request, EstimateInSerializer)
        step = self.step(said)
        lines: Sequence[estimates.Line] = [estimates.Line(**line) for line in said.pop("lines")]
        with self.locked(reference) as ticket:
            row = estimates.send_estimate(ticket=ticket, lines=lines, **said, **step)
        prefetch_related_objects([row], "lines")
        return json_response(estimate_of(row), status=201)


# --- Parts -------------------------------------------------------------------------------------------


class PartSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    ordered_at = serializers.DateTimeField()
    expected_on = serializers.DateField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)


PART = Resource(PartSerializer)


class PartInSerializer(StepSerializer):
    name = serializers.CharField(max_length=120)
    expected_on = serializers.DateField(required=False, allow_null=True, default=None)


class PartExpectedSerializer(StepSerializer):
    expected_on = serializers.DateField(allow_null=True, help_text="null: nobody knows.")


class PartsView(WorkView):
    @extend_schema(
        operation_id="listParts",
        tags=["Work"],
        parameters=[ListQuery],
        responses={200: page_schema(PartSerializer, "PartPage")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The parts that a ticket waits for or has waited for, in the order in which they were told."""
        rows = Part.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], PART, parse_query(request, ListQuery), order="id"))

    @extend_schema(
        operation_id="orderPart",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=PartInSerializer,
        responses={201: PartSerializer, **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """A part is ordered. The clock goes on; if its day makes the job late the customer is told at once (R48)."""
        said = self.validated(request, PartInSerializer)
        step = self.step(said)
        with self.locked(reference) as ticket:
            part = parts.order_part(ticket=ticket, **said, **step)
        return json_response(PART.from_instance(part), status=201)


class PartView(WorkView):
    """One part of one of the partner's tickets."""

    def part(self, reference: str, pk: int) -> Part:
        row = Part.objects.filter(pk=pk, ticket__in=self.rows(reference)).first()
        if row is None:
            raise Http404
        return row


class PartExpectedView(PartView):
    @extend_schema(
        operation_id="expectPart",
        tags=["Work"],
        request=PartExpectedSerializer,
        responses={200: PartSerializer, **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str, pk: int) -> HttpResponse:
        """A part has a date, another one, or none any more."""
        said = self.validated(request, PartExpectedSerializer)
        step = self.step(said)
        return json_response(PART.from_instance(parts.expect_part(part=self.part(reference, pk), **said, **step)))


class PartArrivedView(PartView):
    @extend_schema(
        operation_id="recordPartArrived",
        tags=["Work"],
        request=StepSerializer,
        responses={200: PartSerializer, **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str, pk: int) -> HttpResponse:
        """A part is there."""
        step = self.step(self.validated(request, StepSerializer))
        return json_response(PART.from_instance(parts.receive_part(part=self.part(reference, pk), **step)))


# --- What is said ------------------------------------------------------------------------------------


class MessageSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    from_customer = serializers.BooleanField(source="from_member")
    text = serializers.CharField(allow_blank=True, help_text="Blank once it was erased.")
    at = serializers.DateTimeField()


MESSAGE = Resource(MessageSerializer)


class MessageInSerializer(StrictSerializer):
    text = serializers.CharField(max_length=messages.MAX_TEXT_LENGTH)
    asks = serializers.BooleanField(
        required=False, default=False, help_text="You need an answer: the clock is paused until it comes (R47)."
    )
    external_id = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_EXTERNAL_ID_LENGTH)


class MessagesView(WorkView):
    @extend_schema(
        operation_id="listMessages",
        tags=["Work"],
        parameters=[ListQuery],
        responses={200: page_schema(MessageSerializer, "MessagePage")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """What customer and centre wrote to each other."""
        rows = TicketMessage.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], MESSAGE, parse_query(request, ListQuery), order="id"))

    @extend_schema(
        operation_id="writeMessage",
        tags=["Work"],
        request=MessageInSerializer,
        responses={201: MessageSerializer, **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Write to the customer, who gets it by mail and on the page of the ticket."""
        said = self.validated(request, MessageInSerializer)
        with self.locked(reference) as ticket:
            row = messages.write_message(ticket=ticket, actor=Actor(partner=self.partner), at=timezone.now(), **said)
        return json_response(MESSAGE.from_instance(row), status=201)


# --- Documents ---------------------------------------------------------------------------------------


class DocumentSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=TicketFileKind.choices)
    content_type = serializers.CharField()
    bytes = serializers.IntegerField(source="file.size")
    at = serializers.DateTimeField()


DOCUMENT = Resource(DocumentSerializer, content_type=computed("file__kind", make=CONTENT_TYPES.__getitem__))


class DocumentInSerializer(StrictFormSerializer):
    """One file, and what it is."""

    kind = serializers.ChoiceField(choices=TicketFileKind.choices, help_text="A `document` is for the customer.")
    file = UploadField(help_text="JPEG, PNG, HEIC or PDF.")


class KeptView(WorkView):
    def kept(self, reference: str) -> QuerySet[TicketFile]:
        return TicketFile.objects.filter(ticket__in=self.rows(reference), file__erased_at=None)


class DocumentsView(UploadView, KeptView):
    taken: tuple[TicketFileKind, StoredFile]

    @extend_schema(
        operation_id="listDocuments",
        tags=["Work"],
        parameters=[ListQuery],
        responses={200: page_schema(DocumentSerializer, "DocumentPage")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """Photos of the fault, proofs of purchase, documents."""
        page = paginate([self.kept(reference)], DOCUMENT, parse_query(request, ListQuery), order="id")
        if not page["results"]:
            self.ticket(reference)
        return json_response(page)

    def take(self, request: Request, reference: str) -> None:
        """Look at the file once it is clear that the job takes one."""
        said = self.validated_upload(request, DocumentInSerializer)
        messages.require_may_add_file(self.ticket(reference), timezone.now())
        self.taken = TicketFileKind(said["kind"]), self.store(said["file"], PURPOSE)

    @extend_schema(
        operation_id="addDocument",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=DocumentInSerializer,
        responses={201: DocumentSerializer, **problem_responses(409, 412, 503)},
    )
    @idempotent(first=take)
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Add a photo of the fault, a proof of purchase, or a document, of which the customer is told.

        It is made anew without what hides in it, such as the place of a photo; a picture becomes a JPEG.
        """
        kind, file = self.taken
        with self.locked(reference) as ticket:
            row = messages.add_document(
                ticket=ticket, kind=kind, file=file, actor=Actor(partner=self.partner), at=timezone.now()
            )
        where = reverse("api-document", args=[row.ticket.reference, row.pk])
        return json_response(DOCUMENT.from_instance(row), status=201, headers={"Location": where})


class DocumentContentView(ContentView, KeptView):
    @extend_schema(operation_id="getDocumentContent", tags=["Work"], responses=CONTENTS)
    def get(self, request: Request, reference: str, pk: int) -> Any:
        """The file itself, as it was made anew from the upload."""
        row = self.kept(reference).select_related("file").filter(pk=pk).first()
        if row is None:
            raise Http404
        return self.content_of(row.file)
