"""Mounts the apps' endpoints and the schema, nothing else."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAdminUser

from cps_portal.offers.api import PackEventsView
from kitbag.api import ProductDetailView, ProductSearchView

urlpatterns = [
    path("products", ProductSearchView.as_view(), name="api-products"),
    path("products/<slug:slug>", ProductDetailView.as_view(), name="api-product"),
    path("fulfilment/requests/<str:reference>/events", PackEventsView.as_view(), name="api-pack-events"),
    path("schema", SpectacularAPIView.as_view(permission_classes=[IsAdminUser]), name="api-schema"),
    path(
        "docs",
        # The plain Swagger view has an inline script, which the Content-Security-Policy refuses.
        SpectacularSwaggerSplitView.as_view(url_name="api-schema", permission_classes=[IsAdminUser]),
        name="api-docs",
    ),
]
