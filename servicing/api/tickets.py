"""Tickets and their events (R47, R52)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.errors import problem, problem_of
from cps_portal.core.rest.fields import AwareDateTimeField, LineField, MultiLineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import CompiledPages, ListQuery, SparseListQuery, SparseQuery, paginate, parse_query
from cps_portal.core.rest.resources import json_response, json_response_with_etag, require_if_match
from cps_portal.core.rest.schema import (
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    ProblemSerializer,
    described,
    page_schema,
    problem_responses,
)
from cps_portal.core.rest.views import PartnerView
from servicing.actions.dispatch import perform_event_action
from servicing.actions.event_batches import EventBatch, event_batch
from servicing.actions.events import Actor, EventDetails, find_by_external_id, keep_locked
from servicing.actions.intake import MAX_SERIAL_LENGTH
from servicing.api.openings import TicketOpeningSerializer, open_ticket
from servicing.api.resources import (
    EVENT,
    REPORTED_KIND_CHOICES,
    TICKET,
    EventSerializer,
    TicketSerializer,
    possible_moves,
)
from servicing.enums import EventKind, TicketState, WaitingFor, WhyNoCharge, WhyNoWarranty, WhyOtherFault
from servicing.models import ServiceCentre, Ticket, TicketEvent

MAX_EXTERNAL_ID_LENGTH = 100
MAX_PER_REQUEST = 50
WRONG_KIND = (
    "“{input}” can’t be recorded here. The kinds are: "
    f"{', '.join(kind for kind, _label in REPORTED_KIND_CHOICES)}. "
    "Estimates, parts and questions have endpoints of their own: estimates, parts, messages."
)
ORDERS = ["-opened_at", "opened_at", "-changed_at", "changed_at"]


class TicketListQuery(SparseListQuery):
    order = serializers.ChoiceField(choices=ORDERS, default="-opened_at")
    state = serializers.ChoiceField(choices=TicketState.choices, required=False)
    open = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Neither closed nor cancelled."
    )
    centre = serializers.SlugField(required=False, max_length=80, help_text="One of your centres.")
    serial = serializers.CharField(required=False, max_length=40, help_text="As on the ticket.")
    follows = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether it is the same fault again (R63)."
    )
    waiting_for = serializers.ChoiceField(
        choices=WaitingFor.choices, required=False, help_text="`centre`: customers who wait for your answer (R73)."
    )
    changed_since = AwareDateTimeField(required=False, help_text="Changed then or later.")


class TicketView(PartnerView):
    """Base view for one ticket of the partner's centres. Any other ticket answers 404."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.TICKETS_WRITE, "PATCH": Scope.TICKETS_WRITE}

    def rows(self, reference: str) -> QuerySet[Ticket]:
        return Ticket.objects.visible_to_partner(self.partner).filter(reference=parse_reference(reference))

    def ticket(self, reference: str) -> Ticket:
        """Raises Http404."""
        ticket = self.rows(reference).first()
        if ticket is None:
            raise Http404
        return ticket

    @contextmanager
    def locked(self, reference: str) -> Iterator[Ticket]:
        """The ticket, locked during the block. Checks `If-Match`.

        Opens no transaction (`idempotent` does), so that a refusal inside rolls back nothing by itself.
        Raises Http404, PreconditionFailed.
        """
        try:
            ticket = Ticket.objects.locked_where(
                reference=parse_reference(reference), centre__partner_id=self.partner.pk
            )
        except Ticket.DoesNotExist:
            raise Http404 from None
        require_if_match(self.request, lambda: TICKET.get(Ticket.objects.filter(pk=ticket.pk)))
        with keep_locked(ticket):
            yield ticket


