"""Estimates, parts, messages and documents of a ticket (R47, R48, R52)."""

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
from cps_portal.core.rest.fields import AwareDateTimeField, LineField, MultiLineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed, json_response
from cps_portal.core.rest.schema import IF_MATCH, described, page_schema, problem_responses
from cps_portal.core.rest.uploads import CONTENTS, ContentView, StrictFormSerializer, UploadField, UploadView
from servicing.actions import estimates, messages, parts
from servicing.actions.conversation import mark_read
from servicing.actions.events import Actor
from servicing.api.resources import TICKET, TicketSerializer
from servicing.api.tickets import MAX_EXTERNAL_ID_LENGTH, TicketView
from servicing.enums import EstimateState, LineKind, TicketFileKind
from servicing.models import Estimate, Part, Ticket, TicketFile, TicketMessage
from servicing.queries.file_access import PURPOSE

MAX_KEY = 2**63 - 1


class StepSerializer(StrictSerializer):
    """The fields that every reported event can have."""

    external_id = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_EXTERNAL_ID_LENGTH,
        help_text="Your number for this event. A repeated number is the same event.",
    )
    occurred_at = AwareDateTimeField(required=False, allow_null=True, default=None)


class WorkView(TicketView):
    """Base view for what belongs to a ticket."""

    def validated(self, request: Request, serializer_class: type[StrictSerializer]) -> dict[str, Any]:
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def pop_event_details(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Take the fields of StepSerializer out of `payload` and return the event details for an action."""
        return {
            "actor": Actor(partner=self.partner),
            "at": timezone.now(),
            "external_id": payload.pop("external_id"),
            "occurred_at": payload.pop("occurred_at"),
        }


# --- Estimates ---------------------------------------------------------------------------------------


class LineSerializer(StrictSerializer):
    """One line. The discount on maintenance is added by the portal."""

    kind = serializers.ChoiceField(
        choices=[choice for choice in LineKind.choices if choice[0] != LineKind.DISCOUNT],
        required=False,
        allow_blank=True,
        default="",
        help_text="By the service of the ticket if you leave it out. Maintenance has the member's discount.",
    )
    text = LineField(max_length=estimates.MAX_TEXT_LENGTH)
    quantity = serializers.DecimalField(max_digits=7, decimal_places=2, default=Decimal(1))
    price = serializers.DecimalField(max_digits=12, decimal_places=2)
    tax_percent = serializers.DecimalField(
        max_digits=4, decimal_places=2, min_value=0, max_value=99, default=Decimal(0)
    )


class EstimateInSerializer(StepSerializer):
    currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217: that of the centre.")
    valid_until = serializers.DateField(help_text="The last day on which the customer can answer.")
    note = MultiLineField(
        required=False, allow_blank=True, default="", max_length=estimates.MAX_NOTE_LENGTH, help_text="What was found."
    )
    lines: Any = LineSerializer(many=True, allow_empty=False, max_length=estimates.MAX_LINES)  # type: ignore[call-arg]


class LineOutSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=LineKind.choices)
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


def render_estimate(estimate: Estimate) -> dict[str, Any]:
    fields = ("number", "state", "currency", "valid_until", "note", "sent_at", "answered_at", "net", "tax", "total")
    lines = [
        {name: getattr(line, name) for name in ("kind", "quantity", "price", "tax_percent")} | {"text": line.label}
        for line in estimate.lines.all()
    ]
    return {**{name: getattr(estimate, name) for name in fields}, "lines": lines}


class EstimatesView(WorkView):
    @extend_schema(
        operation_id="listEstimates",
        tags=["Work"],
        responses={200: described(EstimateListSerializer, "All estimates of the ticket.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The estimates of a ticket, oldest first, without pages."""
        rows = Estimate.objects.filter(ticket__in=self.rows(reference)).prefetch_related("lines").order_by("number")
        results = [render_estimate(estimate) for estimate in rows]
        if not results:
            self.ticket(reference)
        return json_response({"results": results})

    @extend_schema(
        operation_id="sendEstimate",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=EstimateInSerializer,
        responses={
            201: described(EstimateSerializer, "The estimate, sent to the customer, with its sums."),
            **problem_responses(409, 412),
        },
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Ask the customer to approve the cost. The clock is paused until they answer. A later estimate replaces this
        one (R47)."""
        payload = self.validated(request, EstimateInSerializer)
        details = self.pop_event_details(payload)
        lines: Sequence[estimates.Line] = [estimates.Line(**line) for line in payload.pop("lines")]
        with self.locked(reference) as ticket:
            estimate = estimates.send_estimate(ticket=ticket, lines=lines, **payload, **details)
        prefetch_related_objects([estimate], "lines")
        return json_response(render_estimate(estimate), status=201)


# --- Parts -------------------------------------------------------------------------------------------


class PartSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    ordered_at = serializers.DateTimeField()
    expected_on = serializers.DateField(allow_null=True)
    arrived_at = serializers.DateTimeField(allow_null=True)


PART = Resource(PartSerializer)


class PartInSerializer(StepSerializer):
    name = LineField(max_length=120)
    expected_on = serializers.DateField(required=False, allow_null=True, default=None)


class PartExpectedSerializer(StepSerializer):
    expected_on = serializers.DateField(allow_null=True, help_text="null if the date is not known.")


class PartsView(WorkView):
    @extend_schema(
        operation_id="listParts",
        tags=["Work"],
        parameters=[ListQuery],
        responses={200: described(page_schema(PartSerializer, "PartPage"), "A page of the parts.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The parts of a ticket, in the order in which they were reported."""
        rows = Part.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], PART, parse_query(request, ListQuery), order="id"))

    @extend_schema(
        operation_id="orderPart",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=PartInSerializer,
        responses={201: described(PartSerializer, "The part, ordered."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Record an ordered part. The clock goes on. If it makes the job late the customer is told at once (R48)."""
        payload = self.validated(request, PartInSerializer)
        details = self.pop_event_details(payload)
        with self.locked(reference) as ticket:
            part = parts.order_part(ticket=ticket, **payload, **details)
        return json_response(PART.from_instance(part), status=201)


class PartView(WorkView):
    """One part of one of the partner's tickets."""

    def part(self, reference: str, pk: int) -> Part:
        part = Part.objects.filter(pk=pk, ticket__in=self.rows(reference)).first()
        if part is None:
            raise Http404
        return part


class PartExpectedView(PartView):
    @extend_schema(
        operation_id="expectPart",
        tags=["Work"],
        request=PartExpectedSerializer,
        responses={
            200: described(PartSerializer, "The part, with the day when it is expected."),
            **problem_responses(409),
        },
    )
    @idempotent()
    def post(self, request: Request, reference: str, pk: int) -> HttpResponse:
        """Set, change or clear the date when a part is expected."""
        payload = self.validated(request, PartExpectedSerializer)
        details = self.pop_event_details(payload)
        return json_response(PART.from_instance(parts.expect_part(part=self.part(reference, pk), **payload, **details)))


class PartArrivedView(PartView):
    @extend_schema(
        operation_id="recordPartArrived",
        tags=["Work"],
        request=StepSerializer,
        responses={200: described(PartSerializer, "The part, arrived."), **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str, pk: int) -> HttpResponse:
        """Record that a part has arrived."""
        details = self.pop_event_details(self.validated(request, StepSerializer))
        return json_response(PART.from_instance(parts.receive_part(part=self.part(reference, pk), **details)))


# --- Messages ----------------------------------------------------------------------------------------


class MessageSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    from_customer = serializers.BooleanField(source="from_member")
    text = serializers.CharField(allow_blank=True, help_text="Blank once it is erased.")
    at = serializers.DateTimeField()


MESSAGE = Resource(MessageSerializer)


class MessageInSerializer(StrictSerializer):
    text = MultiLineField(max_length=messages.MAX_TEXT_LENGTH)
    asks = serializers.BooleanField(
        required=False, default=False, help_text="You need an answer: the clock is paused until it comes (R47)."
    )
    external_id = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_EXTERNAL_ID_LENGTH)


class MessagesView(WorkView):
    @extend_schema(
        operation_id="listMessages",
        tags=["Work"],
        parameters=[ListQuery],
        responses={200: described(page_schema(MessageSerializer, "MessagePage"), "A page of the messages.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The messages between customer and centre."""
        rows = TicketMessage.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], MESSAGE, parse_query(request, ListQuery), order="id"))

    @extend_schema(
        operation_id="writeMessage",
        tags=["Work"],
        request=MessageInSerializer,
        responses={201: described(MessageSerializer, "The message, sent."), **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Write to the customer, who gets it by e-mail and on the ticket's page."""
        payload = self.validated(request, MessageInSerializer)
        with self.locked(reference) as ticket:
            message = messages.write_message(
                ticket=ticket, actor=Actor(partner=self.partner), at=timezone.now(), **payload
            )
        return json_response(MESSAGE.from_instance(message), status=201)


class ReadSerializer(StrictSerializer):
    until = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY, help_text="The `id` of the newest message that you have read."
    )


class MessagesReadView(WorkView):
    @extend_schema(
        operation_id="markMessagesRead",
        tags=["Work"],
        request=ReadSerializer,
        responses={200: described(TicketSerializer, "The ticket, with what is still unread.")},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Say that nothing needs an answer up to this message. What you write answers the messages before it (R73)."""
        payload = self.validated(request, ReadSerializer)
        with self.locked(reference) as ticket:
            mark_read(ticket=ticket, until=payload["until"], at=timezone.now())
        return json_response(TICKET.get(Ticket.objects.filter(pk=ticket.pk)))


# --- Documents ---------------------------------------------------------------------------------------


class DocumentSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=TicketFileKind.choices)
    content_type = serializers.CharField()
    bytes = serializers.IntegerField(source="file.size")
    at = serializers.DateTimeField()


DOCUMENT = Resource(DocumentSerializer, content_type=computed("file__kind", make=CONTENT_TYPES.__getitem__))


class DocumentInSerializer(StrictFormSerializer):
    """One file and its kind."""

    kind = serializers.ChoiceField(
        choices=TicketFileKind.choices,
        help_text="`intake`: a photo on arrival. The customer is told about a `document`.",
    )
    file = UploadField(help_text="JPEG, PNG, HEIC or PDF.")


class DocumentsBaseView(WorkView):
    def documents(self, reference: str) -> QuerySet[TicketFile]:
        return TicketFile.objects.filter(ticket__in=self.rows(reference), file__erased_at=None)


class DocumentsView(UploadView, DocumentsBaseView):
    upload: tuple[TicketFileKind, StoredFile]

    @extend_schema(
        operation_id="listDocuments",
        tags=["Work"],
        parameters=[ListQuery],
        responses={
            200: described(
                page_schema(DocumentSerializer, "DocumentPage"), "A page of the documents, without their content."
            )
        },
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """Photos of the fault, proofs of purchase, documents."""
        page = paginate([self.documents(reference)], DOCUMENT, parse_query(request, ListQuery), order="id")
        if not page["results"]:
            self.ticket(reference)
        return json_response(page)

    def store_upload(self, request: Request, reference: str) -> None:
        """Check and store the file. The ticket must accept one."""
        payload = self.validated_upload(request, DocumentInSerializer)
        messages.require_may_add_file(self.ticket(reference), timezone.now())
        self.upload = TicketFileKind(payload["kind"]), self.store(payload["file"], PURPOSE)

    @extend_schema(
        operation_id="addDocument",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=DocumentInSerializer,
        responses={201: described(DocumentSerializer, "The document, kept."), **problem_responses(409, 412, 503, 507)},
    )
    @idempotent(first=store_upload)
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Add a photo of the fault, a proof of purchase, or a document. The customer is told about a document.

        The file is re-encoded without hidden data, such as where a photo was taken. A picture becomes a JPEG.
        """
        kind, file = self.upload
        with self.locked(reference) as ticket:
            document = messages.add_document(
                ticket=ticket, kind=kind, file=file, actor=Actor(partner=self.partner), at=timezone.now()
            )
        location = reverse("api-document", args=[document.ticket.reference, document.pk])
        return json_response(DOCUMENT.from_instance(document), status=201, headers={"Location": location})


class DocumentContentView(ContentView, DocumentsBaseView):
    @extend_schema(operation_id="getDocumentContent", tags=["Work"], responses=CONTENTS)
    def get(self, request: Request, reference: str, pk: int) -> Any:
        """The file itself, re-encoded from the upload."""
        document = self.documents(reference).select_related("file").filter(pk=pk).first()
        if document is None:
            raise Http404
        return self.content_of(document.file)
