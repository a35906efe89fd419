"""What retailers confirm (R55): they learn whether it counted, and nothing about whose it is."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.errors import problem_of
from cps_portal.core.rest.fields import AwareDateTimeField, LineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed, json_response, json_response_with_etag
from cps_portal.core.rest.schema import (
    IF_NONE_MATCH,
    NOT_MODIFIED,
    ProblemSerializer,
    WarningSerializer,
    described,
    page_schema,
    problem_responses,
)
from cps_portal.core.rest.views import PartnerView
from kitbag.actions import sales
from kitbag.actions.serials import check_product_serial
from kitbag.enums import SaleWithdrawal
from kitbag.models import Product, Sale
from kitbag.presenters.serial_warnings import serial_warning

MAX_PER_REQUEST = 100
STATES = [("confirmed", "confirmed"), ("matched", "matched"), ("withdrawn", "withdrawn")]


class SaleSerializer(SparseSerializer):
    """`matched`: a registration of this product counts, and says the same."""

    id = serializers.IntegerField(source="pk")
    external_id = serializers.CharField()
    product = serializers.CharField(source="product.slug", help_text="Its slug.")
    serial = serializers.CharField()
    country = serializers.CharField()
    sold_on = serializers.DateField()
    receipt = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    confirmed_at = serializers.DateTimeField()
    matched_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class SaleConfirmedSerializer(SaleSerializer):
    """The sale, and what looks wrong about it though it was taken."""

    warnings: Any = WarningSerializer(many=True, help_text="Compare with the product: `serial_shape` looks unusual.")


def _state(withdrawn: datetime | None, registration: int | None) -> str:
    return "withdrawn" if withdrawn else "matched" if registration else "confirmed"


SALE = Resource(SaleSerializer, state=computed("withdrawn_at", "registration_id", make=_state))


class SaleInSerializer(StrictSerializer):
    external_id = serializers.CharField(
        max_length=100, help_text="Your number of this sale: the same number with the same details is the same sale."
    )
    product = serializers.SlugField(max_length=120, help_text="Of the catalogue.")
    serial = serializers.CharField(max_length=40, help_text="As on the product.")
    country = serializers.ChoiceField(choices=sorted(code for code, _name in list_countries()), help_text="ISO 3166.")
    sold_on = serializers.DateField()
    receipt = LineField(max_length=60, help_text="Its number.")


class SaleBatchSerializer(StrictSerializer):
    sales: Any = SaleInSerializer(many=True, allow_empty=False, max_length=MAX_PER_REQUEST)  # type: ignore[call-arg]


class SaleAnswerItemSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField()
    sale: Any = SaleConfirmedSerializer(required=False)
    problem: Any = ProblemSerializer(required=False)


class SaleBatchAnswerSerializer(serializers.Serializer[Any]):
    results: Any = SaleAnswerItemSerializer(many=True)


class WithdrawSerializer(StrictSerializer):
    why = serializers.ChoiceField(choices=SaleWithdrawal.choices)


class SaleListQuery(ListQuery):
    state = serializers.ChoiceField(choices=STATES, required=False)
    confirmed_since = AwareDateTimeField(required=False, help_text="Confirmed then or later.")
    external_id = serializers.CharField(required=False, max_length=100, help_text="Your number of the sale.")


FILTER_OF_STATE: dict[str, dict[str, Any]] = {
    "withdrawn": {"withdrawn_at__isnull": False},
    "matched": {"withdrawn_at": None, "registration__isnull": False},
    "confirmed": {"withdrawn_at": None, "registration": None},
}


class SaleView(PartnerView):
    scopes = {"GET": Scope.SALES_READ, "POST": Scope.SALES_WRITE}

    def confirm(
        self, payload: Mapping[str, Any], products: Mapping[str, Product], at: datetime
    ) -> tuple[dict[str, Any], bool]:
        """The sale as the API shows it, and whether it is new. Raises Refusal."""
        product = products.get(payload["product"])
        if product is None:
            raise Refusal("product", "There is no such product. Look it up in the catalogue.", "product")
        sale, new = sales.confirm_sale(partner=self.partner, at=at, **{**payload, "product": product})
        content = SALE.get(Sale.objects.filter(pk=sale.pk))
        assert content is not None  # noqa: S101 (it has just been written)
        return {**content, "warnings": _warnings(product, sale.serial)}, new


def _products(payloads: Iterable[Mapping[str, Any]]) -> dict[str, Product]:
    """The products that are named, by slug."""
    return {product.slug: product for product in Product.objects.filter(slug__in={row["product"] for row in payloads})}


def _warnings(product: Product, serial: str) -> list[dict[str, str]]:
    finding = check_product_serial(product, serial)
    return [{"code": f"serial_{finding.code}", "detail": serial_warning(finding)}] if finding.code else []


class SalesView(SaleView):
    @extend_schema(
        operation_id="listSales",
        tags=["Sales"],
        parameters=[SaleListQuery],
        responses={200: described(page_schema(SaleSerializer, "SalePage"), "A page of your sales.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """Your sales, the latest first."""
        query = parse_query(request, SaleListQuery)
        confirmed = Sale.objects.visible_to_partner(self.partner).filter(
            **FILTER_OF_STATE.get(query.get("state", ""), {})
        )
        if "confirmed_since" in query:
            confirmed = confirmed.filter(confirmed_at__gte=query["confirmed_since"])
        if "external_id" in query:
            confirmed = confirmed.filter(external_id=query["external_id"])
        return json_response(paginate([confirmed], SALE, query, order="-confirmed_at"))

    @extend_schema(
        operation_id="confirmSale",
        tags=["Sales"],
        request=SaleInSerializer,
        responses={
            200: described(SaleConfirmedSerializer, "It was confirmed before: the first record."),
            201: described(SaleConfirmedSerializer, "The sale, recorded."),
            **problem_responses(409),
        },
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Confirm a sale. If the buyer has registered the product it counts a moment later; otherwise as soon as they
        do.

        The same sale again, by `external_id` or with all the same details, is answered with 200 and the first record.
        409 names what is wrong: `serial_ean` and other codes that begin with `serial_` for what is no serial number of
        the product, `standing` if it has been sold already, `differs` if the `external_id` belongs to a sale with other
        details, `before_release` if the product was not out yet. A serial number that only looks unusual is taken, and
        `warnings` say so.
        """
        form = SaleInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        payload = form.validated_data
        sale, new = self.confirm(payload, _products([payload]), timezone.now())
        return json_response(sale, status=201 if new else 200)