class TicketsView(PartnerView):
    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.INTAKE}

    @extend_schema(
        operation_id="listTickets",
        tags=["Tickets"],
        parameters=[TicketListQuery],
        responses={200: described(page_schema(TicketSerializer, "TicketPage"), "A page of the tickets.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The tickets of your centres, the latest first. To follow changes, order by `changed_at`."""
        if request.query_params.keys() <= {"cursor"}:
            return json_response(PAGES.page(own_centres(self.partner), request.query_params.get("cursor", "")))
        query = parse_query(request, TicketListQuery)
        rows = Ticket.objects.all()
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if query["open"] is not None:
            rows = rows.filter(ended_at__isnull=query["open"])
        if "serial" in query:
            rows = rows.filter(serial=query["serial"])
        if query["follows"] is not None:
            rows = rows.filter(follows__isnull=not query["follows"])
        if "waiting_for" in query:
            rows = rows.filter(waiting_for=query["waiting_for"])
        if "changed_since" in query:
            rows = rows.filter(changed_at__gte=query["changed_since"])
        querysets = [rows.filter(centre=centre) for centre in own_centres(self.partner, query.get("centre"))]
        return json_response(paginate(querysets, TICKET, query, order=query["order"]))

    @extend_schema(
        operation_id="openTicket",
        tags=["Intake"],
        request=TicketOpeningSerializer,
        responses={201: described(TicketSerializer, "The ticket, opened."), **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Open a job at the counter, with a key from `checkIntake`."""
        return open_ticket(request, self.partner)


def own_centres(partner: Partner, slug: str | None = None) -> list[int]:
    """The primary keys of the partner's centres, or of the one with this slug."""
    return [key for key, name in CENTRES.all(partner=partner.pk) if slug in (None, name)]


CENTRES: CompiledQuery[tuple[int, str]] = CompiledQuery(
    lambda partner: ServiceCentre.objects.filter(partner=partner).order_by("pk").values_list("pk", "slug")
)
PAGES = CompiledPages(TICKET, lambda owner: Ticket.objects.filter(centre=owner), order="-opened_at")
TICKET_BY_REFERENCE = TICKET.compiled(
    lambda reference, partner: Ticket.objects.filter(reference=reference, centre__partner=partner).order_by()
)


class TicketDetailView(TicketView):
    @extend_schema(
        operation_id="getTicket",
        tags=["Tickets"],
        parameters=[SparseQuery, IF_NONE_MATCH],
        responses={200: described(TicketSerializer, "The ticket."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """One ticket. To avoid overwriting a change, send its `ETag` as `If-Match` when you write."""
        if not request.query_params:
            ticket = TICKET_BY_REFERENCE.get(reference=parse_reference(reference), partner=self.partner.pk)
        else:
            ticket = TICKET.get(self.rows(reference), parse_query(request, SparseQuery).get("fields", ""))
        if ticket is None:
            raise Http404
        return json_response_with_etag(request, ticket)


# --- Events ------------------------------------------------------------------------------------------


class EventListQuery(ListQuery):
    pass


class ReportSerializer(StrictSerializer):
    """An event to record. Each field below `occurred_at` belongs to one kind; leave it out for the others."""

    kind = serializers.ChoiceField(choices=REPORTED_KIND_CHOICES, error_messages={"invalid_choice": WRONG_KIND})
    external_id = serializers.CharField(
        max_length=MAX_EXTERNAL_ID_LENGTH,
        help_text="Your number for this event. A repeated number is the same event.",
    )
    occurred_at = AwareDateTimeField(help_text="When it happened at the centre. It may be late or out of order.")
    condition = MultiLineField(
        required=False, allow_blank=True, default="", max_length=1000, help_text="booked_in: its condition at intake."
    )
    accessories = LineField(
        required=False, allow_blank=True, default="", max_length=300, help_text="booked_in: what came with it."
    )
    in_warranty = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="warranty_decided: the decision."
    )
    why = serializers.ChoiceField(
        choices=WhyNoWarranty.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="warranty_decided: why not. The customer reads it.",
    )
    why_no_charge = serializers.ChoiceField(
        choices=WhyNoCharge.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="no_charge: why the customer pays nothing. The customer reads it.",
    )
    why_other_fault = serializers.ChoiceField(
        choices=WhyOtherFault.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="other_fault: why the last repair does not cover it. The customer reads it.",
    )
    proof_seen = serializers.BooleanField(
        required=False, default=False, help_text="warranty_decided: you have seen a proof of purchase."
    )
    serial = LineField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_SERIAL_LENGTH,
        help_text="serial_changed: the number that is on the product now.",
    )
    insisted = serializers.BooleanField(
        required=False, default=False, help_text="serial_changed: you have compared an unusual number with the product."
    )
    carrier = LineField(
        required=False,
        allow_blank=True,
        default="",
        max_length=60,
        help_text="shipped: the slug of a carrier, or any other name.",
    )
    tracking = LineField(required=False, allow_blank=True, default="", max_length=60, help_text="shipped.")
    tracking_url = serializers.URLField(
        required=False, allow_blank=True, default="", max_length=300, help_text="shipped: begins with https://."
    )
    expected_on = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="shipped: the day on which it should arrive."
    )

    loan_stays_out = serializers.BooleanField(
        required=False,
        default=False,
        help_text="closed, cancelled: you know that the customer still has the loan. Otherwise that is refused (R53).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == EventKind.WARRANTY_DECIDED and attrs["in_warranty"] is None:
            raise serializers.ValidationError({"in_warranty": ["Say what was decided: true or false."]})
        if attrs["kind"] == EventKind.NO_CHARGE and not attrs["why_no_charge"]:
            raise serializers.ValidationError({"why_no_charge": ["Say why there is no charge."]})
        if attrs["kind"] == EventKind.SERIAL_CHANGED and not attrs["serial"]:
            raise serializers.ValidationError({"serial": ["Send the number that is on the product now."]})
        if attrs["kind"] == EventKind.OTHER_FAULT and not attrs["why_other_fault"]:
            raise serializers.ValidationError({"why_other_fault": ["Say why it is another fault."]})
        return attrs


class ReportedSerializer(serializers.Serializer[Any]):
    """The recorded event, and the state of the ticket after it."""

    recorded = serializers.BooleanField(help_text="False if this external_id was already known: nothing changed.")
    event: Any = EventSerializer()
    state = serializers.ChoiceField(choices=TicketState.choices)
    moves = serializers.ListField(child=serializers.CharField())
    due_at = serializers.DateTimeField(allow_null=True)
    paused = serializers.BooleanField()


class TicketEventsView(TicketView):
    @extend_schema(
        operation_id="listTicketEvents",
        tags=["Tickets"],
        parameters=[EventListQuery],
        responses={200: described(page_schema(EventSerializer, "EventPage"), "A page of the events.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The events of a ticket, in the order in which we received them."""
        query = parse_query(request, EventListQuery)
        rows = TicketEvent.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], EVENT, query, order="id"))

    @extend_schema(
        operation_id="recordTicketEvent",
        tags=["Tickets"],
        parameters=[IF_MATCH],
        request=ReportSerializer,
        responses={
            200: described(
                ReportedSerializer, "It was recorded before: the first record, and the ticket as it is now."
            ),
            201: described(ReportedSerializer, "The event, recorded, and the ticket after it."),
            **problem_responses(409, 412),
        },
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Record an event. The clock and the state are calculated from all events together (R47)."""
        report = ReportSerializer(data=request.data)
        report.is_valid(raise_exception=True)
        try:
            with self.locked(reference) as ticket:
                reported = record(ticket, report.validated_data, self.partner, timezone.now())
        except Refusal as refusal:
            if refusal.code != "stolen":
                raise
            return problem(409, refusal.code, str(refusal))  # raising it would roll back the sighting (R34)
        return json_response(reported, status=201 if reported["recorded"] else 200)


def record(ticket: Ticket, payload: Mapping[str, Any], partner: Partner, at: datetime) -> dict[str, Any]:
    """Record a reported event and return what the API answers. The ticket is locked. Raises Refusal."""
    details: EventDetails = {
        "actor": Actor(partner=partner),
        "at": at,
        "occurred_at": payload["occurred_at"],
        "external_id": payload["external_id"],
    }
    kind = EventKind(payload["kind"])
    known = find_by_external_id(ticket, payload["external_id"])
    # The kinds that are reported here record nothing but the event, and return it.
    event = cast(TicketEvent, perform_event_action(ticket=ticket, kind=kind, payload=payload, details=details))
    return {
        "recorded": known is None,
        "event": EVENT.from_instance(event),
        "state": ticket.state,
        "moves": possible_moves(ticket.state, ticket.charge, ticket.follows_id),
        "due_at": ticket.due_at,
        "paused": ticket.paused,
    }


# --- Batches -----------------------------------------------------------------------------------------


class BatchItemSerializer(ReportSerializer):
    reference = serializers.CharField(max_length=20, help_text="The reference of the ticket.")


class BatchSerializer(StrictSerializer):
    events: Any = BatchItemSerializer(many=True, allow_empty=False, max_length=MAX_PER_REQUEST)  # type: ignore[call-arg]


class BatchAnswerItemSerializer(serializers.Serializer[Any]):
    """`status` is the status that the event would get on its own: 200, 201, or that of its `problem`."""

    status = serializers.IntegerField()
    reported: Any = ReportedSerializer(required=False)
    problem: Any = ProblemSerializer(required=False)


class BatchAnswerSerializer(serializers.Serializer[Any]):
    results: Any = BatchAnswerItemSerializer(many=True)


class TicketEventBatchView(TicketView):
    @extend_schema(
        operation_id="recordTicketEvents",
        tags=["Tickets"],
        request=BatchSerializer,
        responses={
            200: described(BatchAnswerSerializer, "One result for each event, in your order, each with its own status.")
        },
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Record up to 50 events of your tickets, each on its own: a refused event does not stop the others.

        If any event is malformed, nothing is recorded and the answer is 400.

        Events are recorded and answered in the order in which you send them. The clock sorts them by `occurred_at`.
        """
        batch = BatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        at = timezone.now()
        events = batch.validated_data["events"]
        references = {parse_reference(event["reference"]) for event in events}
        with event_batch(partner=self.partner, references=references, at=at) as recorder:
            results = [self._record(recorder, event, at) for event in events]
        return json_response({"results": results})

    def _record(self, recorder: EventBatch, payload: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        def act(ticket: Ticket) -> dict[str, Any]:
            require_if_match(self.request, lambda: _as_written(recorder, ticket))
            try:
                reported = record(ticket, payload, self.partner, at)
            except Refusal as refusal:
                if refusal.code != "stolen":
                    raise
                return _problem_item(refusal)  # only the sighting was written, and it is kept (R34)
            return {"status": 201 if reported["recorded"] else 200, "reported": reported}

        try:
            return recorder.record(parse_reference(payload["reference"]), EventKind(payload["kind"]), act)
        except Ticket.DoesNotExist:
            return _problem_item(Http404())
        except Refusal as error:
            return _problem_item(error)


def _as_written(recorder: EventBatch, ticket: Ticket) -> Any:
    recorder.writes.write()
    return TICKET.get(Ticket.objects.filter(pk=ticket.pk))


def _problem_item(error: Exception) -> dict[str, Any]:
    body = problem_of(error)
    return {"status": body["status"], "problem": body}
