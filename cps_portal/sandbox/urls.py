"""URLs of the sandbox under /api/v1/sandbox/. Mounted only with SANDBOX=true."""

from django.urls import path

from cps_portal.sandbox.api.views import AgeView, DataView, EventsView

urlpatterns = [
    path("data", DataView.as_view(), name="sandbox-data"),
    path("age", AgeView.as_view(), name="sandbox-age"),
    path("events", EventsView.as_view(), name="sandbox-events"),
]