class SaleBatchView(SaleView):
    @extend_schema(
        operation_id="confirmSales",
        tags=["Sales"],
        request=SaleBatchSerializer,
        responses={
            200: described(
                SaleBatchAnswerSerializer, "One result for each sale, in your order, each with its own status."
            )
        },
    )
    @idempotent()
    def post(self, request: Request) -> HttpResponse:
        """Confirm up to 100 sales, each for itself: one that is refused does not stop the others.

        Only if one cannot be read at all is nothing written, and the answer is 400.
        """
        form = SaleBatchSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        at, payloads = timezone.now(), form.validated_data["sales"]
        products = _products(payloads)
        numbers = [
            (products[row["product"]].pk, row["serial"], row["external_id"])
            for row in payloads
            if row["product"] in products
        ]
        sales.lock_numbers(partner=self.partner, numbers=numbers)
        return json_response({"results": [self._confirm_one(payload, products, at) for payload in payloads]})

    def _confirm_one(self, payload: Mapping[str, Any], products: Mapping[str, Product], at: datetime) -> dict[str, Any]:
        try:
            with transaction.atomic():
                sale, new = self.confirm(payload, products, at)
        except Refusal as refusal:
            problem = problem_of(refusal)
            return {"status": problem["status"], "problem": problem}
        return {"status": 201 if new else 200, "sale": sale}


class SaleDetailView(SaleView):
    @extend_schema(
        operation_id="getSale",
        tags=["Sales"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(SaleSerializer, "The sale."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """One sale."""
        sale = SALE.get(Sale.objects.visible_to_partner(self.partner).filter(pk=pk))
        if sale is None:
            raise Http404
        return json_response_with_etag(request, sale)


class WithdrawSaleView(SaleView):
    @extend_schema(
        operation_id="withdrawSale",
        tags=["Sales"],
        request=WithdrawSerializer,
        responses={200: described(SaleSerializer, "The sale, withdrawn.")},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Take a confirmation back. What counts goes on counting until a person has looked at it (R21)."""
        form = WithdrawSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sale = Sale.objects.visible_to_partner(self.partner).filter(pk=pk).first()
        if sale is None:
            raise Http404
        sales.withdraw_sale(sale=sale, why=form.validated_data["why"], at=timezone.now())
        return json_response(SALE.get(Sale.objects.filter(pk=pk)))
