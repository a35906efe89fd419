"""Tickets and what happens to them (R47, R52)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import read_reference
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.errors import problem, problem_of
from cps_portal.core.rest.fields import AwareDateTimeField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import CompiledPages, ListQuery, SparseListQuery, SparseQuery, paginate, parse_query
from cps_portal.core.rest.resources import json_response, json_response_with_etag, require_if_match
from cps_portal.core.rest.schema import IF_MATCH, IF_NONE_MATCH, ProblemSerializer, page_schema, problem_responses
from cps_portal.core.rest.views import PartnerView
from servicing.actions import counter, estimates, messages, service_requests, shipping, warranty
from servicing.actions.events import Actor, record_on
from servicing.api.openings import TicketOpeningSerializer, open_ticket
from servicing.api.resources import EVENT, MOVES, TICKET, TOLD_CHOICES, EventSerializer, TicketSerializer
from servicing.enums import EventKind, TicketState, WhyNoWarranty
from servicing.models import Estimate, ServiceCentre, Ticket, TicketEvent

MAX_EXTERNAL_ID_LENGTH = 100
MAX_PER_REQUEST = 50
ORDERS = ["-opened_at", "opened_at", "-changed_at", "changed_at"]


class TicketListQuery(SparseListQuery):
    order = serializers.ChoiceField(choices=ORDERS, default="-opened_at")
    state = serializers.ChoiceField(choices=TicketState.choices, required=False)
    open = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Not closed, not cancelled."
    )
    centre = serializers.SlugField(required=False, max_length=80, help_text="One of your centres.")
    serial = serializers.CharField(required=False, max_length=40, help_text="As on the ticket.")
    changed_since = AwareDateTimeField(required=False)


class TicketView(PartnerView):
    """An endpoint about one ticket of the partner's centres: any other is as if it did not exist."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.TICKETS_WRITE, "PATCH": Scope.TICKETS_WRITE}

    def rows(self, reference: str) -> QuerySet[Ticket]:
        return Ticket.objects.visible_to_partner(self.partner).filter(reference=read_reference(reference))

    def ticket(self, reference: str) -> Ticket:
        """Raises Http404."""
        row = self.rows(reference).first()
        if row is None:
            raise Http404
        return row

    def locked(self, reference: str) -> Ticket:
        """The same, locked, and compared with `If-Match`. Raises Http404, PreconditionFailed."""
        try:
            row = Ticket.objects.locked_where(reference=read_reference(reference), centre__partner_id=self.partner.pk)
        except Ticket.DoesNotExist:
            raise Http404 from None
        require_if_match(self.request, lambda: TICKET.get(Ticket.objects.filter(pk=row.pk)))
        return row


