"""The catalogue for partners (R55)."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cps_portal.partners.enums import Scope
from cps_portal.rest.schema import problems
from cps_portal.rest.views import PartnerView
from kitbag.models import Product
from kitbag.search import LONGEST_TEXT, search_products


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product with its points at each stage; `points` are those of the present one."""

    points = serializers.IntegerField(read_only=True)
    fast_track = serializers.BooleanField(source="is_fast_track", read_only=True)

    class Meta:
        model = Product
        fields = [
            "slug", "name", "category", "shelf", "mount", "released_year", "service_end_year", "registrable", "stage",
            "points", "points_current", "points_superseded", "points_unserviceable", "sample", "fast_track",
        ]  # fmt: skip


class ProductDetailSerializer(ProductSerializer):
    """The same with its regional names and its successor."""

    names: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    successor: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)

    class Meta(ProductSerializer.Meta):
        fields = [*ProductSerializer.Meta.fields, "names", "successor"]


class ProductResultsSerializer(serializers.Serializer[dict[str, Any]]):
    results = ProductSerializer(many=True)


class ProductQuerySerializer(serializers.Serializer[dict[str, str]]):
    q = serializers.CharField(max_length=LONGEST_TEXT)


class ProductSearchView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="searchProducts",
        tags=["Catalogue"],
        parameters=[
            OpenApiParameter("q", str, required=True, description="Fragments of a name in any order: `70-200 2.8`.")
        ],
        responses={200: ProductResultsSerializer, **problems(400, 403, 429)},
    )
    def get(self, request: Request) -> Response:
        """At most 20 products that may be registered, the best match first."""
        query = ProductQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        products = search_products(query.validated_data["q"])
        return Response(ProductResultsSerializer({"results": products}).data)


class ProductDetailView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="getProduct",
        tags=["Catalogue"],
        responses={200: ProductDetailSerializer, **problems(403, 404, 429)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """One product, whether or not it may be registered."""
        products = Product.objects.select_related("successor").prefetch_related("names")
        return Response(ProductDetailSerializer(get_object_or_404(products, slug=slug)).data)
