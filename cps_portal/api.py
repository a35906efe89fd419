"""Mounts the apps' endpoints, the tokens and the schema, nothing else."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cps_portal.offers.api import PackEventsView
from cps_portal.rest.tokens import FetchTokenView, GiveBackTokenView
from kitbag.api import ProductDetailView, ProductSearchView
from servicing.api.tickets import OneTicketView, TicketEventBatchView, TicketEventsView, TicketsView

OPEN: dict[str, list[type]] = {"authentication_classes": [], "permission_classes": []}

urlpatterns = [
    path("oauth/token", FetchTokenView.as_view(), name="api-token"),
    path("oauth/revoke", GiveBackTokenView.as_view(), name="api-token-revoke"),
    path("products", ProductSearchView.as_view(), name="api-products"),
    path("products/<slug:slug>", ProductDetailView.as_view(), name="api-product"),
    path("fulfilment/requests/<str:reference>/events", PackEventsView.as_view(), name="api-pack-events"),
    path("tickets", TicketsView.as_view(), name="api-tickets"),
    path("tickets/events", TicketEventBatchView.as_view(), name="api-ticket-event-batch"),
    path("tickets/<str:reference>", OneTicketView.as_view(), name="api-ticket"),
    path("tickets/<str:reference>/events", TicketEventsView.as_view(), name="api-ticket-events"),
    path("schema", SpectacularAPIView.as_view(**OPEN), name="api-schema"),
    path(
        "docs",
        # The plain Swagger view has an inline script, which the Content-Security-Policy refuses.
        SpectacularSwaggerSplitView.as_view(url_name="api-schema", **OPEN),
        name="api-docs",
    ),
]
