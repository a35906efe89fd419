"""URLs of the API under /api/v1/."""

from django.urls import path, register_converter
from drf_spectacular.views import SpectacularSwaggerSplitView

from cps_portal.core.rest.contract import ContractView
from cps_portal.core.rest.paths import KeyConverter
from cps_portal.core.rest.tokens import FetchTokenView, RevokePartnerTokenView
from cps_portal.core.rest.webhooks import (
    AttemptsView,
    EndpointsView,
    OneEndpointView,
    PingView,
    ReplayView,
    ResumeEndpointView,
    RotateSecretView,
    SuspendEndpointView,
)
from cps_portal.core.rest.webhooks import MessagesView as WebhookMessagesView
from kitbag.api.products import (
    ProductChangesView,
    ProductDetailView,
    ProductSearchView,
    ProductsView,
    StageChangesView,
)
from kitbag.api.sales import SaleBatchView, SaleDetailView, SalesView, WithdrawSaleView
from members.api import CountriesView, LevelsView
from members.offers.api import (
    CardReportsView,
    CardRequestListView,
    OneCardRequestView,
    OnePackView,
    PackEventsView,
    PackListView,
    PackReportsView,
)
from servicing.api.cards import CardCheckView
from servicing.api.directory import CarriersView, CentresView
from servicing.api.follow_ups import FollowUpView, ReportView
from servicing.api.intake import IntakeCheckView
from servicing.api.loans import (
    CancelLoanView,
    ExtendView,
    HandOutView,
    LoanDetailView,
    LoansView,
    LoanUnitsView,
    TakeBackView,
)
from servicing.api.shipping import ShipmentsView, ShippingView
from servicing.api.tickets import TicketDetailView, TicketEventBatchView, TicketEventsView, TicketsView
from servicing.api.visitors import CardPhotoView, VisitorDetailView, VisitorsView
from servicing.api.work import (
    DocumentContentView,
    DocumentsView,
    EstimatesView,
    MessagesReadView,
    MessagesView,
    PartArrivedView,
    PartExpectedView,
    PartsView,
)

register_converter(KeyConverter, "id")
OPEN: dict[str, list[type]] = {"authentication_classes": [], "permission_classes": []}

