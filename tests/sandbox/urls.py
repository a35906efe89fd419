"""The URLs of a sandbox: those of the portal, with its own before them, as with SANDBOX=true."""

from django.urls import include, path

from cps_portal import urls

urlpatterns = [path("api/v1/sandbox/", include("cps_portal.sandbox.urls")), *urls.urlpatterns]
handler400, handler500 = urls.handler400, urls.handler500
