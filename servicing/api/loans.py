"""Courtesy loans and the pool they come from (R48, R53)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.fields import MultiLineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import (
    Resource,
    SparseSerializer,
    json_response,
    json_response_with_etag,
    require_if_match,
)
from cps_portal.core.rest.schema import IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED, described, page_schema, problem_responses
from cps_portal.core.rest.views import PartnerView
from servicing.actions import loans
from servicing.actions.events import Actor, lock_ticket
from servicing.api.resources import NamedSerializer
from servicing.enums import LoanState
from servicing.models import Loan, LoanQuerySet, LoanUnit


class UnitSerializer(SparseSerializer):
    """One unit of a centre's loan pool."""

    id = serializers.IntegerField(source="pk")
    centre = serializers.CharField(source="centre.slug", help_text="Its slug.")
    product = NamedSerializer()
    serial = serializers.CharField()
    condition = serializers.CharField(allow_blank=True)
    in_pool = serializers.BooleanField()
    lent = serializers.BooleanField(source="is_lent")


UNIT = Resource(UnitSerializer)


class LoanSerializer(SparseSerializer):
    id = serializers.IntegerField(source="pk")
    ticket = serializers.CharField(source="ticket.reference", help_text="Its reference.")
    unit = serializers.IntegerField(source="unit_id")
    product = NamedSerializer(source="unit.product")
    serial = serializers.CharField(source="unit.serial")
    state = serializers.ChoiceField(choices=LoanState.choices)
    reserved_at = serializers.DateTimeField()
    agreed_at = serializers.DateTimeField(allow_null=True, help_text="When the member accepted the agreement.")
    out_at = serializers.DateTimeField(allow_null=True)
    condition_out = serializers.CharField(allow_blank=True)
    due_back = serializers.DateField(
        allow_null=True, help_text="Null while it follows the repair. It moves with the job, never to an earlier day."
    )
    returned_at = serializers.DateTimeField(allow_null=True)
    condition_in = serializers.CharField(allow_blank=True)
    cancelled_at = serializers.DateTimeField(allow_null=True)


LOAN = Resource(LoanSerializer)


class UnitListQuery(ListQuery):
    free = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="In the pool and not on loan."
    )


class LoanListQuery(ListQuery):
    state = serializers.ChoiceField(choices=LoanState.choices, required=False)
    due_before = serializers.DateField(required=False, help_text="Out, and due back before this day.")


class LoanUnitsView(PartnerView):
    scope = Scope.LOANS_READ

    @extend_schema(
        operation_id="listLoanUnits",
        tags=["Loans"],
        parameters=[UnitListQuery],
        responses={200: described(page_schema(UnitSerializer, "LoanUnitPage"), "A page of the units.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The loan units of your centres."""
        query = parse_query(request, UnitListQuery)
        rows = LoanUnit.objects.visible_to_partner(self.partner).with_lent()
        if query["free"] is not None:
            rows = rows.in_stock(free=query["free"])
        return json_response(paginate([rows], UNIT, query, order="id"))


class LoanView(PartnerView):
    """Base view for the loans of the partner's centres."""

    scopes = {"GET": Scope.LOANS_READ, "POST": Scope.LOANS_WRITE}

    def rows(self) -> LoanQuerySet:
        return Loan.objects.visible_to_partner(self.partner)

    def loan(self, pk: int) -> Loan:
        loan = self.rows().filter(pk=pk).first()
        if loan is None:
            raise Http404
        return loan

    @contextmanager
    def locked(self, pk: int) -> Iterator[Loan]:
        """The loan, with its member and ticket locked during the block. Checks `If-Match`."""
        loan = self.loan(pk)
        with lock_ticket(loan.ticket) as ticket:
            loan.ticket = ticket
            require_if_match(self.request, lambda: LOAN.get(Loan.objects.filter(pk=loan.pk)))
            yield loan

    def loan_response(self, loan: Loan) -> HttpResponse:
        return json_response(LOAN.get(Loan.objects.filter(pk=loan.pk)))

    def validated(self, request: Request, serializer_class: type[StrictSerializer]) -> dict[str, Any]:
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        return {**serializer.validated_data, "actor": Actor(partner=self.partner), "at": timezone.now()}


class LoansView(LoanView):
    @extend_schema(
        operation_id="listLoans",
        tags=["Loans"],
        parameters=[LoanListQuery],
        responses={200: described(page_schema(LoanSerializer, "LoanPage"), "A page of the loans.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The loans of your centres, latest first."""
        query = parse_query(request, LoanListQuery)
        rows = self.rows()
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if "due_before" in query:
            rows = rows.overdue(query["due_before"])
        return json_response(paginate([rows], LOAN, query, order="-reserved_at"))


class LoanDetailView(LoanView):
    @extend_schema(
        operation_id="getLoan",
        tags=["Loans"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(LoanSerializer, "The loan."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """One loan."""
        loan = LOAN.get(self.rows().filter(pk=pk))
        if loan is None:
            raise Http404
        return json_response_with_etag(request, loan)


class HandOutSerializer(StrictSerializer):
    condition = MultiLineField(max_length=loans.MAX_CONDITION_LENGTH, help_text="Note every scratch.")
    due_back = serializers.DateField(required=False, allow_null=True, default=None, help_text="Not due before it.")


class ExtendSerializer(StrictSerializer):
    due_back = serializers.DateField(help_text="Later than the present day.")


class TakeBackSerializer(StrictSerializer):
    condition = MultiLineField(max_length=loans.MAX_CONDITION_LENGTH)


class EmptySerializer(StrictSerializer):
    """An empty object."""


class HandOutView(LoanView):
    @extend_schema(
        operation_id="handOutLoan",
        tags=["Loans"],
        parameters=[IF_MATCH],
        request=HandOutSerializer,
        responses={200: described(LoanSerializer, "The loan, handed out."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Record that the member takes the unit. The member must have accepted the agreement."""
        with self.locked(pk) as loan:
            return self.loan_response(loans.hand_out(loan=loan, **self.validated(request, HandOutSerializer)))


class ExtendView(LoanView):
    @extend_schema(
        operation_id="extendLoan",
        tags=["Loans"],
        parameters=[IF_MATCH],
        request=ExtendSerializer,
        responses={
            200: described(LoanSerializer, "The loan, with its new day of return."),
            **problem_responses(409, 412),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Extend a loan to a later day."""
        with self.locked(pk) as loan:
            return self.loan_response(loans.extend(loan=loan, **self.validated(request, ExtendSerializer)))


class TakeBackView(LoanView):
    @extend_schema(
        operation_id="takeBackLoan",
        tags=["Loans"],
        parameters=[IF_MATCH],
        request=TakeBackSerializer,
        responses={200: described(LoanSerializer, "The loan, returned."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Record that the unit is back."""
        with self.locked(pk) as loan:
            return self.loan_response(loans.take_back(loan=loan, **self.validated(request, TakeBackSerializer)))


class CancelLoanView(LoanView):
    @extend_schema(
        operation_id="cancelLoan",
        tags=["Loans"],
        parameters=[IF_MATCH],
        request=EmptySerializer,
        responses={200: described(LoanSerializer, "The loan, cancelled."), **problem_responses(409, 412)},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Cancel a reservation. The unit is free again."""
        with self.locked(pk) as loan:
            return self.loan_response(loans.cancel(loan=loan, **self.validated(request, EmptySerializer)))