urlpatterns = [
    path("oauth/token", FetchTokenView.as_view(), name="api-token"),
    path("oauth/revoke", RevokePartnerTokenView.as_view(), name="api-token-revoke"),
    path("products", ProductsView.as_view(), name="api-products"),
    path("products/search", ProductSearchView.as_view(), name="api-product-search"),
    path("products/changes", ProductChangesView.as_view(), name="api-product-changes"),
    path("products/stage-changes", StageChangesView.as_view(), name="api-stage-changes"),
    path("products/<slug:slug>", ProductDetailView.as_view(), name="api-product"),
    path("fulfilment/cards", CardRequestListView.as_view(), name="api-cards"),
    path("fulfilment/cards/<str:reference>", OneCardRequestView.as_view(), name="api-card"),
    path("fulfilment/cards/<str:reference>/reports", CardReportsView.as_view(), name="api-card-reports"),
    path("carriers", CarriersView.as_view(), name="api-carriers"),
    path("centres", CentresView.as_view(), name="api-centres"),
    path("countries", CountriesView.as_view(), name="api-countries"),
    path("levels", LevelsView.as_view(), name="api-levels"),
    path("fulfilment/requests", PackListView.as_view(), name="api-packs"),
    path("fulfilment/requests/<str:reference>", OnePackView.as_view(), name="api-pack"),
    path("fulfilment/requests/<str:reference>/reports", PackReportsView.as_view(), name="api-pack-reports"),
    path("fulfilment/requests/<str:reference>/events", PackEventsView.as_view(), name="api-pack-events"),
    path("sales", SalesView.as_view(), name="api-sales"),
    path("sales/batch", SaleBatchView.as_view(), name="api-sale-batch"),
    path("sales/<id:pk>", SaleDetailView.as_view(), name="api-sale"),
    path("sales/<id:pk>/withdraw", WithdrawSaleView.as_view(), name="api-sale-withdraw"),
    path("tickets", TicketsView.as_view(), name="api-tickets"),
    path("tickets/events", TicketEventBatchView.as_view(), name="api-ticket-event-batch"),
    path("tickets/<str:reference>", TicketDetailView.as_view(), name="api-ticket"),
    path("tickets/<str:reference>/events", TicketEventsView.as_view(), name="api-ticket-events"),
    path("tickets/<str:reference>/shipping", ShippingView.as_view(), name="api-shipping"),
    path("tickets/<str:reference>/report", ReportView.as_view(), name="api-service-report"),
    path("tickets/<str:reference>/follow-up", FollowUpView.as_view(), name="api-follow-up"),
    path("tickets/<str:reference>/shipments", ShipmentsView.as_view(), name="api-shipments"),
    path("tickets/<str:reference>/estimates", EstimatesView.as_view(), name="api-estimates"),
    path("tickets/<str:reference>/parts", PartsView.as_view(), name="api-parts"),
    path("tickets/<str:reference>/parts/<id:pk>/expected", PartExpectedView.as_view(), name="api-part-expected"),
    path("tickets/<str:reference>/parts/<id:pk>/arrived", PartArrivedView.as_view(), name="api-part-arrived"),
    path("tickets/<str:reference>/messages", MessagesView.as_view(), name="api-messages"),
    path("tickets/<str:reference>/messages/read", MessagesReadView.as_view(), name="api-messages-read"),
    path("tickets/<str:reference>/documents", DocumentsView.as_view(), name="api-documents"),
    path("tickets/<str:reference>/documents/<id:pk>/content", DocumentContentView.as_view(), name="api-document"),
    path("loans", LoansView.as_view(), name="api-loans"),
    path("loans/<id:pk>", LoanDetailView.as_view(), name="api-loan"),
    path("loans/<id:pk>/hand-out", HandOutView.as_view(), name="api-loan-hand-out"),
    path("loans/<id:pk>/extend", ExtendView.as_view(), name="api-loan-extend"),
    path("loans/<id:pk>/take-back", TakeBackView.as_view(), name="api-loan-take-back"),
    path("loans/<id:pk>/cancel", CancelLoanView.as_view(), name="api-loan-cancel"),
    path("loan-units", LoanUnitsView.as_view(), name="api-loan-units"),
    path("intake-checks", IntakeCheckView.as_view(), name="api-intake-checks"),
    path("visitors", VisitorsView.as_view(), name="api-visitors"),
    path("visitors/<id:pk>", VisitorDetailView.as_view(), name="api-visitor"),
    path("visitors/<id:pk>/card-photo", CardPhotoView.as_view(), name="api-card-photo"),
    path("card-checks", CardCheckView.as_view(), name="api-card-checks"),
    path("webhook-endpoints", EndpointsView.as_view(), name="api-webhooks"),
    path("webhook-endpoints/<id:pk>", OneEndpointView.as_view(), name="api-webhook"),
    path("webhook-endpoints/<id:pk>/rotate-secret", RotateSecretView.as_view(), name="api-webhook-rotate"),
    path("webhook-endpoints/<id:pk>/suspend", SuspendEndpointView.as_view(), name="api-webhook-suspend"),
    path("webhook-endpoints/<id:pk>/resume", ResumeEndpointView.as_view(), name="api-webhook-resume"),
    path("webhook-endpoints/<id:pk>/ping", PingView.as_view(), name="api-webhook-ping"),
    path("webhook-endpoints/<id:pk>/attempts", AttemptsView.as_view(), name="api-webhook-attempts"),
    path("webhook-endpoints/<id:pk>/messages", WebhookMessagesView.as_view(), name="api-webhook-messages"),
    path("webhook-endpoints/<id:pk>/messages/<id:message>/replay", ReplayView.as_view(), name="api-webhook-replay"),
    path("schema", ContractView.as_view(), name="api-schema"),
    path(
        "docs",
        # The plain Swagger view has an inline script, which the Content-Security-Policy forbids.
        SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="public/api.html", **OPEN),
        name="api-docs",
    ),
]
