"""The catalogue for partners: products, their points, their stages, and what changed (R20, R55)."""

from typing import Any

from django.apps import apps
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.commit_horizon import fully_committed_until
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.lists import ListQuery, SparseListQuery, SparseQuery, paginate, paginate_feed, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed, json_response, json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, NOT_MODIFIED, described, page_schema
from cps_portal.core.rest.views import PartnerView
from kitbag.enums import Shelf, Stage
from kitbag.models import Product, StageChange
from kitbag.queries.search import MAX_TEXT_LENGTH, search_products


class ProductSerializer(SparseSerializer):
    """A product with its points at each stage; `points` are those of the present one."""

    id = serializers.IntegerField(source="pk")
    slug = serializers.CharField()
    name = serializers.CharField()
    category = serializers.CharField()
    shelf = serializers.ChoiceField(choices=Shelf.choices)
    mount = serializers.CharField(allow_blank=True)
    released_year = serializers.IntegerField(allow_null=True)
    service_end_year = serializers.IntegerField(allow_null=True)
    registrable = serializers.BooleanField()
    stage = serializers.ChoiceField(choices=Stage.choices)
    points = serializers.IntegerField()
    points_current = serializers.IntegerField()
    points_superseded = serializers.IntegerField()
    points_unserviceable = serializers.IntegerField()
    sample = serializers.BooleanField(help_text="The points are invented samples.")
    fast_track = serializers.BooleanField(help_text="Eligible, and can still be serviced (R43).")
    successor = serializers.CharField(source="successor.slug", allow_null=True, help_text="Its slug.")


def _points(stage: str, current: int, superseded: int, unserviceable: int) -> int:
    return {Stage.CURRENT.value: current, Stage.SUPERSEDED.value: superseded}.get(stage, unserviceable)


def _fast_track(eligible: bool, stage: str) -> bool:  # noqa: FBT001
    return eligible and stage != Stage.UNSERVICEABLE


POINTS = ("stage", "points_current", "points_superseded", "points_unserviceable")
PRODUCT = Resource(
    ProductSerializer,
    points=computed(*POINTS, make=_points),
    fast_track=computed("fast_track_model", "stage", make=_fast_track),
)


class ProductListQuery(SparseListQuery):
    category = serializers.CharField(required=False, max_length=40, help_text="As in `category` of a product.")
    shelf = serializers.ChoiceField(choices=Shelf.choices, required=False)
    stage = serializers.ChoiceField(choices=Stage.choices, required=False)
    registrable = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether members can register it."
    )
    fast_track_model = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether it is eligible for Fast Track (R43)."
    )


class ProductsView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listProducts",
        tags=["Catalogue"],
        parameters=[ProductListQuery],
        responses={200: described(page_schema(ProductSerializer, "ProductPage"), "A page of the products.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """All products, in the order in which they came into the catalogue."""
        query = parse_query(request, ProductListQuery)
        conditions = {
            name: query[name]
            for name in ("category", "shelf", "stage", "registrable", "fast_track_model")
            if query.get(name) is not None
        }
        return json_response(paginate([Product.objects.filter(**conditions)], PRODUCT, query, order="id"))


class ProductResultsSerializer(serializers.Serializer[Any]):
    results: Any = ProductSerializer(many=True)


class ProductSearchQuery(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=MAX_TEXT_LENGTH, help_text="Fragments of a name in any order: `70-200 2.8`.")


class ProductSearchView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="searchProducts",
        tags=["Catalogue"],
        parameters=[ProductSearchQuery],
        responses={
            200: described(ProductResultsSerializer, "The products that match, the best first; empty if none does.")
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """At most 20 products that may be registered, the best match first."""
        keys = [product.pk for product in search_products(parse_query(request, ProductSearchQuery)["q"])]
        by_key = {product["id"]: product for product in PRODUCT.list(Product.objects.filter(pk__in=keys))}
        return json_response({"results": [by_key[key] for key in keys]})


class ProductDetailView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="getProduct",
        tags=["Catalogue"],
        parameters=[SparseQuery, IF_NONE_MATCH, OpenApiParameter("slug", str, OpenApiParameter.PATH)],
        responses={200: described(ProductSerializer, "The product."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """One product, whether or not it may be registered."""
        product = PRODUCT.get(Product.objects.filter(slug=slug), parse_query(request, SparseQuery).get("fields", ""))
        if product is None:
            raise Http404
        return json_response_with_etag(request, product)


# --- What changed, and what will ---------------------------------------------------------------------


class ProductChangeSerializer(SparseSerializer):
    """A product as it was after a change."""

    changed_at = serializers.DateTimeField(source="pgh_created_at")
    slug = serializers.CharField()
    name = serializers.CharField()
    registrable = serializers.BooleanField()
    stage = serializers.ChoiceField(choices=Stage.choices)
    points = serializers.IntegerField()
    points_current = serializers.IntegerField()
    points_superseded = serializers.IntegerField()
    points_unserviceable = serializers.IntegerField()
    fast_track = serializers.BooleanField()


PRODUCT_CHANGE = Resource(
    ProductChangeSerializer,
    points=computed(*POINTS, make=_points),
    fast_track=computed("fast_track_model", "stage", make=_fast_track),
)


class ProductChangesView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listProductChanges",
        tags=["Catalogue"],
        parameters=[ListQuery],
        responses={
            200: described(
                page_schema(ProductChangeSerializer, "ProductChangePage"),
                "A page of the changes, and `next` to continue from.",
            )
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Every change of every product, the oldest first. `next` is always there: keep it, and ask again later.

        What is being written at this moment comes with a later page; nothing is ever skipped.
        """
        query = parse_query(request, ListQuery)
        log = apps.get_model("kitbag", "ProductEvent")
        until = fully_committed_until(log)
        with read_snapshot():  # a newer one than the horizon: see VIEWS_OUTSIDE_SNAPSHOT
            rows = log._default_manager.filter(pgh_created_at__lt=until)
            return json_response(paginate_feed(rows, PRODUCT_CHANGE, query, order="pgh_created_at"))


class StageChangeSerializer(SparseSerializer):
    """A change of stage or points that members have been told of (R22)."""

    id = serializers.IntegerField(source="pk")
    product = serializers.CharField(source="product.slug", help_text="Its slug.")
    to_stage = serializers.ChoiceField(choices=Stage.choices)
    successor = serializers.CharField(source="successor.slug", allow_null=True)
    points_before = serializers.IntegerField(source="before")
    points_after = serializers.IntegerField(source="after")
    effective_on = serializers.DateField()
    announced_at = serializers.DateTimeField()


STAGE_CHANGE = Resource(StageChangeSerializer)


class StageChangesView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listStageChanges",
        tags=["Catalogue"],
        parameters=[ListQuery],
        responses={
            200: described(
                page_schema(StageChangeSerializer, "StageChangePage"), "A page of the changes that are announced."
            )
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """What has been announced and is still to come."""
        rows = StageChange.objects.planned().filter(announced_at__isnull=False)
        return json_response(paginate([rows], STAGE_CHANGE, parse_query(request, ListQuery), order="id"))