class TicketsView(PartnerView):
    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.INTAKE}

    @extend_schema(
        operation_id="listTickets",
        tags=["Tickets"],
        parameters=[TicketListQuery],
        responses={200: page_schema(TicketSerializer, "TicketPage")},
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
        if "changed_since" in query:
            rows = rows.filter(changed_at__gte=query["changed_since"])
        parts = [rows.filter(centre=centre) for centre in own_centres(self.partner, query.get("centre"))]
        return json_response(paginate(parts, TICKET, query, order=query["order"]))

    @extend_schema(
        operation_id="openTicket",
        tags=["Intake"],
        request=TicketOpeningSerializer,
        responses={201: TicketSerializer, **problem_responses(409)},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Open a job for what somebody brings to the counter, with a key of `checkIntake`."""
        return open_ticket(request, self.partner)


def own_centres(partner: Partner, slug: str | None = None) -> list[int]:
    """The keys of a partner's centres: each is asked for by itself, in the order of its own index."""
    return [key for key, name in CENTRES.all(partner=partner.pk) if slug in (None, name)]


CENTRES: CompiledQuery[tuple[int, str]] = CompiledQuery(
    lambda partner: ServiceCentre.objects.filter(partner=partner).order_by("pk").values_list("pk", "slug")
)
PAGES = CompiledPages(TICKET, lambda owner: Ticket.objects.filter(centre=owner), order="-opened_at")
ONE = TICKET.compiled(
    lambda reference, partner: Ticket.objects.filter(reference=reference, centre__partner=partner).order_by()
)


class OneTicketView(TicketView):
    @extend_schema(
        operation_id="getTicket",
        tags=["Tickets"],
        parameters=[SparseQuery, IF_NONE_MATCH],
        responses={200: TicketSerializer, 304: None},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """One ticket. Its `ETag` goes into `If-Match` of what you write, if you want to be sure."""
        if not request.query_params:
            found = ONE.get(reference=read_reference(reference), partner=self.partner.pk)
        else:
            found = TICKET.get(self.rows(reference), parse_query(request, SparseQuery).get("fields", ""))
        if found is None:
            raise Http404
        return json_response_with_etag(request, found)


# --- What happens ------------------------------------------------------------------------------------


class EventListQuery(ListQuery):
    pass


class ReportSerializer(StrictSerializer):
    """What happened. The fields below `occurred_at` belong to one kind each; they are empty for the others."""

    kind = serializers.ChoiceField(choices=TOLD_CHOICES)
    external_id = serializers.CharField(
        max_length=MAX_EXTERNAL_ID_LENGTH, help_text="Your number of this event: the same again is the same event."
    )
    occurred_at = AwareDateTimeField(help_text="When it happened at the centre. Late and out of order is fine.")
    condition = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=1000, help_text="booked_in: its condition at intake."
    )
    accessories = serializers.CharField(
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
    proof_seen = serializers.BooleanField(
        required=False, default=False, help_text="warranty_decided: you have seen a proof of purchase."
    )
    carrier = serializers.CharField(required=False, allow_blank=True, default="", max_length=60, help_text="shipped.")
    tracking = serializers.CharField(required=False, allow_blank=True, default="", max_length=60, help_text="shipped.")
    tracking_url = serializers.URLField(
        required=False, allow_blank=True, default="", max_length=300, help_text="shipped: begins with https://."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == EventKind.WARRANTY_DECIDED and attrs["in_warranty"] is None:
            raise serializers.ValidationError({"in_warranty": ["Say what was decided: true or false."]})
        return attrs


class ReportedSerializer(serializers.Serializer[Any]):
    """The event as it was recorded, and the ticket after it."""

    recorded = serializers.BooleanField(help_text="False: this external_id was known, and nothing changed.")
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
        responses={200: page_schema(EventSerializer, "EventPage")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """All that happened to a ticket, in the order in which we heard of it."""
        query = parse_query(request, EventListQuery)
        rows = TicketEvent.objects.filter(ticket=self.ticket(reference))
        return json_response(paginate([rows], EVENT, query, order="id"))

    @extend_schema(
        operation_id="recordTicketEvent",
        tags=["Tickets"],
        parameters=[IF_MATCH],
        request=ReportSerializer,
        responses={200: ReportedSerializer, 201: ReportedSerializer, **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Record what happened. The clock and the state follow from all events together (R47)."""
        report = ReportSerializer(data=request.data)
        report.is_valid(raise_exception=True)
        try:
            found = record(self.locked(reference), report.validated_data, self.partner, timezone.now())
        except Refusal as refusal:
            if refusal.code != "stolen":
                raise
            return problem(409, refusal.code, str(refusal))  # raised, it would take the kept sighting back (R34)
        return json_response(found, status=201 if found["recorded"] else 200)


def record(row: Ticket, said: Mapping[str, Any], partner: Partner, at: datetime) -> dict[str, Any]:
    """Call the action that this kind of event stands for, and tell what came of it. The ticket is locked.

    Raises Refusal.
    """
    kind = EventKind(said["kind"])
    step: dict[str, Any] = {
        "who": Actor(partner=partner),
        "at": at,
        "occurred_at": said["occurred_at"],
        "external_id": said["external_id"],
    }
    if kind == EventKind.BOOKED_IN:
        done, event = _book_in(row, said, step)
    elif kind in OWN_ACTION:
        OWN_ACTION[kind](row, said, step)
        event = TicketEvent.objects.get(ticket=row, external_id=said["external_id"])
        done = Ticket.objects.only("state", "due_at", "paused").get(pk=row.pk)
    else:
        done, event = record_on(ticket=row, kind=kind, **step)
    return {
        "recorded": event.received_at == at,
        "event": EVENT.from_instance(event),
        "state": done.state,
        "moves": MOVES[done.state],
        "due_at": done.due_at,
        "paused": done.paused,
    }


def _book_in(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> tuple[Ticket, TicketEvent]:
    counter.require_not_stolen(
        product=row.product, serial_key=row.serial_key, registration=row.registration, at=step["at"]
    )
    return service_requests.book_in_on(
        ticket=row, condition=said["condition"], accessories=said["accessories"], is_clean=True, **step
    )


def _decide_warranty(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    warranty.decide_warranty(
        ticket=row, in_warranty=said["in_warranty"], why=said["why"], proof_seen=said["proof_seen"], **step
    )


def _approve(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    estimates.approve_estimate(estimate=_answered(row), **step)


def _decline(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    estimates.decline_estimate(estimate=_answered(row), **step)


def _answered(row: Ticket) -> Estimate:
    """The newest estimate: the action knows whether it can still be answered."""
    found = row.estimates.order_by("-number").first()
    if found is None:
        raise Refusal("answered", _("No estimate waits for an answer."), "kind")
    return found


def _withdraw(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    estimates.withdraw_estimate(ticket=row, **step)


def _answer_question(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    messages.answer_heard(ticket=row, **step)


def _ship(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    shipping.ship(
        ticket=row, carrier=said["carrier"], tracking=said["tracking"], tracking_url=said["tracking_url"], **step
    )


def _cancel(row: Ticket, said: Mapping[str, Any], step: dict[str, Any]) -> None:
    shipping.cancel(ticket=row, **step)


OWN_ACTION: Mapping[EventKind, Callable[[Ticket, Mapping[str, Any], dict[str, Any]], None]] = {
    EventKind.WARRANTY_DECIDED: _decide_warranty,
    EventKind.ESTIMATE_APPROVED: _approve,
    EventKind.ESTIMATE_DECLINED: _decline,
    EventKind.ESTIMATE_WITHDRAWN: _withdraw,
    EventKind.QUESTION_ANSWERED: _answer_question,
    EventKind.SHIPPED: _ship,
    EventKind.CANCELLED: _cancel,
}


# --- Many at once ------------------------------------------------------------------------------------


class BatchItemSerializer(ReportSerializer):
    reference = serializers.CharField(max_length=20, help_text="Of the ticket.")


class BatchSerializer(StrictSerializer):
    events: Any = BatchItemSerializer(many=True, allow_empty=False, max_length=MAX_PER_REQUEST)  # type: ignore[call-arg]


class BatchAnswerItemSerializer(serializers.Serializer[Any]):
    """`status` is what the event would have been answered by itself: 200, 201, or that of its `problem`."""

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
        responses={200: BatchAnswerSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Record up to 50 events of your tickets, each for itself: one that is refused does not stop the others.

        Only if one cannot be read at all is nothing recorded, and the answer is 400.

        They are taken and answered in the order in which they were sent; the clock puts them in theirs by itself.
        """
        batch = BatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        at = timezone.now()
        results = [self._one(event, at) for event in batch.validated_data["events"]]
        return json_response({"results": results})

    def _one(self, said: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        try:
            with transaction.atomic():
                try:
                    found = record(self.locked(said["reference"]), said, self.partner, at)
                except Refusal as refusal:
                    if refusal.code != "stolen":
                        raise
                    return _not_done(refusal)  # nothing was written but its sighting, which stays (R34)
        except (Refusal, Http404) as error:
            return _not_done(error)
        return {"status": 201 if found["recorded"] else 200, "reported": found}


def _not_done(error: Exception) -> dict[str, Any]:
    no = problem_of(error)
    return {"status": no["status"], "problem": no}
