"""The service report of a ticket, and the same fault again (R63, R64)."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.fields import LineField, MultiLineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.resources import dumps, etag_of, json_response
from cps_portal.core.rest.schema import IF_MATCH, described, problem_responses
from servicing.actions.events import Actor
from servicing.actions.follow_ups import open_follow_up
from servicing.actions.reports import write_report
from servicing.api.intake import get_centre
from servicing.api.resources import TICKET, TicketSerializer
from servicing.api.tickets import TicketView
from servicing.models import ServiceReport, Ticket
from servicing.models.reports import MAX_TECHNICIAN_LENGTH, MAX_TEXT_LENGTH


class ReportInSerializer(StrictSerializer):
    """What was done. `done` stays with the serial number and is read by later owners: no names of people."""

    done = MultiLineField(max_length=MAX_TEXT_LENGTH, help_text="What was done. If nothing was, why.")
    parts = MultiLineField(
        required=False, allow_blank=True, default="", max_length=MAX_TEXT_LENGTH, help_text="One in each line."
    )
    notes = MultiLineField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_TEXT_LENGTH,
        help_text="Measurements and notes for this customer, one in each line.",
    )
    technician = LineField(
        required=False, allow_blank=True, default="", max_length=MAX_TECHNICIAN_LENGTH, help_text="A name or a team."
    )


class ReportOutSerializer(serializers.Serializer[Any]):
    done = serializers.CharField()
    parts = serializers.CharField(allow_blank=True)
    notes = serializers.CharField(allow_blank=True)
    technician = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class ReportView(TicketView):
    @extend_schema(
        operation_id="getServiceReport",
        tags=["Work"],
        responses={200: described(ReportOutSerializer, "The service report.")},
    )
    def get(self, request: Request, reference: str) -> HttpResponse:
        """The service report of a ticket. 404 if none was written."""
        report = ServiceReport.objects.filter(ticket__in=self.rows(reference)).first()
        if report is None:
            raise Http404
        return json_response(_report(report))

    @extend_schema(
        operation_id="writeServiceReport",
        tags=["Work"],
        parameters=[IF_MATCH],
        request=ReportInSerializer,
        responses={201: described(ReportOutSerializer, "The service report, kept."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Write the report, or write it again, from booking in until the product leaves the centre.

        The customer reads it once the product is ready. Later owners of the product read `done` only.
        """
        serializer = ReportInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with self.locked(reference) as ticket:
            report = write_report(
                ticket=ticket, **serializer.validated_data, actor=Actor(partner=self.partner), at=timezone.now()
            )
        return json_response(_report(report), status=201)


class FollowUpInSerializer(StrictSerializer):
    """Empty, unless the centre of the job is suspended."""

    centre = serializers.SlugField(
        required=False, max_length=80, help_text="Another one of your centres, while that of the job is suspended."
    )


class FollowUpView(TicketView):
    scopes = {"POST": Scope.INTAKE}

    @extend_schema(
        operation_id="openFollowUp",
        tags=["Intake"],
        parameters=[IF_MATCH],
        request=FollowUpInSerializer,
        responses={
            201: described(TicketSerializer, "The new ticket, which costs the customer nothing."),
            **problem_responses(409, 412),
        },
    )
    @idempotent()
    def post(self, request: Request, reference: str) -> HttpResponse:
        """Open a job because the same fault came back: covered by the last repair, and first in the queue (R63).

        Members do it themselves; at the counter it is done for them, and for visiting members.
        """
        serializer = FollowUpInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        slug = serializer.validated_data.get("centre")
        centre = get_centre(self.partner, slug) if slug else None
        with self.locked(reference) as ticket:
            follow_up = open_follow_up(
                ticket=ticket, centre=centre, actor=Actor(partner=self.partner), at=timezone.now()
            )
        rendered = TICKET.get(Ticket.objects.filter(pk=follow_up.pk))
        headers = {"Location": reverse("api-ticket", args=[follow_up.reference]), "ETag": etag_of(dumps(rendered))}
        return json_response(rendered, status=201, headers=headers)


def _report(report: ServiceReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in ("done", "parts", "notes", "technician", "at")}
